import type { CloudEventAttributes } from './cloud-event.ts'

/** What the protocol knew about an event beside its attributes; it becomes `context.http`, `context.mqtt` or `context.kafka` of the handler. */
export type ProtocolContext = HttpContext | MqttContext | KafkaContext

export interface HttpContext {
  readonly kind: 'http'
  readonly method: string
  readonly path: string
  readonly query: string
  /** Lower-case names; credentials (authorization, cookie, proxy-authorization) are never kept. */
  readonly headers: Readonly<Record<string, string>>
}

export interface MqttContext {
  readonly kind: 'mqtt'
  readonly topic: string
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly clientId?: string
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
}

export interface KafkaContext {
  readonly kind: 'kafka'
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: string | null
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Everything that is kept of an event beside its bytes: the header of a record. Encoded by event-header-codec.ts in a
 * versioned format; a reader of version n reads every version up to n.
 */
export interface EventHeader extends CloudEventAttributes {
  /** Wall clock of the acceptance, in ms since the epoch. */
  readonly acceptedAtMs: number
  /** Two events of a stream with the same deduplication id inside the window are one event. */
  readonly dedupId?: string
  /** Where in its source the event stood, e.g. `mqtt:device-17` or `orders/3/4711`. */
  readonly position?: string
  /** How many `stream` sinks it has passed; a loop of functions ends at a limit. */
  readonly hops: number
  readonly protocol?: ProtocolContext
}
