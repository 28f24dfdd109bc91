import type { ConnectionOptions } from 'node:tls'
import kafkajs, { type SASLOptions } from 'kafkajs'
import { SluiceError } from '../../../errors/sluice-error.ts'
import type { KafkaClient, KafkaSubscriptionHandlers, SubscribeOptions } from '../kafka-client.ts'
import { TopicAdmin } from './admin.ts'
import { registerCodecs } from './codecs.ts'
import { ConnectionHealth } from './connection-health.ts'
import { kafkaErrorOf } from './errors.ts'
import { patchConsumerGroup } from './group-patch.ts'
import { TopicProducer } from './producer.ts'
import { quietLog } from './quiet-log.ts'
import { SupervisedSubscription } from './supervisor.ts'
import { patchRequestTimer } from './timer-patch.ts'
import { TopicReader } from './topic-reader.ts'

export type KafkaLogLevel = 'error' | 'warn' | 'info' | 'debug'

export interface KafkajsClientOptions {
  /** `host:port` of the brokers to ask first, at least one. */
  readonly brokers: readonly string[]
  /** How the brokers' logs and quotas name us. Default `sluice`. */
  readonly clientId?: string
  /** TLS, as `tls.connect` takes it; true for the defaults of Node. Default: no TLS. */
  readonly ssl?: boolean | ConnectionOptions
  /** Mechanism (`plain`, `scram-sha-256`, `scram-sha-512`, `oauthbearer`, `aws`) and its credentials. Default: none. */
  readonly sasl?: KafkaSasl
  /** Compression of produced batches. Default `none`. */
  readonly compression?: 'none' | 'gzip' | 'zstd'
  /** How long a connection may take to be made. Default 3,000. */
  readonly connectionTimeoutMs?: number
  /** How long a request may be without an answer. Default 20,000, which must exceed the 10,000 replicas have. */
  readonly requestTimeoutMs?: number
  /** How long `produce` may take, waiting and all retries included; then the outcome is unknown. Default 30,000. */
  readonly produceTimeoutMs?: number
  /** How long a commit may take with all retries. Default 15,000. */
  readonly commitTimeoutMs?: number
  /** Most records and bytes of one produce request. Defaults 1,000 and 512 KiB. */
  readonly maxRequestRecords?: number
  readonly maxRequestBytes?: number
  /** Bytes that may wait to be produced, all partitions together. Default 64 MiB. */
  readonly maxQueuedBytes?: number
  /** Bytes fetched from a partition at once: the most that `records` hands over, unless one batch is larger. Default 1 MiB. */
  readonly maxPartitionFetchBytes?: number
  /** What kafkajs has to say from `logLevel` (default `warn`) on. Default: nothing is logged. */
  readonly log?: (level: KafkaLogLevel, message: string, details: Readonly<Record<string, unknown>>) => void
  readonly logLevel?: KafkaLogLevel
}

/** As kafkajs has it, written out so that no type of it leaves this folder. */
export type KafkaSasl = { readonly mechanism: string } & Readonly<Record<string, unknown>>

const MIB = 1024 * 1024

const logLevels = {
  error: kafkajs.logLevel.ERROR,
  warn: kafkajs.logLevel.WARN,
  info: kafkajs.logLevel.INFO,
  debug: kafkajs.logLevel.DEBUG,
} as const

const compressions = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  zstd: kafkajs.CompressionTypes.ZSTD,
} as const

/** A {@link KafkaClient} on kafkajs 2.2.4. Connects when first used. */
export function createKafkajsClient(options: KafkajsClientOptions): KafkaClient {
  patchRequestTimer()
  patchConsumerGroup()
  registerCodecs()
  const { ssl, sasl, logLevel = 'warn', maxPartitionFetchBytes = MIB } = options
  const log = options.log === undefined ? undefined : quietLog(options.log)
  const kafka = new kafkajs.Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId ?? 'sluice',
    connectionTimeout: options.connectionTimeoutMs ?? 3_000,
    requestTimeout: options.requestTimeoutMs ?? 20_000,
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 },
    logLevel: log ? logLevels[logLevel] : kafkajs.logLevel.NOTHING,
    logCreator: () => entry => {
      const { message, timestamp: _, ...details } = entry.log
      log?.(levelOf(entry.level), message, { namespace: entry.namespace, ...details })
    },
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl: sasl as unknown as SASLOptions }),
  })
  const health = new ConnectionHealth()
  const admin = new TopicAdmin(kafka, health)
  const producer = new TopicProducer(
    kafka,
    {
      maxRequestRecords: options.maxRequestRecords ?? 1_000,
      maxRequestBytes: options.maxRequestBytes ?? MIB / 2,
      produceTimeoutMs: options.produceTimeoutMs ?? 30_000,
      maxQueuedBytes: options.maxQueuedBytes ?? 64 * MIB,
      compression: compressions[options.compression ?? 'none'],
    },
    health,
  )
  const reader = new TopicReader(kafka, admin, maxPartitionFetchBytes)
  const subscriptions = new Set<SupervisedSubscription>()
  let closing: Promise<void> | undefined

  async function closeAll(): Promise<void> {
    await Promise.all([...subscriptions].map(subscription => subscription.close()))
    await Promise.all([producer.close(), admin.close(), reader.close()])
  }

  return {
    async connect() {
      try {
        await Promise.all([producer.connect(), admin.connect()])
        health.succeeded()
      } catch (error) {
        health.failed(error)
        throw kafkaErrorOf(error, 'SLUICE_KAFKA_UNREACHABLE', `be reached at ${options.brokers.join(', ')}`)
      }
    },
    produce: (topic, partition, records) => producer.produce(topic, partition, records),
    subscribe(subscribe: SubscribeOptions, handlers: KafkaSubscriptionHandlers) {
      if (closing) return Promise.reject(new SluiceError('SLUICE_KAFKA_CLOSED', 'The Kafka client is closed'))
      const commitTimeoutMs = options.commitTimeoutMs ?? 15_000
      const subscription = new SupervisedSubscription(
        { kafka, admin, health, subscribe, handlers, maxPartitionFetchBytes, commitTimeoutMs },
        () => subscriptions.delete(subscription),
      )
      subscriptions.add(subscription)
      subscription.start()
      return Promise.resolve(subscription)
    },
    partitionCount: topic => admin.partitionCount(topic),
    ends: topic => admin.ends(topic),
    offsetsAt: (topic, timestampMs) => admin.offsetsAt(topic, timestampMs),
    async committed(group, topic) {
      const committed = await admin.committed(group, topic)
      // A position that kafkajs lost is none.
      for (const [partition, offset] of committed) if (offset < 0) committed.delete(partition)
      return committed
    },
    ensureTopic: spec => admin.ensureTopic(spec),
    fetch: (topic, partition, from, limit) => reader.fetch(topic, partition, from, limit),
    health: () => health.snapshot(),
    close: () => (closing ??= closeAll()),
  }
}

function levelOf(level: number): KafkaLogLevel {
  if (level <= kafkajs.logLevel.ERROR) return 'error'
  if (level <= kafkajs.logLevel.WARN) return 'warn'
  return level <= kafkajs.logLevel.INFO ? 'info' : 'debug'
}
