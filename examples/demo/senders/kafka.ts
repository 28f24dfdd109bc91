import kafkajs from 'kafkajs'
import type { KafkaClient } from '../../../src/log/kafka/kafka-client.ts'
import { createKafkajsClient } from '../../../src/log/kafka/kafkajs/kafkajs-client.ts'
import type { KindLedger } from '../ledger.ts'
import { keyCounts } from '../workload.ts'
import { untilDue, type Pace } from './pace.ts'

const partitions = 6

/** The topics of one run of the demo, `<run>-orders` and `<run>-orders-enriched`, and what is sent to them. */
export interface OrderTopics {
  send(sending: { ledger: KindLedger; pace: Pace; signal: AbortSignal }): Promise<void>
  /** Deletes the topics and the consumer group of the run. */
  remove(): Promise<void>
}

/** @throws {Error} that says what to do when the brokers cannot be reached. */
export async function createOrderTopics(brokers: string, run: string): Promise<OrderTopics> {
  const addresses = brokers.split(',').map(address => address.trim())
  // The gateway's own client, because kafkajs as it comes may resolve a send that was never sent.
  const client = createKafkajsClient({ brokers: addresses, clientId: 'sluice-demo' })
  const topics = [`${run}-orders`, `${run}-orders-enriched`] as const
  try {
    for (const topic of topics) await client.ensureTopic({ topic, partitions, replicationFactor: 1 })
  } catch (error) {
    await client.close()
    const hint = 'start it with `npm run kafka`, or unset KAFKA_BROKERS to go without'
    throw new Error(`Kafka at ${brokers}: ${(error as Error).message}; ${hint}`, { cause: error })
  }
  return {
    send: ({ ledger, pace, signal }) => sendOrders(client, topics[0], ledger, pace, signal),
    async remove() {
      await client.close()
      await removeAll(addresses, topics, `${run}-trigger.orders`)
    },
  }
}

async function sendOrders(
  client: KafkaClient,
  topic: string,
  ledger: KindLedger,
  pace: Pace,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      for (const [index, event] of ledger.events.entries()) {
        if ((index % keyCounts.orders) % partitions !== partition) continue
        await untilDue(pace, index, signal)
        ledger.sent(event.id)
        const record = { key: Buffer.from(event.key), value: Buffer.from(event.body), headers: [] }
        await client.produce(topic, partition, [record])
        ledger.accepted(event.id)
      }
    }),
  )
}

async function removeAll(brokers: string[], topics: readonly string[], group: string): Promise<void> {
  const retry = { retries: 2, initialRetryTime: 100 }
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING, retry }).admin()
  try {
    await admin.connect()
    await admin.deleteTopics({ topics: [...topics] })
    // A group that still has a dead member is left to expire: Kafka drops it with its offsets by itself.
    await admin.deleteGroups([group]).catch(() => undefined)
  } finally {
    await admin.disconnect()
  }
}
