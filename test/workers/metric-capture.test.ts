import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { customBuckets, type CustomMetricChange } from '../../src/workers/custom-metric.ts'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'
import { receiveRecords } from '../../src/workers/worker-records.ts'
import type { FunctionLogEntry } from '../../src/workers/worker-settings.ts'
import { invocationOf, outcomesOf, versionOf } from './worker-fixtures.ts'

let pool: WorkerPool
let changes: CustomMetricChange[]
let lines: FunctionLogEntry[]
let dropped: number

beforeEach(() => {
  changes = []
  lines = []
  dropped = 0
  const version = versionOf('measuring.mjs', { handler: 'measure', secrets: { KEY: 'very-secret' } })
  pool = createWorkerPool(version, {
    onLog: entry => lines.push(entry),
    onMetrics: (posted, lost) => {
      changes.push(...posted)
      dropped += lost
    },
  })
  pool.setWorkers(1)
})

afterEach(async () => {
  await pool.close(0)
})

type Call = readonly [what: 'count' | 'gauge' | 'record', ...parameters: unknown[]]

async function measure(...calls: readonly Call[]): Promise<void> {
  const [outcome] = await outcomesOf(pool, [invocationOf(calls)])
  expect(outcome).toMatchObject({ kind: 'succeeded' })
}

/** What was posted of one metric, by its labels. */
function sums(name: string): Record<string, number> {
  const found: Record<string, number> = {}
  for (const { name: of, labels, value, kind } of changes) {
    const key = labels.map(pair => pair.join('=')).join()
    if (of === name) found[key] = kind === 'gauge' ? value : (found[key] ?? 0) + value
  }
  return found
}

describe('context.metrics', () => {
  it('adds up what a worker counts, by labels in any order, and is there when the event is done', async () => {
    await measure(
      ['count', 'orders'],
      ['count', 'orders', 4, { shop: 'a', paid: true }],
      ['count', 'orders', 2, { paid: true, shop: 'a' }],
    )
    expect(sums('orders')).toEqual({ '': 1, 'paid=true,shop=a': 6 })
  })

  it('keeps the last value of a gauge and counts what is recorded in buckets', async () => {
    await measure(['gauge', 'open', 7], ['gauge', 'open', 3], ['record', 'size', 0.4], ['record', 'size', 1e9])
    expect(sums('open')).toEqual({ '': 3 })
    const counts = customBuckets.map(() => 0).concat(0)
    for (const change of changes.filter(({ name }) => name === 'size'))
      for (const [bucket, count] of change.counts!.entries()) counts[bucket]! += count
    expect(counts[customBuckets.indexOf(0.5)]).toBe(1)
    expect(counts.at(-1)).toBe(1)
  })

  it('is there for init, too', async () => {
    await measure()
    expect(sums('started_at')).toEqual({ '': 1 })
  })

  it('hides secrets in labels, and cuts long ones', async () => {
    await measure(['count', 'calls', 1, { token: 'Bearer very-secret', long: 'x'.repeat(10_000) }])
    expect(Object.keys(sums('calls'))).toEqual([`long=${'x'.repeat(128)},token=Bearer [secret]`])
  })

  it.each([
    ['no name', ['count', 'Orders'], 'lower-case'],
    ['a name of no string', ['count', 7], 'a name is a string'],
    ['an ending of Prometheus', ['count', 'orders_total'], 'does not end in _total'],
    ['a counter that falls', ['count', 'orders', -1], 'never falls'],
    ['no number', ['gauge', 'open', 'many'], 'no finite number'],
    ['a label of the gateway', ['count', 'orders', 1, { function: 'x' }], 'belongs to the gateway'],
    ['a label that is none', ['count', 'orders', 1, { 'a-b': 'x' }], 'no name for a label'],
    ['too many labels', ['count', 'orders', 1, Object.fromEntries([...'abcdefghi'].map(each => [each, 1]))], 'more than 8 labels'],
  ] as const)('says once in the log that it does not keep %s, and fails nothing', async (_what, call, told) => {
    await measure(call as unknown as Call, call as unknown as Call)
    expect(changes.filter(({ name }) => name !== 'started_at')).toEqual([])
    expect(dropped).toBe(2)
    expect(lines.map(({ message }) => message).filter(message => message.includes(told))).toHaveLength(1)
  }) // prettier-ignore

  it('drops what is too much at a time, and says how much', async () => {
    const calls = Array.from({ length: 1_500 }, (_, id): Call => ['count', 'orders', 1, { id: String(id) }])
    await measure(...calls)
    const kept = Object.values(sums('orders')).reduce((sum, each) => sum + each, 0)
    expect(kept).toBe(1_000)
    expect(dropped).toBe(500)
  })
})

describe('what a worker posts', () => {
  const good = { kind: 'counter', name: 'orders', labels: [['a', 'b']], value: 1 }
  const received = (posted: unknown, lost: unknown = 0): readonly CustomMetricChange[] => {
    const all: CustomMetricChange[] = []
    receiveRecords({ kind: 'metrics', changes: posted, dropped: lost }, { onMetrics: each => all.push(...each) })
    return all
  }

  it.each([
    ['nothing', null],
    ['another kind', { ...good, kind: 'summary' }],
    ['a name that is none', { ...good, name: 'a{b="c"}' }],
    ['a value that is none', { ...good, value: NaN }],
    ['labels that are none', { ...good, labels: 'x' }],
    ['a label without a value', { ...good, labels: [['a']] }],
    ['a giant label', { ...good, labels: [['a', 'x'.repeat(1_000)]] }],
    ['a histogram without buckets', { ...good, kind: 'histogram' }],
    ['a histogram with negative buckets', { ...good, kind: 'histogram', counts: customBuckets.map(() => -1).concat(0) }],
  ])('is dropped when it is %s: it may be forged', (_what, forged) => {
    expect(received([forged, good])).toEqual([good])
  }) // prettier-ignore

  it('is bounded', () => {
    expect(received(Array.from({ length: 5_000 }, () => good))).toHaveLength(1_000)
  })
})
