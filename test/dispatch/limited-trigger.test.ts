import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import type { InvocationOutcome } from '../../src/workers/invocation.ts'
import { DispatchFixture } from './dispatch-fixture.ts'
import { failed, ScriptedPool, succeeded } from './scripted-pool.ts'

let fixture: DispatchFixture | undefined
afterEach(async () => {
  await fixture?.dispose()
  fixture = undefined
})

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const crash = { reason: 'crash', name: 'WorkerExit', message: 'the worker ended' } as const

/** Every way in which an attempt may come back. */
const outcomes: Readonly<Record<string, InvocationOutcome>> = {
  succeeded,
  failed: failed(),
  'timed out': { kind: 'failed', error: { ...crash, reason: 'timeout' }, durationMs: 1 },
  'ended its host': { kind: 'failed', error: crash, durationMs: 1, endedHost: true },
  suspect: { kind: 'suspect', error: crash },
  'not started': { kind: 'not-started' },
  interrupted: { kind: 'not-started', interrupted: true },
}

async function open(more: Partial<FunctionVersion>, outcomeOf: () => InvocationOutcome) {
  const opened = new DispatchFixture()
  fixture = opened
  const running = { now: 0, most: 0 }
  const script = async (): Promise<InvocationOutcome> => {
    running.most = Math.max(running.most, ++running.now)
    await turn()
    running.now--
    return outcomeOf()
  }
  const pool = await opened.openWith(base => new ScriptedPool({ ...base.version, ...more }, script))
  pool.setWorkers(4)
  return { fixture: opened, running, pool }
}

describe('a trigger of a function with limits', () => {
  it('completes everything and keeps no permit, however attempts end', async () => {
    const shape = fc.record({
      maxConcurrency: fc.integer({ min: 1, max: 5 }),
      keys: fc.array(fc.nat(8), { minLength: 1, maxLength: 40 }),
      endings: fc.array(fc.constantFrom(...Object.keys(outcomes)), { minLength: 5, maxLength: 60 }),
      batch: fc.option(fc.constant({ maxEvents: 4 }), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(shape, async ({ maxConcurrency, keys, endings, batch }) => {
        const left = [...endings]
        const { fixture: opened, running } = await open(
          { limits: { maxConcurrency, ratePerSecond: 1e6 }, ...(batch === undefined ? {} : { batch }) },
          () => outcomes[left.shift() ?? 'succeeded'] as InvocationOutcome,
        )
        await opened.appendAll(keys.map((key, n) => [`k${key}`, `v${n}`] as const))
        await opened.untilDone(keys.length)
        // The permit of a batch comes back with its frame, a little later than its events.
        for (let i = 0; i < 20; i++) await turn()
        if (batch === undefined) expect(running.most).toBeLessThanOrEqual(maxConcurrency)
        expect(opened.dispatch.permits.freeAtOnce).toBe(maxConcurrency)
        expect(opened.dispatch.limitedBy).toBeUndefined()
        await opened.dispose()
        fixture = undefined
      }),
      { numRuns: 20 },
    )
  })

  it('pauses, goes on and stops at once while its events wait for a permit', async () => {
    const { fixture: opened, pool } = await open({ limits: { ratePerSecond: 0.001, burst: 1 } }, () => succeeded)
    await opened.appendAll([1, 2, 3].map(n => [`k${n}`, `v${n}`] as const))
    await opened.untilDone(1)
    while (opened.dispatch.limitedBy === undefined) await turn()
    expect(opened.dispatch.limitedBy).toBe('limited to 0.001/s')
    await opened.trigger.pause({ by: 'ada', reason: 'x', sinceMs: 1 })
    opened.dispatch.schedule()
    while (opened.dispatch.limitedBy !== undefined) await turn()
    opened.trigger.resume()
    while (opened.dispatch.limitedBy === undefined) await turn()
    expect(pool.seen).toHaveLength(1)
    expect(await opened.trigger.stop(60_000)).toBe(true)
    await opened.dispatch.retired()
  })

  it('gives its events to another version that has no limits, with those that waited', async () => {
    const { fixture: opened } = await open({ limits: { ratePerSecond: 0.001, burst: 1 } }, () => succeeded)
    await opened.appendAll([1, 2, 3].map(n => [`k${n}`, `v${n}`] as const))
    await opened.untilDone(1)
    // A function of its own here: the versions of one share what counts.
    opened.addVersion('2', () => succeeded)
    opened.route({ 2: 100 })
    await opened.untilDone(3)
    await opened.dispatch.retired()
  })
})
