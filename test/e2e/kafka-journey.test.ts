import type { Kafka } from 'kafkajs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sharedKafka } from '../support/kafka/shared-kafka.ts'
import { describeWith } from '../support/real-parts.ts'
import { functionFile, prepareGateway, type GatewayProcess } from './gateway-process.ts'
import { connectKafka, countRecords, createTopic, partitionOfKey, produceEvents, readTopic } from './kafka-topics.ts'
import { audit, clean, disorderedOf, duplicatesByPartition, Ledger, SentLedger, type TestEvent } from './ledger.ts'

const partitions = 6
const keys = 500
const maxInFlight = 1_000
const records = 100_000

/** Long waits are for busy machines; nothing here waits without need. */
const timeoutMs = 180_000

let kafka: Kafka
let gateway: GatewayProcess
let ledger: Ledger
let orders: string
let relayed: string

beforeEach(async () => {
  const { brokers } = await sharedKafka()
  kafka = connectKafka(brokers)
  orders = await createTopic(kafka, 'orders', partitions)
  relayed = await createTopic(kafka, 'relayed', partitions)
  gateway = await prepareGateway({ config: {} })
  ledger = new Ledger(gateway.path('ledger'))
  await gateway.configure({
    kafka: { brokers, groupPrefix: `${orders}-`, sessionTimeoutMs: 6_000 },
    sources: { orders: { type: 'kafka', topic: orders, mapping: { type: 'test.order' } } },
    functions: { relay: { file: functionFile('relay.mjs'), environment: { LEDGER: ledger.file } } },
    sinks: { relayed: { type: 'kafka', topic: relayed } },
    triggers: { relay: { stream: 'orders', function: 'relay', sinks: ['relayed'], maxInFlight } },
  })
}, timeoutMs)

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

const events: readonly TestEvent[] = Array.from({ length: records }, (_, index) => {
  const key = `k${index % keys}`
  const seq = Math.floor(index / keys)
  return { id: `${key}-${seq}`, key, seq }
})

/** What lies in the output topic, by partition and order. */
async function readRelayed(): Promise<readonly TestEvent[]> {
  const ids = new Set<string>()
  const messages = await readTopic(kafka, relayed, ({ value }) => ids.add(value).size >= records)
  return messages.map(({ value }) => JSON.parse(value) as TestEvent)
}

describeWith(['kafka'], '100,000 Kafka records over 6 partitions and 500 keys, from topic to topic', () => {
  it(
    'are each processed once, in the order of their keys, and all results are in the output topic',
    async () => {
      const sent = new SentLedger()
      await gateway.start()
      await produceEvents(kafka, orders, partitions, events, sent)
      await ledger.waitFor(records, timeoutMs)
      const results = await readRelayed()
      await gateway.stop()
      await ledger.read()

      expect(audit(ledger, sent)).toEqual({ ...clean, duplicates: 0 })
      expect(await countRecords(kafka, relayed)).toBe(records)
      expect(disorderedOf(results)).toEqual([])
    },
    timeoutMs,
  )

  it(
    'survive a SIGKILL in the middle: the next process goes on where the offsets stand',
    async () => {
      const sent = new SentLedger()
      await gateway.start()
      await produceEvents(kafka, orders, partitions, events, sent)
      await ledger.waitFor(records / 3, timeoutMs)
      await gateway.kill()
      await ledger.read()
      const processedBefore = ledger.counts.size
      await gateway.restart()
      await ledger.waitFor(records, timeoutMs)
      const results = await readRelayed()
      await gateway.until('settled', async () => {
        const { lag, inFlight } = await gateway.trigger('relay')
        return lag === 0 && inFlight === 0
      })
      await gateway.stop()
      await ledger.read()

      expect(processedBefore).toBeLessThan(records)
      const { duplicates: _, ...rest } = audit(ledger, sent)
      expect(rest).toEqual(clean)
      for (const [partition, count] of duplicatesByPartition(ledger, ({ key }) => partitionOfKey(key, partitions)))
        expect(count, `duplicates of partition ${partition}`).toBeLessThanOrEqual(maxInFlight)
      expect(new Set(results.map(({ id }) => id)).size).toBe(records)
      expect(disorderedOf(results)).toEqual([])
    },
    timeoutMs,
  )
})
