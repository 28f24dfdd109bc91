import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideRetry } from '../../src/dispatch/retry-decision.ts'

const policy = { maxAttempts: 5, initialDelayMs: 100, maxDelayMs: 1_000, jitter: 0 }

describe('decideRetry', () => {
  it('doubles the delay per attempt up to its bound and then gives up', () => {
    const delays = [1, 2, 3, 4, 5].map(attempt => decideRetry(attempt, policy, 0))
    expect(delays).toEqual([
      { kind: 'retry', delayMs: 100 },
      { kind: 'retry', delayMs: 200 },
      { kind: 'retry', delayMs: 400 },
      { kind: 'retry', delayMs: 800 },
      { kind: 'exhausted' },
    ])
  })

  it('never waits longer than the bound and never less than the jitter allows', () => {
    const policies = fc.record({
      maxAttempts: fc.integer({ min: 1, max: 1000 }),
      initialDelayMs: fc.integer({ min: 0, max: 3_600_000 }),
      maxDelayMs: fc.integer({ min: 0, max: 86_400_000 }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    fc.assert(
      fc.property(
        policies,
        fc.integer({ min: 1, max: 2000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (given, attempt, random) => {
          const decision = decideRetry(attempt, given, random)
          if (decision.kind === 'exhausted') {
            expect(attempt).toBeGreaterThanOrEqual(given.maxAttempts)
            return
          }
          const full = decideRetry(attempt, { ...given, jitter: 0 }, 0)
          const fullMs = full.kind === 'retry' ? full.delayMs : 0
          expect(decision.delayMs).toBeLessThanOrEqual(given.maxDelayMs)
          expect(decision.delayMs).toBeGreaterThanOrEqual(Math.floor(fullMs * (1 - given.jitter)))
        },
      ),
    )
  })
})
