import type { Config } from '../config/config.ts'
import type { KafkaClient } from '../log/kafka/kafka-client.ts'
import { createHttpSink } from '../sinks/http/sink.ts'
import { KafkaSink } from '../sinks/kafka/sink.ts'
import { createMqttSink } from '../sinks/mqtt/sink.ts'
import type { Sink } from '../sinks/sink.ts'
import { createStreamSink } from '../sinks/stream/sink.ts'
import type { EmbeddedBroker } from '../sources/mqtt/broker.ts'
import type { StreamIntake } from '../sources/source.ts'

export interface SinkParts {
  readonly config: Config
  readonly broker: EmbeddedBroker | undefined
  readonly kafka: KafkaClient | undefined
  readonly intakeOf: (stream: string) => StreamIntake
}

/** Builds every sink of the configuration; none is connected yet. */
export function buildSinks(parts: SinkParts): ReadonlyMap<string, Sink> {
  const sinks = new Map<string, Sink>()
  for (const [name, config] of parts.config.sinks) {
    switch (config.type) {
      case 'http':
        sinks.set(name, createHttpSink({ name, config }))
        break
      case 'kafka':
        sinks.set(name, new KafkaSink(name, config, parts.kafka as KafkaClient))
        break
      case 'stream': {
        const intake = parts.intakeOf(config.stream)
        sinks.set(
          name,
          createStreamSink({ name, stream: config.stream, append: async event => void (await intake.accept([event])) }),
        )
        break
      }
      case 'mqtt': {
        const { broker } = parts
        const embedded = broker === undefined ? {} : { publish: broker.publish.bind(broker) }
        sinks.set(name, createMqttSink({ name, config, ...embedded }))
        break
      }
    }
  }
  return sinks
}
