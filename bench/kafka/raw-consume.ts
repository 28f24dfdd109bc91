import { randomUUID } from 'node:crypto'
import { Kafka, logLevel, Partitioners } from 'kafkajs'

/** What a measured run took. */
export interface ConsumeResult {
  readonly records: number
  /** From the first batch to the last, so that joining the group is not counted. */
  readonly elapsedMs: number
  readonly recordsPerSecond: number
}

/** Counts records from the first call of `take` until there are `records`. */
export class ConsumeClock {
  readonly done: Promise<ConsumeResult>
  readonly #records: number
  #resolve!: (result: ConsumeResult) => void
  #seen = 0
  #startedAt = 0

  constructor(records: number) {
    this.#records = records
    this.done = new Promise(resolve => (this.#resolve = resolve))
  }

  take(records: number): void {
    // The first batch starts the clock and is not counted: what it took was partly before.
    if (this.#startedAt === 0) this.#startedAt = performance.now()
    else this.#seen += records
    if (this.#seen < this.#records) return
    const elapsedMs = performance.now() - this.#startedAt
    this.#resolve({ records: this.#seen, elapsedMs, recordsPerSecond: (this.#seen / elapsedMs) * 1000 })
  }
}

/**
 * The raw limit that Sluice's Kafka consumption is measured against: kafkajs as it is, `eachBatch` that counts and
 * returns, from the beginning of the topic, in a group of its own. Fetch sizes are those of Sluice.
 */
export async function consumeRaw(options: {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly records: number
  readonly concurrency?: number
}): Promise<ConsumeResult> {
  const kafka = new Kafka({ brokers: [...options.brokers], clientId: 'bench-raw', logLevel: logLevel.ERROR })
  const consumer = kafka.consumer({
    groupId: `bench-raw-${randomUUID()}`,
    maxWaitTimeInMs: 250,
    maxBytesPerPartition: 1_048_576,
  })
  const clock = new ConsumeClock(options.records)
  await consumer.connect()
  try {
    await consumer.subscribe({ topics: [options.topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: options.concurrency ?? 64,
      eachBatch: ({ batch }) => {
        clock.take(batch.messages.length)
        return Promise.resolve()
      },
    })
    return await clock.done
  } finally {
    await consumer.disconnect()
  }
}

/** The raw limit of producing: kafkajs as it is, whole requests to one partition each, `inFlight` of them at a time. */
export async function produceRaw(options: {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly records: number
  readonly value: Buffer
  readonly requestRecords: number
}): Promise<{ readonly elapsedMs: number; readonly recordsPerSecond: number }> {
  const kafka = new Kafka({ brokers: [...options.brokers], clientId: 'bench-raw', logLevel: logLevel.ERROR })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false })
  await producer.connect()
  try {
    const { value } = options
    const perPartition = Math.ceil(options.records / options.partitions)
    const startedAt = performance.now()
    await Promise.all(
      Array.from({ length: options.partitions }, async (_, partition) => {
        for (let sent = 0; sent < perPartition; sent += options.requestRecords) {
          const length = Math.min(options.requestRecords, perPartition - sent)
          const messages = Array.from({ length }, (_, i) => ({ key: `key-${(sent + i) % 500}`, value, partition }))
          await producer.send({ topic: options.topic, messages, acks: -1 })
        }
      }),
    )
    const elapsedMs = performance.now() - startedAt
    return { elapsedMs, recordsPerSecond: ((perPartition * options.partitions) / elapsedMs) * 1000 }
  } finally {
    await producer.disconnect()
  }
}
