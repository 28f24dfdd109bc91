import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { chooseFrameSize } from '../../src/dispatch/frame-size.ts'
import { batchEnd, firstHalf } from '../../src/workers/batch-plan.ts'
import type { BatchPart, Invocation, InvocationOutcome } from '../../src/workers/invocation.ts'
import { DispatchFixture } from './dispatch-fixture.ts'
import { failed, ScriptedPool, succeeded } from './scripted-pool.ts'

/** Calls a batch handler as a worker does: a call fails as a whole when a poisoned event is in it. */
class BatchPool extends ScriptedPool {
  readonly calls: { readonly values: readonly string[]; readonly failed: boolean }[] = []
  isPoison: (value: string) => boolean = () => false
  readonly maxEvents: number

  constructor(pool: ScriptedPool, maxEvents: number) {
    super({ ...pool.version, batch: { maxEvents } }, () => succeeded)
    this.maxEvents = maxEvents
  }

  override async run(frame: readonly Invocation[]): Promise<void> {
    await Promise.resolve()
    const facts = {
      ...{ count: frame.length, maxEvents: this.maxEvents, maxBytes: Infinity },
      byteLength: () => 0,
      startsBatch: (index: number) => frame[index]!.part !== frame[index - 1]!.part,
    }
    for (let from = 0; from < frame.length;) {
      const to = batchEnd(from, facts)
      const call = frame.slice(from, to)
      const values = call.map(({ record }) => String(record.value))
      const fails = values.some(this.isPoison)
      this.calls.push({ values, failed: fails })
      if (!fails) for (const invocation of call) invocation.settle(succeeded)
      else {
        const parts: BatchPart[] = [{ events: firstHalf(call.length) }, { events: Math.floor(call.length / 2) }]
        for (const [index, invocation] of call.entries()) invocation.settle(outcomeOf(index, call.length, parts))
        for (const invocation of frame.slice(to)) invocation.settle({ kind: 'not-started' })
        return
      }
      from = to
    }
  }
}

function outcomeOf(index: number, events: number, parts: readonly BatchPart[]): InvocationOutcome {
  if (events === 1) return failed('poison')
  const error = { reason: 'error', name: 'Error', message: 'the whole batch' } as const
  return { kind: 'batch-failed', error, durationMs: 0.1, part: parts[index < firstHalf(events) ? 0 : 1]! }
}

let fixture: DispatchFixture | undefined
afterEach(async () => {
  await fixture?.dispose()
  fixture = undefined
})

async function open(maxEvents: number, isPoison: (value: string) => boolean, maxAttempts: number) {
  fixture = new DispatchFixture()
  const pool = await fixture.openWith(base => Object.assign(new BatchPool(base, maxEvents), { isPoison }), {
    retry: { maxAttempts, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 },
  })
  return { fixture, pool }
}

describe('a batch that fails as a whole', () => {
  it('is halved until the one poisoned event of a hundred is alone; its neighbours are not charged', async () => {
    const { fixture, pool } = await open(100, value => value === 'v63', 1)
    await fixture.appendAll(Array.from({ length: 100 }, (_, n) => [`k${n}`, `v${n}`] as const))
    await fixture.untilDone(100)
    const letters = await fixture.store.listDeadLetters('t', 10)
    expect(letters.map(({ eventId }) => eventId)).toEqual(['v63'])
    expect(fixture.trigger.counters).toMatchObject({ succeeded: 99, failed: 1, retried: 0 })
    // The whole, six halves on the way down, and alone.
    expect(pool.calls.filter(call => call.failed).length).toBeLessThanOrEqual(8)
  })

  it('keeps the order of keys, loses nothing and charges nobody but the poisoned, whatever fails', async () => {
    const shape = fc.record({
      keys: fc.array(fc.nat(5), { minLength: 1, maxLength: 60 }),
      poison: fc.uniqueArray(fc.nat(59), { maxLength: 8 }),
      maxEvents: fc.integer({ min: 1, max: 40 }),
      maxAttempts: fc.integer({ min: 1, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(shape, async ({ keys, poison, maxEvents, maxAttempts }) => {
        const poisoned = new Set(poison.filter(n => n < keys.length).map(n => `v${n}`))
        const { fixture: opened, pool } = await open(maxEvents, value => poisoned.has(value), maxAttempts)
        await opened.appendAll(keys.map((key, n) => [`k${key}`, `v${n}`] as const))
        await opened.untilDone(keys.length)
        const letters = await opened.store.listDeadLetters('t', 100)
        expect(new Set(letters.map(({ eventId }) => eventId))).toEqual(poisoned)
        for (const letter of letters) expect(JSON.parse(letter.failures)).toHaveLength(maxAttempts)
        expect(opened.trigger.counters.succeeded).toBe(keys.length - poisoned.size)
        expect(opened.trigger.counters.failed).toBe(poisoned.size * maxAttempts)
        expectOrder(keys, pool)
        // Each search halves; what is known to fail alone is called alone.
        const searches = Math.ceil(Math.log2(maxEvents)) + maxAttempts
        expect(pool.calls.filter(call => call.failed).length).toBeLessThanOrEqual(poisoned.size * searches)
        await opened.dispose()
        fixture = undefined
      }),
      { numRuns: 20 },
    )
  })
})

/** By key, an event succeeds only after all before it have succeeded or are given up: their last call was earlier. */
function expectOrder(keys: readonly number[], { calls }: BatchPool): void {
  const order = calls.flatMap((call, at) => call.values.map(value => ({ value, at })))
  const lastCall = new Map<string, number>()
  for (const [at, { value }] of order.entries()) lastCall.set(value, at)
  const newest = new Map<number, number>()
  for (const [n, key] of keys.entries()) {
    const at = lastCall.get(`v${n}`)!
    expect(at).toBeGreaterThan(newest.get(key) ?? -1)
    newest.set(key, at)
  }
}

describe('the frames of a batch handler', () => {
  const facts = { serviceTimeMs: 0.2, cpuShare: 1, concurrency: 8, runnable: 30, freeSlots: 4 }

  it('hold whole batches, also of a handler that takes long for one', () => {
    expect(chooseFrameSize({ ...facts, batchEvents: 100 })).toEqual({ maxEvents: 100, maxPerKey: 100 })
    expect(chooseFrameSize({ ...facts, serviceTimeMs: 0.01, batchEvents: 100 })).toEqual({
      maxEvents: 1000,
      maxPerKey: 1000,
    })
    expect(chooseFrameSize({ ...facts, serviceTimeMs: undefined, batchEvents: 10 }).maxEvents).toBe(10)
  })

  it('stay within the bound of all frames', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1e6, noNaN: true }), (batch, ms) => {
        const { maxEvents, maxPerKey } = chooseFrameSize({ ...facts, serviceTimeMs: ms, batchEvents: batch })
        expect(maxEvents).toBeGreaterThanOrEqual(1)
        expect(maxEvents).toBeLessThanOrEqual(1024)
        expect(maxPerKey).toBe(maxEvents)
      }),
    )
  })
})
