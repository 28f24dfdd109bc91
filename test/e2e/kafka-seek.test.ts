import type { Kafka } from 'kafkajs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { SeekView } from '../../src/api/views/seek-view.ts'
import { sharedKafka } from '../support/kafka/shared-kafka.ts'
import { describeWith } from '../support/real-parts.ts'
import { prepareGateway, type GatewayProcess } from './gateway-process.ts'
import { connectKafka, createTopic, produceEvents } from './kafka-topics.ts'
import { Ledger, SentLedger } from './ledger.ts'
import { ledgerFunction } from './webhook-gateway.ts'

const partitions = 3
const timeoutMs = 120_000

let kafka: Kafka
let gateway: GatewayProcess
let ledger: Ledger
let topic: string

beforeEach(async () => {
  const { brokers } = await sharedKafka()
  kafka = connectKafka(brokers)
  topic = await createTopic(kafka, 'orders', partitions)
  gateway = await prepareGateway({ config: {} })
  ledger = new Ledger(gateway.path('ledger'))
  await gateway.configure({
    kafka: { brokers, groupPrefix: `${topic}-`, sessionTimeoutMs: 6_000 },
    sources: { orders: { type: 'kafka', topic, mapping: { type: 'test.order' } } },
    functions: { record: ledgerFunction('record.mjs', ledger.file) },
    triggers: { record: { stream: 'orders', function: 'record' } },
  })
  await gateway.start()
}, timeoutMs)

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

async function produce(prefix: string, count: number): Promise<readonly string[]> {
  const events = Array.from({ length: count }, (_, index) => ({
    id: `${prefix}${index}`,
    key: `${prefix}${index}`,
    seq: 0,
  }))
  await produceEvents(kafka, topic, partitions, events, new SentLedger())
  return events.map(({ id }) => id)
}

/** How often events ran: each number once, so one number alone when it is the same for all. */
const runsOf = (ids: readonly string[]): number[] => [...new Set(ids.map(id => ledger.counts.get(id) ?? 0))]

async function ranTwice(ids: readonly string[]): Promise<void> {
  await gateway.until('all of them ran again', async () => (await ledger.read(), runsOf(ids).join() === '2'))
}

async function seek(to: unknown): Promise<SeekView> {
  const answer = await gateway.post('/v1/triggers/record/seek', { to } as object)
  expect(answer.status, answer.body).toBe(200)
  return JSON.parse(answer.body) as SeekView
}

describeWith(['kafka'], 'a paused trigger of a Kafka topic that goes on elsewhere', () => {
  it(
    'skips what came meanwhile, and repeats what came since a time',
    async () => {
      const first = await produce('a', 30)
      await ledger.waitFor(30)
      const between = new Date().toISOString()
      await gateway.cli('pause', 'record', '--reason', 'a test')
      const second = await produce('b', 30)
      expect(await gateway.cli('resume', 'record', '--skip', '--yes')).toMatch(/^record will skip up to 30 events/)
      await produce('c', 10)
      await ledger.waitFor(40)
      expect(runsOf(second)).toEqual([0])

      await gateway.cli('pause', 'record', '--reason', 'they were needed after all')
      expect(await gateway.cli('resume', 'record', '--at-time', between)).toMatch(/^record will repeat up to 40 events/)
      await ledger.waitFor(70)
      expect(runsOf([...first, ...second])).toEqual([1])
    },
    timeoutMs,
  )

  it(
    'stands at the new place when the gateway is killed right after the answer, back to the start and forward',
    async () => {
      const ids = await produce('a', 60)
      await ledger.waitFor(60)
      await gateway.cli('pause', 'record', '--reason', 'a test')
      expect(await seek('start')).toMatchObject({ moved: true, repeated: 60, skipped: 0, notMoved: [] })
      await gateway.kill()
      await gateway.restart()
      const { state, lag } = await gateway.trigger('record')
      expect({ state, lag }).toEqual({ state: 'paused', lag: 60 })
      await ledger.read()
      expect(runsOf(ids)).toEqual([1])
      const { partitions: places } = await seek('end')
      await gateway.kill()
      await gateway.restart()
      const [place] = places
      const { partition, to } = place as SeekView['partitions'][number]
      expect(await seek({ partition, offset: 0 })).toMatchObject({ repeated: to, skipped: 0 })
      await gateway.cli('resume', 'record')
      await gateway.until('the lag is gone', async () => (await gateway.trigger('record')).lag === 0)
      await ledger.read()
      expect([...ledger.counts.values()].filter(runs => runs === 2)).toHaveLength(to)
    },
    timeoutMs,
  )

  it(
    'repeats everything exactly, and loses nothing, while records keep coming',
    async () => {
      const before = await produce('a', 60)
      await ledger.waitFor(60)
      await gateway.cli('pause', 'record', '--reason', 'a test')
      const producing = produce('b', 6_000)
      await seek('start')
      const during = await producing
      await gateway.cli('resume', 'record')
      await ledger.waitFor(6_060)
      await ranTwice(before)
      expect(runsOf(during)).toEqual([1])
    },
    timeoutMs,
  )
})
