import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { HttpSourceConfig } from '../config/sections/http-source.ts'
import type { MqttSourceConfig } from '../config/sections/mqtt-source.ts'
import { compileMapping } from '../events/mapping.ts'
import type { DiskReserve } from '../log/embedded/disk-reserve.ts'
import type { KafkaClient } from '../log/kafka/kafka-client.ts'
import type { HttpListener } from '../sources/http/http-listener.ts'
import { HttpSource } from '../sources/http/http-source.ts'
import type { InvokeFunction } from '../sources/http/invoke-function.ts'
import { ReplyTaker } from '../sources/http/reply-taker.ts'
import { StreamTaker } from '../sources/http/stream-taker.ts'
import { KafkaSource } from '../sources/kafka/source.ts'
import { createBrokerSource } from '../sources/mqtt/broker-source.ts'
import type { EmbeddedBroker } from '../sources/mqtt/broker.ts'
import { createClientSource } from '../sources/mqtt/client-source.ts'
import { createPublicationDecoder } from '../sources/mqtt/decode-publication.ts'
import type { MqttReport } from '../sources/mqtt/report.ts'
import type { ReceiveTracer } from '../sources/receive-tracer.ts'
import { ScheduleSource } from '../sources/schedule/source.ts'
import type { Source, StreamIntake } from '../sources/source.ts'
import type { HomeStore } from '../store/home-store.ts'
import type { TrafficLog } from './traffic-log.ts'
import { keepPublication } from './source-dead-letters.ts'

export interface SourceParts {
  readonly config: Config
  readonly listener: HttpListener
  readonly broker: EmbeddedBroker | undefined
  readonly kafka: KafkaClient | undefined
  readonly intakeOf: (stream: string) => StreamIntake
  /** @param ref such as price or price@live. */
  readonly invokeOf: (ref: string) => InvokeFunction
  readonly store: HomeStore
  readonly reserve: DiskReserve
  readonly tracer: ReceiveTracer | undefined
  readonly report: MqttReport
  /** Absent: single events are not logged. */
  readonly traffic: TrafficLog | undefined
}

/** Builds every source of the configuration; nothing listens yet. */
export function buildSources(parts: SourceParts): ReadonlyMap<string, Source> {
  const sources = new Map<string, Source>()
  for (const [name, config] of parts.config.sources) {
    switch (config.type) {
      case 'http':
        sources.set(name, buildHttpSource(name, config, parts))
        break
      case 'mqtt':
        sources.set(name, buildMqttSource(name, config, parts))
        break
      case 'kafka': {
        const client = parts.kafka as KafkaClient
        const { groupPrefix, sessionTimeoutMs } = parts.config.kafka
        const stream = config.stream ?? name
        sources.set(name, new KafkaSource({ name, stream, config, client, groupPrefix, sessionTimeoutMs }))
        break
      }
      case 'schedule': {
        const { store, tracer } = parts
        const intake = intakeFor(name, config.stream, parts)
        sources.set(name, new ScheduleSource({ name, config, intake, store, tracer }))
        break
      }
    }
  }
  return sources
}

function buildHttpSource(name: string, config: HttpSourceConfig, parts: SourceParts): Source {
  const { reply } = config
  const taker =
    reply === undefined
      ? new StreamTaker(intakeFor(name, config.stream, parts))
      : new ReplyTaker({
          functionName: reply.function,
          timeoutMs: reply.timeoutMs,
          invoke: parts.invokeOf(reply.function),
        })
  const tracer = parts.tracer === undefined ? {} : { tracer: parts.tracer }
  return new HttpSource({ name, config, routes: parts.listener.routes, taker, ...tracer })
}

function buildMqttSource(name: string, config: MqttSourceConfig, parts: SourceParts): Source {
  const { limits } = config
  const common = {
    source: name,
    intake: intakeFor(name, config.stream, parts),
    decode: createPublicationDecoder(compileMapping(config.mapping ?? {}, 'mqtt'), {
      source: `/sources/${name}`,
      type: 'sluice.mqtt.message',
      dedupCloudEvents: config.deduplicate === 'event',
    }),
    invalid: config.invalid,
    deadLetter: keepPublication({ store: parts.store, reserve: parts.reserve, now: Date.now }, name),
    maxHeldBytes: limits?.maxInFlightBytes ?? parts.config.mqtt.maxHeldBytes,
    rate:
      limits?.ratePerSecond === undefined ? undefined : { ratePerSecond: limits.ratePerSecond, burst: limits.burst },
    tracer: parts.tracer,
  }
  const { broker, topics, retained } = config
  if (broker !== undefined) return createClientSource({ ...common, broker, topics, retained, report: parts.report })
  return createBrokerSource({
    ...common,
    broker: parts.broker as EmbeddedBroker,
    topics: config.topics,
    forward: config.forward,
  })
}

function intakeFor(source: string, stream: string | undefined, { intakeOf, traffic }: SourceParts): StreamIntake {
  const intake = intakeOf(stream ?? source)
  return traffic === undefined ? intake : traffic.watch(source, intake)
}

/** Whether the configuration needs the embedded broker: a source without a broker of its own, or a sink to it. */
export function needsEmbeddedBroker(config: Config): boolean {
  if (!config.mqtt.enabled) return false
  const feeds = [...config.sources.values()].some(source => source.type === 'mqtt' && source.broker === undefined)
  return feeds || [...config.sinks.values()].some(sink => sink.type === 'mqtt' && sink.broker === undefined)
}

/** Where the broker keeps what must survive a restart. */
export const brokerDir = (config: Config): string => join(config.dataDir, 'mqtt')
