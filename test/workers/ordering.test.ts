import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'
import { invocationOf, jsonOf, outcomesOf, versionOf, type RecordedInvocation } from './worker-fixtures.ts'

let pool: WorkerPool

afterEach(async () => {
  await pool.close(0)
})

interface Step {
  readonly started: number
  readonly ended: number
}

const stepOf = (outcome: Parameters<typeof jsonOf>[0]): Step => (jsonOf(outcome) as Step[])[0]!

describe('a frame', () => {
  it('runs events of one key in sequence and different keys at the same time', async () => {
    pool = createWorkerPool(versionOf('clocked.mjs'))
    pool.setWorkers(1)
    const outcomes = await outcomesOf(pool, [
      invocationOf({ turns: 5 }),
      invocationOf({ turns: 1 }, { followsPrevious: true }),
      invocationOf({ turns: 1 }),
      invocationOf({ turns: 1 }, { followsPrevious: true }),
    ])
    const [a1, a2, b1, b2] = outcomes.map(stepOf)
    expect(a1!.ended).toBeLessThan(a2!.started)
    expect(b1!.ended).toBeLessThan(b2!.started)
    expect(b1!.started).toBeLessThan(a1!.ended)
  })

  it('stops a key at its first failure and gives the rest of the key back, uncharged', async () => {
    pool = createWorkerPool(versionOf('clocked.mjs'))
    pool.setWorkers(1)
    const outcomes = await outcomesOf(pool, [
      invocationOf({ turns: 0 }),
      invocationOf({ turns: 0, fail: true }, { followsPrevious: true }),
      invocationOf({ turns: 0 }, { followsPrevious: true }),
      invocationOf({ turns: 0 }, { followsPrevious: true }),
      invocationOf({ turns: 0 }),
    ])
    expect(outcomes.map(({ kind }) => kind)).toEqual(['succeeded', 'failed', 'not-started', 'not-started', 'succeeded'])
  })

  it('keeps to the concurrency of the version', async () => {
    pool = createWorkerPool(versionOf('clocked.mjs', { concurrency: 2 }))
    pool.setWorkers(1)
    const steps = (
      await outcomesOf(
        pool,
        Array.from({ length: 12 }, () => invocationOf({ turns: 3 })),
      )
    ).map(stepOf)
    const most = Math.max(
      ...steps.map(({ started }) => steps.filter(other => other.started <= started && other.ended > started).length),
    )
    expect(most).toBe(2)
  })

  it('of a synchronous function of thousands of events does not overflow the stack', async () => {
    pool = createWorkerPool(versionOf('nothing.mjs'))
    pool.setWorkers(1)
    const outcomes = await outcomesOf(
      pool,
      Array.from({ length: 20_000 }, (_, n) => invocationOf({ n: n % 3 === 0 ? -1 : n })),
    )
    expect(outcomes.filter(({ kind }) => kind === 'failed').length).toBe(Math.ceil(20_000 / 3))
  })
})

describe('settlement', () => {
  const acts = [
    'none',
    'ok',
    'slow',
    'throwNull',
    'exit',
    'exitAsync',
    'never',
    'loop',
    'exitLate',
    'throwLate',
    'throwInTimer',
    'pollute',
  ]

  it('is exactly once for every event, in order within keys, whatever the function does', async () => {
    pool = createWorkerPool(versionOf('hostile.mjs', { timeoutMs: 60, concurrency: 4 }))
    pool.setWorkers(2)
    const frames = fc.array(
      fc.record({ act: fc.constantFrom(...acts), follows: fc.boolean(), ms: fc.integer({ min: 0, max: 10 }) }),
      { minLength: 1, maxLength: 12 },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(frames, { minLength: 1, maxLength: 3 }), async drawn => {
        await Promise.all(
          drawn.map(async events => {
            const frame: RecordedInvocation[] = events.map(({ act, follows, ms }, index) =>
              invocationOf({ act, ms }, { followsPrevious: follows && index > 0 }),
            )
            const outcomes = await outcomesOf(pool, frame)
            events.forEach(({ act, follows }, index) => {
              const { kind } = outcomes[index]!
              const before = index > 0 && follows ? outcomes[index - 1]!.kind : 'succeeded'
              // Nothing of a key succeeds behind an event that did not.
              if (before !== 'succeeded') expect(kind).not.toBe('succeeded')
              if (['throwNull', 'exit', 'exitAsync', 'never', 'loop', 'throwInTimer'].includes(act))
                expect(kind).not.toBe('succeeded')
              // Innocent events are never charged.
              if (['none', 'ok', 'slow', 'exitLate', 'throwLate', 'pollute'].includes(act))
                expect(kind).not.toBe('failed')
            })
          }),
        )
      }),
      { numRuns: 15 },
    )
    expect(pool.stats()).toMatchObject({ busy: 0, leaked: 0 })
  })
})
