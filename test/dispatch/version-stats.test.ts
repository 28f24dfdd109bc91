import { describe, expect, it } from 'vitest'
import { emptyStats, VersionStats, windowBetween } from '../../src/dispatch/version-stats.ts'
import type { InvocationOutcome } from '../../src/workers/invocation.ts'

const succeeded = (durationMs: number): InvocationOutcome => ({ kind: 'succeeded', results: [], durationMs })
const failed = (reason: 'error' | 'timeout', durationMs: number): InvocationOutcome => ({
  kind: 'failed',
  error: { reason, name: 'Error', message: 'no' },
  durationMs,
})

describe('VersionStats', () => {
  it('counts what ran, and nothing that did not or may not have', () => {
    const stats = new VersionStats()
    stats.ended(succeeded(2), 100, 105)
    stats.ended(failed('error', 4), 100, 105)
    stats.ended(failed('timeout', 1_000), 100, 1_200)
    stats.ended({ kind: 'not-started' }, 100, 105)
    stats.ended({ kind: 'suspect', error: { reason: 'crash', name: 'Error', message: 'died' } }, 100, 105)
    stats.retried()
    stats.deadLettered()
    stats.shadowed()
    expect(stats.counts).toEqual({
      invocations: 3,
      succeeded: 1,
      failures: 2,
      retries: 1,
      deadLetters: 1,
      timeouts: 1,
      shadowed: 1,
    })
  })

  it('takes as queue delay what passed before the handler began', () => {
    const stats = new VersionStats()
    stats.ended(succeeded(20), 1_000, 1_070)
    const { durationMs, queueDelayMs } = stats.window()
    expect(durationMs.mean).toBeCloseTo(20, 6)
    expect(queueDelayMs.mean).toBeCloseTo(50, 6)
    // The worker measures on its own: a delay is never negative.
    stats.ended(succeeded(20), 1_000, 1_019)
    expect(stats.window().queueDelayMs.mean).toBeCloseTo(25, 6)
  })

  it('makes a time series of snapshots, as plain JSON', () => {
    const stats = new VersionStats()
    stats.ended(succeeded(1), 0, 2)
    const first = stats.snapshot()
    for (let i = 0; i < 3; i++) stats.ended(failed('error', 400), 0, 500)
    stats.retried()
    const second = stats.snapshot()
    const window = windowBetween(first, second)
    expect(window).toMatchObject({ invocations: 3, succeeded: 0, failures: 3, retries: 1 })
    expect(window.durationMs.p50).toBeGreaterThan(370)
    expect(JSON.parse(JSON.stringify(window))).toEqual(window)
    expect(stats.window(first)).toEqual(window)
    expect(windowBetween(emptyStats, second)).toMatchObject({ invocations: 4, succeeded: 1 })
    expect(windowBetween(second, second)).toMatchObject({ invocations: 0, durationMs: { mean: 0, p95: 0 } })
  })
})
