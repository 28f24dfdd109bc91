import type { MqttSinkConfig } from '../../config/sections/mqtt-sink.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { encodeMqttBinary, encodeMqttStructured, type MqttMessage } from '../../events/bindings/mqtt.ts'
import { checkSink } from '../check-policy.ts'
import type { OutgoingResult, Sink, SinkHealth } from '../sink.ts'
import { compileTopicTemplate, encodeTopicLevel, type TopicTemplate } from '../topic-template.ts'
import { createEmbeddedPublisher, type PublishToSubscribers } from './embedded-publisher.ts'
import { createExternalPublisher, type PublisherReport } from './external-publisher.ts'
import type { Publisher } from './publisher.ts'
import { topicNameProblem } from './topic-name.ts'

export interface MqttSinkOptions {
  readonly name: string
  readonly config: MqttSinkConfig
  /** The embedded broker; needed when the configuration names no other. */
  readonly publish?: PublishToSubscribers
  readonly report?: PublisherReport
  /** Waits between attempts to connect; for tests. */
  readonly firstRetryMs?: number
  readonly lastRetryMs?: number
}

/**
 * An MQTT sink: every result is published to one topic.
 * @throws {SluiceError} SLUICE_CONFIG_INVALID, SLUICE_MQTT_CONFIG.
 */
export function createMqttSink(options: MqttSinkOptions): Sink {
  return new MqttSink(options)
}

class MqttSink implements Sink {
  readonly name: string
  readonly kind = 'mqtt'
  readonly destination: string
  readonly #config: MqttSinkConfig
  readonly #topic: TopicTemplate
  readonly #publisher: Publisher

  constructor(options: MqttSinkOptions) {
    const { name, config } = options
    this.name = name
    this.#config = config
    this.destination = config.topic
    this.#topic = compileTopicTemplate(config.topic, `sinks.${name}.topic`, encodeTopicLevel)
    const problem = topicNameProblem(config.topic)
    if (problem !== undefined) throw new SluiceError('SLUICE_MQTT_CONFIG', `sinks.${name}.topic: ${problem}`)
    this.#publisher = publisherOf(options)
  }

  start(): Promise<void> {
    return this.#publisher.start()
  }

  async deliver(result: OutgoingResult): Promise<void> {
    checkSink(result.policy, this.name)
    const topic = this.#topicOf(result)
    await this.#publisher.publish(topic, this.#message(result), this.#config)
  }

  health(): SinkHealth {
    return this.#publisher.health()
  }

  close(): Promise<void> {
    return this.#publisher.close()
  }

  /** The handler may choose a topic of its own; it gets no wildcards either. */
  #topicOf({ meta, cause, header }: OutgoingResult): string {
    if (meta.topic === undefined) return this.#topic.fill(withResultFirst(header, cause))
    const problem = topicNameProblem(meta.topic)
    if (problem === undefined) return meta.topic
    throw new SluiceError('SLUICE_SINKS_TEMPLATE', `sink ${this.name}: the result's topic cannot be used: ${problem}`)
  }

  #message({ header, value }: OutgoingResult): MqttMessage {
    const { contentMode } = this.#config
    const { protocolVersion } = this.#publisher
    if (contentMode === 'structured') {
      const { payload, properties } = encodeMqttStructured(header, value, protocolVersion)
      if (properties === undefined) return { payload }
      return { payload, properties: { ...properties, userProperties: traceProperties(header) } }
    }
    // MQTT 3.1.1 has no place for attributes beside the payload.
    if (protocolVersion === 4) return { payload: value }
    if (contentMode === 'binary') return encodeMqttBinary(header, value)
    return {
      payload: value,
      properties: {
        ...(header.datacontenttype === undefined ? {} : { contentType: header.datacontenttype }),
        userProperties: traceProperties(header),
      },
    }
  }
}

/** The user properties of Trace Context: that is where a subscriber's tracing looks, whatever the content mode. */
function traceProperties({ traceparent, tracestate }: OutgoingResult['header']): Record<string, string> {
  if (traceparent === undefined) return {}
  return { traceparent, ...(tracestate === undefined ? {} : { tracestate }) }
}

/** Placeholders mean the causing event; what the result says itself is closer to what its author meant. */
function withResultFirst(header: OutgoingResult['header'], cause: OutgoingResult['cause']): OutgoingResult['cause'] {
  return {
    ...cause,
    ...(header.subject === undefined ? {} : { subject: header.subject }),
    ...(header.partitionkey === undefined ? {} : { partitionkey: header.partitionkey }),
    extensions: { ...cause.extensions, ...header.extensions },
  }
}

function publisherOf({ name, config, publish, report, firstRetryMs, lastRetryMs }: MqttSinkOptions): Publisher {
  if (config.broker === undefined) {
    if (publish !== undefined) return createEmbeddedPublisher(name, publish)
    throw new SluiceError('SLUICE_MQTT_CONFIG', `sinks.${name}: no broker is configured and the embedded one is off`)
  }
  return createExternalPublisher({
    name,
    broker: config.broker,
    timeoutMs: config.timeoutMs,
    maxInflight: config.maxInflight,
    report,
    ...(firstRetryMs === undefined ? {} : { firstRetryMs }),
    ...(lastRetryMs === undefined ? {} : { lastRetryMs }),
  })
}
