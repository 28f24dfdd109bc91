import { randomUUID } from 'node:crypto'
import kafkajs, { type IHeaders, type Kafka, type Message } from 'kafkajs'
import { murmur2 } from '../../src/log/partitioner.ts'
import type { SendingLedger, TestEvent } from './ledger.ts'

/** A Kafka client of the tests' own, so that what the gateway does is seen by somebody else's eyes. */
export function connectKafka(brokers: string): Kafka {
  return new kafkajs.Kafka({ clientId: 'e2e', brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING })
}

export async function createTopic(kafka: Kafka, name: string, partitions: number): Promise<string> {
  const topic = `${name}-${randomUUID()}`
  const admin = kafka.admin()
  await admin.connect()
  try {
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions }] })
  } finally {
    await admin.disconnect()
  }
  return topic
}

export const partitionOfKey = (key: string, partitions: number): number =>
  (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions

/** Produces in order, in batches, each acknowledged before the next of its partition; outcomes go to the ledger. */
export async function produceEvents(
  kafka: Kafka,
  topic: string,
  partitions: number,
  events: readonly TestEvent[],
  ledger: SendingLedger,
): Promise<void> {
  const batches = Array.from({ length: partitions }, () => [] as TestEvent[])
  for (const event of events) batches[partitionOfKey(event.key, partitions)]?.push(event)
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const batchSize = 2_000
  try {
    await Promise.all(
      batches.map(async (batch, partition) => {
        for (let from = 0; from < batch.length; from += batchSize) {
          const part = batch.slice(from, from + batchSize)
          await Promise.all(part.map(async event => ledger.send(event.id, event)))
          const messages = part.map(event => ({ partition, key: event.key, value: JSON.stringify(event) }))
          await producer.send({ topic, messages, acks: -1 })
          for (const { id } of part) ledger.acknowledge(id)
        }
      }),
    )
  } finally {
    await producer.disconnect()
  }
}

export async function produceMessages(kafka: Kafka, topic: string, messages: Message[]): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  try {
    await producer.send({ topic, messages, acks: -1 })
  } finally {
    await producer.disconnect()
  }
}

/** Records of a topic, counted by the broker. */
export async function countRecords(kafka: Kafka, topic: string): Promise<number> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const offsets = await admin.fetchTopicOffsets(topic)
    return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
  } finally {
    await admin.disconnect()
  }
}

export interface ReadMessage {
  readonly partition: number
  readonly key: string | undefined
  readonly value: string
  readonly headers: IHeaders
}

/** Reads a topic from its beginning until `enough`, called for each message, says so. */
export async function readTopic(
  kafka: Kafka,
  topic: string,
  enough: (newest: ReadMessage) => boolean,
): Promise<readonly ReadMessage[]> {
  const consumer = kafka.consumer({ groupId: `e2e-${randomUUID()}` })
  const messages: ReadMessage[] = []
  const done = Promise.withResolvers<void>()
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        for (const { key, value, headers } of batch.messages) {
          const text = value?.toString() ?? ''
          const message = { partition: batch.partition, key: key?.toString(), value: text, headers: headers ?? {} }
          messages.push(message)
          if (enough(message)) done.resolve()
        }
        return Promise.resolve()
      },
    })
    await done.promise
    return messages
  } finally {
    await consumer.disconnect()
  }
}
