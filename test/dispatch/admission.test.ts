import { afterEach, describe, expect, it } from 'vitest'
import { Admission } from '../../src/dispatch/admission.ts'
import type { TriggerOptions } from '../../src/dispatch/trigger-options.ts'
import { DispatchFixture } from './dispatch-fixture.ts'
import { ScriptedLog } from './scripted-log.ts'
import { succeeded } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await turn()
}

/** Keeps count of what was handed out and has not run. */
async function open(overrides: Parameters<DispatchFixture['open']>[1]) {
  const log = new ScriptedLog()
  const fixture = new DispatchFixture()
  fixtures.push(fixture)
  const seen = { done: 0, mostAhead: 0 }
  const script = async () => {
    await turn()
    seen.done++
    seen.mostAhead = Math.max(seen.mostAhead, log.handedOut - seen.done)
    return succeeded
  }
  await fixture.open(script, { log, ...overrides })
  return { log, seen }
}

describe('the admission of a partition', () => {
  it.each([
    ['of a window that is full of events', { window: { maxEvents: 50, maxBytes: 1_000_000 } }],
    ['of a window that is full of bytes', { window: { maxEvents: 5_000, maxBytes: 4_000 } }],
    ['of events that run at most once', { window: { maxEvents: 50, maxBytes: 1_000_000 }, delivery: 'at-most-once' }],
  ] as const)('has the log stop and go on, %s, until all of it has run', async (_what, overrides) => {
    const { log, seen } = await open(overrides)
    const count = 25_000
    log.assign()
    log.add(...Array.from({ length: count }, (_, i) => [`k${i % 50}`, String(i)] as const))
    await until(() => seen.done === count && log.commits.at(-1)?.offset === count)
    // A few hundred at first, and as many as may wait once it is seen how fast they go.
    expect(log.pauses).toBeGreaterThanOrEqual(2)
    expect(log.pauses).toBeLessThan(50)
    expect(seen.mostAhead).toBeLessThan(16_384 + 5_000)
  })

  it('lets the partitions of a trigger share what may wait, anew whenever some come or go', () => {
    const options = { window: { maxEvents: 50, maxBytes: 1_000_000 }, commitIntervalMs: 1_000 } as TriggerOptions
    const admission = new Admission(options, {
      admit: () => 0,
      mayClaim: () => true,
      runnable: () => 0,
      broken: () => 0,
    })
    const bounds = () => new Set([...admission.windows.values()].map(({ readAhead }) => readAhead.maxBytes))
    const partitions = Array.from({ length: 128 }, (_, partition) => ({ partition, position: 0 }))
    admission.assigned(1, partitions)
    expect(bounds()).toEqual(new Set([512 * 1024]))
    admission.revoked(
      1,
      partitions.slice(2).map(({ partition }) => partition),
    )
    expect(bounds()).toEqual(new Set([4 * 1024 * 1024]))
  })
})
