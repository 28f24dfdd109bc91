import type { EventProblem } from '../../events/event-reader.ts'
import type { MqttProperties } from '../../events/bindings/mqtt.ts'
import type { IncomingEvent } from '../source.ts'

/** A PUBLISH as a source took it, from the embedded broker or from an external one. */
export interface Publication {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  /** From a device: to be kept for later subscribers. From a broker: it was kept, and is sent for a new subscription. */
  readonly retain: boolean
  /** The publishing client; unknown behind an external broker. */
  readonly clientId?: string
  /** MQTT 5 only. */
  readonly properties?: MqttProperties
  /** Recognises the redelivery of a QoS 2 message, across restarts too. */
  readonly dedupId?: string
}

/** What a publication becomes; `traceparent` is that of the receive span and replaces the sender's. */
export interface EventContext {
  readonly acceptedAtMs: number
  readonly traceparent?: string
}

/**
 * Makes the event of a publication: decodes what claims to be a CloudEvent, maps everything else.
 * @throws {SluiceError} SLUICE_EVENTS_INVALID, SLUICE_EVENTS_UNSUPPORTED_TYPE, SLUICE_EVENTS_MAPPING.
 */
export type PublicationDecoder = (publication: Publication, context: EventContext) => IncomingEvent

/** Keeps a publication that cannot become an event; resolves when it is durable. */
export type DeadLetterPublication = (problem: EventProblem, publication: Publication) => Promise<void>
