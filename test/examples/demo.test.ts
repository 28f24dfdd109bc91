import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KindLedger } from '../../examples/demo/ledger.ts'
import { parseDemoOptions } from '../../examples/demo/options.ts'
import { createRandom } from '../../examples/demo/random.ts'
import { summarise, type Summary } from '../../examples/demo/summary.ts'
import { createWorkload, idOf, type Kind } from '../../examples/demo/workload.ts'
import { startNodeScript, type NodeProcess } from '../support/child-process.ts'
import { sharedKafka } from '../support/kafka/shared-kafka.ts'
import { describeWith } from '../support/real-parts.ts'

const script = resolve(import.meta.dirname, '../../examples/demo/demo.ts')

describe('npm run demo', () => {
  let directory = ''
  const start = (args: readonly string[], env: Record<string, string> = {}): NodeProcess =>
    startNodeScript({ script, args, env: { KAFKA_BROKERS: undefined, TMPDIR: directory, ...env } })
  const run = async (args: readonly string[], env: Record<string, string> = {}) => {
    const demo = start([...args, '--json'], env)
    const exit = await demo.exited
    expect(exit, demo.lines.join('\n')).toEqual({ code: 0, signal: null })
    return JSON.parse(demo.stdout.join('\n')) as Summary
  }
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sluice-demo-test-'))
  })
  afterAll(async () => {
    await rm(directory, { recursive: true, force: true })
  })

  it('processes everything but its poison, once and in order, and leaves nothing behind', async () => {
    const summary = await run(['--events', '200', '--rate', '0', '--seed', '1'])
    const counts = { accepted: 200, done: 199, deadLettered: 1, duplicates: 0, lost: 0, outOfOrder: 0, unknown: 0 }
    expect(summary).toMatchObject({ ok: true, problems: [], seed: 1, eventsPerKind: 200, kills: 0 })
    expect(summary.kinds.webhooks).toMatchObject({ ...counts, deadLetteredUnexpectedly: 0 })
    expect(summary.kinds.telemetry).toMatchObject({ ...counts, deadLetteredUnexpectedly: 0 })
    expect(summary.kinds.orders).toBeNull()
    expect(summary.total).toMatchObject({ accepted: 400, done: 398, deadLettered: 2 })
    expect(summary.total.acceptToDoneMs?.p99).toBeGreaterThanOrEqual(summary.total.acceptToDoneMs?.p50 ?? Infinity)
    expect(await readdir(directory)).toEqual([])
  })

  it('loses nothing and keeps the order while the gateway is killed', async () => {
    const summary = await run(['--kills', '2', '--events', '400', '--rate', '400', '--seed', '2'])
    expect(summary).toMatchObject({ ok: true, kills: 2 })
    expect(summary.readyMs).toHaveLength(2)
    expect(summary.total).toMatchObject({ accepted: 800, done: 798, deadLettered: 2, lost: 0, outOfOrder: 0 })
    expect(await readdir(directory)).toEqual([])
  })

  it('ends the gateway and removes its data on Ctrl-C', async () => {
    const demo = start(['--events', '100000'])
    await demo.waitForLine(/webhooks [1-9].*gateway running/, { timeoutMs: 60_000 })
    demo.signal('SIGINT')
    expect(await demo.exited, demo.lines.join('\n')).toEqual({ code: 130, signal: null })
    expect(await readdir(directory)).toEqual([])
  })

  it('says how to switch Kafka on, and what is wrong with its arguments', async () => {
    const demo = start(['--events', '5000'])
    await demo.waitForLine(/npm run kafka.*KAFKA_BROKERS=localhost:9092 npm run demo/)
    await demo.stop()
    const wrong = start(['--events', 'many'])
    expect(await wrong.exited).toEqual({ code: 2, signal: null })
    expect(wrong.stderr.join('\n')).toContain("--events must be a whole number from 10 to 1000000, not 'many'")
  })

  it('says what to do when Kafka is not there', async () => {
    const demo = start([], { KAFKA_BROKERS: '127.0.0.1:1' })
    expect(await demo.exited).toEqual({ code: 1, signal: null })
    expect(demo.stderr.join('\n')).toMatch(/Kafka at 127\.0\.0\.1:1: .*npm run kafka/)
    expect(await readdir(directory)).toEqual([])
  })

  describeWith(['kafka'], 'with Kafka', () => {
    it('enriches orders too', async () => {
      const { brokers } = await sharedKafka()
      const summary = await run(['--events', '200', '--rate', '0', '--seed', '3'], { KAFKA_BROKERS: brokers })
      expect(summary.kinds.orders).toMatchObject({ accepted: 200, done: 199, deadLettered: 1, lost: 0, outOfOrder: 0 })
    })
  })
})

describe('the summary of the demo', () => {
  const options = parseDemoOptions(['--events', '10', '--seed', '5'], {})
  const kills = { planned: 0, killed: 0, readyMs: [] }
  const summaryOf = (ledger: KindLedger, buried: readonly string[], exitCode: number | null = 0) => {
    if (options === undefined) throw new Error('help was not asked for')
    const letters = buried.map(id => ({ id, attempts: 3, message: '' }))
    const deadLetters = new Map<Kind, typeof letters>([['orders', letters]])
    return summarise({ options, ledgers: [ledger], deadLetters, kills, durationMs: 1, exitCode })
  }
  const event = (id: string, key: string, sequence: number, poison = false) => ({ id, key, sequence, poison, body: '' })
  const events = [event('a0', 'a', 0), event('a1', 'a', 1), event('a2', 'a', 2), event('b0', 'b', 0, true)]

  it('tells what was lost, repeated, out of order or buried without being poison', () => {
    const ledger = new KindLedger('orders', events)
    for (const { id } of events) {
      ledger.sent(id)
      ledger.accepted(id)
    }
    ledger.done('a2', 1)
    ledger.done('a2', 2)
    ledger.done('a0', 3)
    ledger.done('never-sent', 4)
    const { ok, problems, total } = summaryOf(ledger, ['a1'])
    expect(total).toMatchObject({ accepted: 4, done: 2, duplicates: 1, lost: 1, outOfOrder: 1, unknown: 1 })
    expect(total).toMatchObject({ deadLettered: 1, deadLetteredUnexpectedly: 1 })
    expect(ok).toBe(false)
    expect(problems).toHaveLength(5)
  })

  it('does not call a gateway well that could not stop', () => {
    const ledger = new KindLedger('orders', [])
    expect(summaryOf(ledger, [], 1).problems).toContain('the gateway ended with exit code 1 when it was asked to stop')
  })
})

describe('the events of the demo', () => {
  it.each(['webhooks', 'telemetry', 'orders'] as const)(
    'are the same %s for the same seed, with their ids inside',
    kind => {
      const workload = createWorkload(kind, 2_000, createRandom(9))
      expect(createWorkload(kind, 2_000, createRandom(9))).toEqual(workload)
      expect(workload.map(({ body }) => idOf(kind, JSON.parse(body)))).toEqual(workload.map(({ id }) => id))
      const poison = workload.filter(event => event.poison)
      expect(poison).toHaveLength(4)
      expect(poison.every(({ body }) => body.includes('poison on purpose'))).toBe(true)
    },
  )
})
