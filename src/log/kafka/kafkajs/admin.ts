import { setTimeout as delay } from 'node:timers/promises'
import type { Admin, Kafka } from 'kafkajs'
import { SluiceError } from '../../../errors/sluice-error.ts'
import type { PartitionEnds } from '../../partition-log.ts'
import type { TopicSpec } from '../kafka-client.ts'
import { within } from './backoff.ts'
import type { ConnectionHealth } from './connection-health.ts'
import { isDenied, isUnknownTopic, kafkaErrorOf } from './errors.ts'

const ATTEMPTS = 3
const DISCONNECT_TIMEOUT_MS = 5_000
const CREATE_TIMEOUT_MS = 15_000
const KNOWN_POLL_MS = 50

/** Questions about topics and groups, on one kafkajs admin client that is connected when first needed. */
export class TopicAdmin {
  readonly #admin: Admin
  readonly #health: ConnectionHealth
  #connecting: Promise<void> | undefined
  #isConnected = false
  #isClosed = false

  constructor(kafka: Kafka, health: ConnectionHealth) {
    this.#health = health
    this.#admin = kafka.admin({ retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 } })
    this.#admin.on(this.#admin.events.DISCONNECT, () => {
      this.#isConnected = false
    })
  }

  connect(): Promise<void> {
    if (this.#isConnected) return Promise.resolve()
    this.#connecting ??= this.#admin
      .connect()
      .then(() => {
        this.#isConnected = true
      })
      .finally(() => {
        this.#connecting = undefined
      })
    return this.#connecting
  }

  async partitionCount(topic: string): Promise<number | undefined> {
    const topics = await this.#ask(`describe topic "${topic}"`, async admin => {
      try {
        const described = await admin.fetchTopicMetadata({ topics: [topic] })
        return described.topics
      } catch (error) {
        if (isUnknownTopic(error)) return []
        throw error
      }
    })
    return topics.find(({ name }) => name === topic)?.partitions.length
  }

  async ends(topic: string): Promise<PartitionEnds[]> {
    const offsets = await this.#ask(`tell the ends of topic "${topic}"`, admin => admin.fetchTopicOffsets(topic))
    const ends: PartitionEnds[] = []
    for (const { partition, low, high } of offsets) ends[partition] = { low: Number(low), end: Number(high) }
    return ends
  }

  async offsetsAt(topic: string, timestampMs: number): Promise<number[]> {
    const offsets = await this.#ask(`look up a time in topic "${topic}"`, admin =>
      admin.fetchTopicOffsetsByTimestamp(topic, Math.trunc(timestampMs)),
    )
    const byPartition: number[] = []
    for (const { partition, offset } of offsets) byPartition[partition] = Number(offset)
    return byPartition
  }

  /** Negative offsets, which kafkajs commits when it loses its position, are told as they are: -2 means earliest, -1 never. */
  async committed(group: string, topic: string): Promise<Map<number, number>> {
    const topics = await this.#ask(`tell the offsets of group "${group}"`, admin =>
      admin.fetchOffsets({ groupId: group, topics: [topic] }),
    )
    const committed = new Map<number, number>()
    for (const { partition, offset } of topics.find(each => each.topic === topic)?.partitions ?? [])
      if (Number(offset) !== -1) committed.set(partition, Number(offset))
    return committed
  }

  async ensureTopic({ topic, partitions, replicationFactor, config = {} }: TopicSpec): Promise<void> {
    if ((await this.partitionCount(topic)) !== undefined) return
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    await this.#ask(`create topic "${topic}"`, admin =>
      // False when it exists, which somebody else may just have done.
      admin.createTopics({
        topics: [{ topic, numPartitions: partitions, replicationFactor, configEntries }],
        // kafkajs would wait for leaders only, and fail when the broker it asks has not heard of the topic yet.
        waitForLeaders: false,
        timeout: CREATE_TIMEOUT_MS,
      }),
    )
    const deadlineMs = performance.now() + CREATE_TIMEOUT_MS
    while ((await this.partitionCount(topic)) === undefined) {
      if (performance.now() > deadlineMs) {
        const message = `topic "${topic}" was created, but no broker tells of it after ${CREATE_TIMEOUT_MS} ms`
        throw new SluiceError('SLUICE_KAFKA_TOPIC', message)
      }
      await delay(KNOWN_POLL_MS)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await within(this.#admin.disconnect(), DISCONNECT_TIMEOUT_MS).catch(() => undefined)
  }

  /** All questions may be asked again, so a lost connection is met with another try. */
  async #ask<T>(doing: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      if (this.#isClosed) throw new SluiceError('SLUICE_KAFKA_CLOSED', 'The Kafka client is closed')
      try {
        await this.connect()
        const answer = await question(this.#admin)
        this.#health.succeeded()
        return answer
      } catch (error) {
        const reason = kafkaErrorOf(error, 'SLUICE_KAFKA_UNREACHABLE', doing)
        if (reason.code === 'SLUICE_KAFKA_UNREACHABLE') this.#health.failed(error)
        if (attempt === ATTEMPTS || isUnknownTopic(error) || isDenied(error)) throw reason
        // kafkajs does not notice that it has lost its brokers; a new connection asks the first ones again.
        this.#isConnected = false
      }
    }
  }
}
