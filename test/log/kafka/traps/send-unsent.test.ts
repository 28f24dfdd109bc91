import { createRequire } from 'node:module'
import kafkajs, { type Kafka, type Producer } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { ConnectionHealth } from '../../../../src/log/kafka/kafkajs/connection-health.ts'
import { TopicProducer } from '../../../../src/log/kafka/kafkajs/producer.ts'

const load = createRequire(import.meta.url)
const createProducer = load('kafkajs/src/producer') as (options: object) => Producer
const InstrumentationEmitter = load('kafkajs/src/instrumentation/emitter') as new () => object
const { KafkaJSConnectionClosedError: ConnectionClosedError } = load('kafkajs/src/errors') as {
  KafkaJSConnectionClosedError: new (message: string, broker: object) => Error
}
const logger = {
  namespace: () => logger,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** Two brokers; the second drops its connection at the first request, and the first becomes leader of its partition. */
class FakeCluster {
  readonly written: string[] = []
  readonly targetTopics = new Set<string>()
  readonly #leaders: Record<number, number> = { 0: 1, 1: 2 }
  readonly #brokers = new Map(
    [1, 2].map(nodeId => [nodeId, { nodeId, produce: (request: ProduceRequest) => this.#produce(nodeId, request) }]),
  )
  #offset = 0

  connect = (): Promise<void> => Promise.resolve()
  disconnect = (): Promise<void> => Promise.resolve()
  isConnected = (): boolean => true
  refreshMetadata = (): Promise<void> => Promise.resolve()
  refreshMetadataIfNecessary = (): Promise<void> => Promise.resolve()
  addMultipleTargetTopics = (): Promise<void> => Promise.resolve()
  removeBroker = (): undefined => undefined
  findTopicPartitionMetadata = (): object[] =>
    [0, 1].map(partitionId => ({ partitionId, leader: this.#leaders[partitionId] }))
  findBroker = ({ nodeId }: { nodeId: string }): Promise<object> => Promise.resolve(this.#brokers.get(Number(nodeId))!)
  findLeaderForPartitions = (_topic: string, partitions: string[]): Record<string, number[]> => {
    const byLeader: Record<string, number[]> = {}
    for (const partition of partitions.map(Number)) (byLeader[this.#leaders[partition]!] ??= []).push(partition)
    return byLeader
  }

  async #produce(nodeId: number, { topicData }: ProduceRequest): Promise<object> {
    await new Promise(resolve => setImmediate(resolve))
    if (nodeId === 2) {
      this.#leaders[1] = 1
      throw new ConnectionClosedError('Closed connection', { host: 'two', port: 2 })
    }
    return {
      topics: topicData.map(({ topic, partitions }) => ({
        topicName: topic,
        partitions: partitions.map(({ partition, messages }) => {
          for (const { value } of messages) this.written.push(`${partition}:${value.toString()}`)
          this.#offset += messages.length
          return { partition, errorCode: 0, baseOffset: String(this.#offset - messages.length) }
        }),
      })),
    }
  }
}

interface ProduceRequest {
  topicData: { topic: string; partitions: { partition: number; messages: { value: Buffer }[] }[] }[]
}

function producerOn(cluster: FakeCluster, options: object = {}): Producer {
  return createProducer({
    cluster,
    logger,
    instrumentationEmitter: new InstrumentationEmitter(),
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    retry: { retries: 5, initialRetryTime: 1, maxRetryTime: 5 },
    ...options,
  })
}

describe('a broker that is lost while several partitions are sent to', () => {
  it('makes kafkajs resolve a send whose records were never sent', async () => {
    const cluster = new FakeCluster()
    const producer = producerOn(cluster)
    await producer.connect()
    const messages = [0, 1].map(partition => ({ partition, value: Buffer.from('x') }))
    const response = await producer.send({ topic: 't', messages })
    expect(response).toHaveLength(1)
    expect(cluster.written).toEqual(['0:x'])
  })

  it('loses nothing with ours', async () => {
    const cluster = new FakeCluster()
    const kafka = { producer: (options: object) => producerOn(cluster, options) } as unknown as Kafka
    const producer = new TopicProducer(
      kafka,
      { maxRequestRecords: 100, maxRequestBytes: 1e6, produceTimeoutMs: 30_000, maxQueuedBytes: 1e6, compression: 0 },
      new ConnectionHealth(),
    )
    await Promise.all(
      [0, 1].map(partition => producer.produce('t', partition, [{ key: null, value: Buffer.from('x'), headers: [] }])),
    )
    expect(cluster.written.toSorted()).toEqual(['0:x', '1:x'])
    await producer.close()
  })
})
