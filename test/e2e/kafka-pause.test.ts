import type { Consumer, Kafka } from 'kafkajs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sharedKafka } from '../support/kafka/shared-kafka.ts'
import { describeWith } from '../support/real-parts.ts'
import { prepareGateway, type GatewayProcess } from './gateway-process.ts'
import { connectKafka, createTopic, partitionOfKey, produceEvents } from './kafka-topics.ts'
import { audit, clean, Ledger, SentLedger } from './ledger.ts'
import { requestJson } from './request-json.ts'

const partitions = 4
const keys = Array.from({ length: 12 }, (_, index) => `k${index}`)
const timeoutMs = 180_000
const maxInFlight = 40

let kafka: Kafka
let gateway: GatewayProcess
let ledger: Ledger
let sent: SentLedger
let topic: string
let groupId: string
let rounds: number
let deployments: number
const members: Consumer[] = []

beforeEach(async () => {
  const { brokers } = await sharedKafka()
  kafka = connectKafka(brokers)
  topic = await createTopic(kafka, 'orders', partitions)
  gateway = await prepareGateway({ config: {} })
  ledger = new Ledger(gateway.path('ledger'))
  sent = new SentLedger()
  rounds = 0
  deployments = 0
  await gateway.configure({
    kafka: { brokers, groupPrefix: `${topic}-`, sessionTimeoutMs: 6_000 },
    sources: { orders: { type: 'kafka', topic, mapping: { type: 'test.order' } } },
  })
  await gateway.start()
  await deploy()
  await put('/v1/triggers/record', { stream: 'orders', function: 'record', maxInFlight })
  const { uid } = await gateway.get<{ uid: string }>('/v1/triggers/record')
  groupId = `${topic}-trigger.${uid}`
}, timeoutMs)

afterEach(async () => {
  for (const member of members.splice(0)) await member.disconnect()
  await ledger.close()
  await gateway.dispose()
})

async function put(path: string, body: unknown): Promise<void> {
  const answer = await requestJson(gateway.url, 'PUT', path, body)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
}

/** Other code each time, so that other workers run it. */
async function deploy(): Promise<void> {
  const module = `import { openSync, writeSync } from 'node:fs'
    let ledger
    export const init = ({ env }) => { ledger = openSync(env.LEDGER, 'a') }
    export default ({ data: { id, key, seq } }, { attempt }) => {
      writeSync(ledger, [id, key, seq, attempt, 'deployment ${++deployments}'].join(' ') + '\\n')
    }`
  await put('/v1/functions/record', { definition: { environment: { LEDGER: ledger.file } }, code: { module } })
}

/** So many further events of every key, in their order. */
async function produce(ofEach: number): Promise<void> {
  const from = rounds
  rounds += ofEach
  const events = Array.from({ length: ofEach }, (_, index) =>
    keys.map(key => ({ id: `${key}-${from + index}`, key, seq: from + index })),
  ).flat()
  await produceEvents(kafka, topic, partitions, events, sent)
}

/** Another member takes its share of the partitions, and does nothing with what it gets. */
async function join(): Promise<Consumer> {
  const member = kafka.consumer({ groupId, sessionTimeout: 6_000 })
  members.push(member)
  const hasJoined = new Promise<void>(resolve => {
    member.on(member.events.GROUP_JOIN, ({ payload }) => {
      if ((payload.memberAssignment[topic] ?? []).length > 0) resolve()
    })
  })
  await member.connect()
  await member.subscribe({ topic })
  await member.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: () => Promise.resolve() })
  await hasJoined
  return member
}

/** Resolves when the gateway reads every partition again. */
async function leave(member: Consumer): Promise<void> {
  members.splice(members.indexOf(member), 1)
  await member.disconnect()
  await gateway.until('all partitions back', async () => {
    const { partitions: places } = await gateway.trigger('record')
    for (const { partition, committed } of places) {
      // What is there and not complete is asked for: its answer tells whether the partition is read here.
      const query = `stream=orders&partition=${partition}&offset=${committed ?? 0}`
      const { answers } = await gateway.get<{ answers: { verdict: string }[] }>(`/v1/why?${query}`)
      if (answers[0]?.verdict === 'not-assigned') return false
    }
    return true
  })
}

