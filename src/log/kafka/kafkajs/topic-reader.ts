import kafkajs, { type Kafka } from 'kafkajs'
import type { KafkaRecord } from '../kafka-client.ts'
import type { TopicAdmin } from './admin.ts'
import { within } from './backoff.ts'
import { kafkaErrorOf } from './errors.ts'
import { recordsOf } from './fetched-record.ts'
import { Batch, type ClusterInternals } from './kafkajs-internals.ts'

const ATTEMPTS = 3
const MAX_WAIT_MS = 100
const READ_COMMITTED = 1
const DISCONNECT_TIMEOUT_MS = 5_000

/** Reads a range of a partition without a group. kafkajs has no call for that, but hands its connections to an assigner. */
export class TopicReader {
  readonly #admin: TopicAdmin
  readonly #maxBytes: number
  readonly #cluster: ClusterInternals
  #isConnected = false

  constructor(kafka: Kafka, admin: TopicAdmin, maxBytes: number) {
    this.#admin = admin
    this.#maxBytes = maxBytes
    let cluster: unknown
    kafka.consumer({
      // Never joined, so no such group comes into being.
      groupId: 'sluice-reader',
      allowAutoTopicCreation: false,
      partitionAssigners: [
        config => {
          cluster = config.cluster
          return kafkajs.PartitionAssigners.roundRobin(config)
        },
      ],
    })
    this.#cluster = cluster as ClusterInternals
  }

  async fetch(topic: string, partition: number, from: number, limit: number): Promise<KafkaRecord[]> {
    const ends = (await this.#admin.ends(topic))[partition]
    const records: KafkaRecord[] = []
    if (!ends) return records
    let position = Math.max(from, ends.low)
    while (position < ends.end && records.length < limit) {
      const batch = await this.#fetchOnce(topic, partition, position)
      if (batch.messages.length === 0 && !batch.isEmptyDueToFiltering()) break
      for (const record of recordsOf(partition, batch.messages, position)) if (records.push(record) === limit) break
      position = Number(batch.lastOffset()) + 1
    }
    return records
  }

  async close(): Promise<void> {
    if (this.#isConnected) await within(this.#cluster.disconnect(), DISCONNECT_TIMEOUT_MS).catch(() => undefined)
  }

  async #fetchOnce(topic: string, partition: number, position: number): Promise<InstanceType<typeof Batch>> {
    for (let attempt = 1; ; attempt++) {
      try {
        if (!this.#isConnected || attempt > 1) await this.#cluster.connect()
        this.#isConnected = true
        await this.#cluster.addTargetTopic(topic)
        if (attempt > 1) await this.#cluster.refreshMetadata()
        const [nodeId] = Object.keys(this.#cluster.findLeaderForPartitions(topic, [partition]))
        if (nodeId === undefined) throw new Error(`partition ${partition} has no leader`)
        const broker = await this.#cluster.findBroker({ nodeId })
        const { responses } = await broker.fetch({
          maxWaitTime: MAX_WAIT_MS,
          minBytes: 1,
          maxBytes: this.#maxBytes,
          isolationLevel: READ_COMMITTED,
          topics: [{ topic, partitions: [{ partition, fetchOffset: String(position), maxBytes: this.#maxBytes }] }],
        })
        return new Batch(topic, String(position), responses[0]?.partitions[0])
      } catch (error) {
        if (attempt === ATTEMPTS)
          throw kafkaErrorOf(
            error,
            'SLUICE_KAFKA_UNREACHABLE',
            `read partition ${partition} of topic "${topic}" from offset ${position}`,
          )
      }
    }
  }
}
