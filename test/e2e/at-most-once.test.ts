import { afterEach, describe, expect, it } from 'vitest'
import { sharedKafka } from '../support/kafka/shared-kafka.ts'
import { describeWith } from '../support/real-parts.ts'
import { functionFile, prepareGateway, type GatewayProcess } from './gateway-process.ts'
import { connectKafka, createTopic, produceEvents } from './kafka-topics.ts'
import { audit, clean, Ledger, SentLedger, type TestEvent } from './ledger.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'
import { sendWebhooks } from './webhook-sender.ts'

const partitions = 4
const maxInFlight = 50
const timeoutMs = 180_000

let gateway: GatewayProcess
let ledger: Ledger

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

/** Nothing is under way and nothing waits any more. */
const settled = (trigger: string): Promise<boolean> =>
  gateway.until('settled', async () => {
    const { lag, inFlight, parkedEvents } = await gateway.trigger(trigger)
    return lag === 0 && inFlight === 0 && parkedEvents === 0
  })

describe('webhooks that are delivered at most once', () => {
  it(
    'are never run twice by any number of SIGKILLs, which lose no more than the windows, and a clean stop loses none',
    async () => {
      ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
        streams: { hooks: { partitions } },
        functions: { eat: ledgerFunction('record.mjs', file, { environment: { DELAY_MS: '3' } }) },
        triggers: { eat: { stream: 'hooks', function: 'eat', delivery: 'at-most-once', maxInFlight } },
      })))
      await gateway.start()
      const sent = new SentLedger()
      const ending = new AbortController()
      const sending = sendWebhooks({
        url: gateway.url,
        path: '/hooks',
        connections: 16,
        keys: 64,
        events: Infinity,
        eventsPerSecond: 1_500,
        ledger: sent,
        signal: ending.signal,
      })
      const kills = 2
      for (let round = 1; round <= kills; round++) {
        await ledger.waitFor(ledger.counts.size + 400)
        await gateway.kill()
        await gateway.restart()
      }
      await ledger.waitFor(ledger.counts.size + 400)
      // From here on nothing may be lost any more.
      const before = sent.acknowledged.size
      await gateway.stop()
      await gateway.restart()
      await sent.waitForAcknowledged(before + 200)
      ending.abort()
      await sending
      await settled('eat')
      await gateway.stop()
      await ledger.read()

      const { lost, ...rest } = audit(ledger, sent)
      expect(rest).toEqual({ invented: [], disordered: [], duplicates: 0 })
      expect(lost.length).toBeLessThanOrEqual(kills * partitions * maxInFlight)
      const since = [...sent.acknowledged].slice(before)
      expect(since.filter(id => !ledger.counts.has(id))).toEqual([])
    },
    timeoutMs,
  )

  it(
    'lose nothing by clean stops in the middle of their work',
    async () => {
      ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
        streams: { hooks: { partitions } },
        functions: { eat: ledgerFunction('record.mjs', file, { environment: { DELAY_MS: '20' }, concurrency: 2 }) },
        triggers: { eat: { stream: 'hooks', function: 'eat', delivery: 'at-most-once', maxInFlight: 500 } },
      })))
      await gateway.start()
      const sent = new SentLedger()
      await sendWebhooks({ url: gateway.url, path: '/hooks', connections: 16, keys: 32, events: 1_000, ledger: sent })
      for (const share of [0.1, 0.3]) {
        await ledger.waitFor(1_000 * share)
        await gateway.stop()
        await gateway.restart()
      }
      await settled('eat')
      await gateway.stop()
      await ledger.read()
      expect(audit(ledger, sent)).toEqual({ ...clean, duplicates: 0 })
    },
    timeoutMs,
  )
})

describeWith(['kafka'], 'Kafka records that are delivered at most once', () => {
  it(
    'are never run twice by a SIGKILL, which loses no more than the windows, and a clean stop loses none',
    async () => {
      const { brokers } = await sharedKafka()
      const kafka = connectKafka(brokers)
      const topic = await createTopic(kafka, 'orders', partitions)
      gateway = await prepareGateway({ config: {} })
      ledger = new Ledger(gateway.path('ledger'))
      const environment = { LEDGER: ledger.file, DELAY_MS: '2' }
      await gateway.configure({
        kafka: { brokers, groupPrefix: `${topic}-`, sessionTimeoutMs: 6_000 },
        sources: { orders: { type: 'kafka', topic, mapping: { type: 'test.order' } } },
        functions: { eat: { file: functionFile('record.mjs'), environment } },
        triggers: { eat: { stream: 'orders', function: 'eat', delivery: 'at-most-once', maxInFlight } },
      })
      const records = 6_000
      const events: TestEvent[] = Array.from({ length: records }, (_, index) => {
        const key = `k${index % 100}`
        const seq = Math.floor(index / 100)
        return { id: `${key}-${seq}`, key, seq }
      })
      const sent = new SentLedger()
      await gateway.start()
      await produceEvents(kafka, topic, partitions, events, sent)
      await ledger.waitFor(records / 4, timeoutMs)
      await gateway.kill()
      await gateway.restart()
      await ledger.waitFor(records / 2, timeoutMs)
      await gateway.stop()
      await gateway.restart()
      await settled('eat')
      await gateway.stop()
      await ledger.read()

      const { lost, ...rest } = audit(ledger, sent)
      expect(rest).toEqual({ invented: [], disordered: [], duplicates: 0 })
      expect(lost.length).toBeLessThanOrEqual(partitions * maxInFlight)
    },
    timeoutMs,
  )
})