const ran = async (key?: string): Promise<number> => {
  await ledger.read()
  return key === undefined ? ledger.entries.length : ledger.entries.filter(entry => entry.key === key).length
}

async function finish(): Promise<void> {
  await ledger.waitFor(sent.acknowledged.size)
  await gateway.until('the lag is gone', async () => (await gateway.trigger('record')).lag === 0)
  await gateway.stop()
  await ledger.read()
  const { duplicates, ...rest } = audit(ledger, sent)
  expect(rest).toEqual(clean)
  expect(sent.acknowledged.size).toBe(rounds * keys.length)
  // What was running when its partition went runs again.
  expect(duplicates).toBeLessThanOrEqual(maxInFlight * partitions)
}

describeWith(['kafka'], 'a pause, while members of the Kafka group come and go and the function is deployed', () => {
  it(
    'of the trigger lets nothing start, wherever the partitions are, and gives up no place',
    async () => {
      await produce(30)
      await ledger.waitFor(60)
      // In the middle of the rebalance.
      const joining = join()
      await gateway.cli('pause', 'record', '--reason', 'a test')
      const before = await ran()
      const member = await joining
      await produce(20)
      await deploy()
      await leave(member)
      const isHeld = async () => (await gateway.trigger('record')).inFlight > 0
      await gateway.until('events in memory', isHeld)
      expect(await ran()).toBe(before)

      const second = await join()
      await produce(10)
      await gateway.kill()
      await gateway.restart()
      await leave(second)
      await gateway.until('events in memory', isHeld)
      await deploy()
      expect([await ran(), (await gateway.trigger('record')).state]).toEqual([before, 'paused'])

      // Taken back and set again in the middle of another one.
      const third = join()
      await gateway.cli('resume', 'record')
      await gateway.cli('pause', 'record', '--reason', 'a test')
      const between = await ran()
      // A quick machine may have run everything between the two commands.
      await produce(5)
      await leave(await third)
      await gateway.until('events in memory', isHeld)
      expect(await ran()).toBe(between)
      await gateway.cli('resume', 'record')
      await finish()
    },
    timeoutMs,
  )

  it(
    'of a key lets nothing of it start while the others go on, and ends with all of it in order',
    async () => {
      const key = 'k3'
      const passing = keys.filter(other => partitionOfKey(other, partitions) === partitionOfKey(key, partitions))
      expect(passing.length).toBeGreaterThan(1)
      const done = async (): Promise<boolean> => {
        await ledger.read()
        const others = sent.acknowledged.size - rounds
        return [...ledger.counts.keys()].filter(id => !id.startsWith(`${key}-`)).length === others
      }
      await produce(30)
      await ledger.waitFor(60)
      const joining = join()
      await gateway.cli('pause', 'key', 'record', key, '--reason', 'a test')
      const before = await ran(key)
      const member = await joining
      await produce(20)
      await deploy()
      await leave(member)
      await gateway.until('the others', done)
      expect(await ran(key)).toBe(before)

      const second = await join()
      await produce(10)
      await gateway.kill()
      await gateway.restart()
      await leave(second)
      await gateway.until('the others', done)
      await deploy()
      expect(await ran(key)).toBe(before)

      const third = join()
      await gateway.cli('resume', 'key', 'record', key)
      await gateway.cli('pause', 'key', 'record', key, '--reason', 'a test')
      const between = await ran(key)
      await produce(10)
      await leave(await third)
      await gateway.until('the others', done)
      expect(await ran(key)).toBe(between)
      await gateway.cli('resume', 'key', 'record', key)
      await finish()
    },
    timeoutMs,
  )
})
