import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideRetry, isTooOld } from '../../src/dispatch/retry-decision.ts'

const policy = { maxAttempts: 5, initialDelayMs: 100, maxDelayMs: 1_000, jitter: 0 }

const policies = fc.record(
  {
    maxAttempts: fc.integer({ min: 1, max: 1000 }),
    initialDelayMs: fc.integer({ min: 0, max: 3_600_000 }),
    maxDelayMs: fc.integer({ min: 0, max: 86_400_000 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    maxAgeMs: fc.integer({ min: 1_000, max: 2_592_000_000 }),
  },
  { requiredKeys: ['maxAttempts', 'initialDelayMs', 'maxDelayMs', 'jitter'] },
)
const attempts = fc.integer({ min: 1, max: 2000 })
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
/** Below zero: the clock of a Kafka producer was ahead. */
const ages = fc.integer({ min: -86_400_000, max: 4_000_000_000 })

describe('decideRetry', () => {
  it('doubles the delay per attempt up to its bound and then gives up', () => {
    const delays = [1, 2, 3, 4, 5].map(attempt => decideRetry(attempt, policy, 0))
    expect(delays).toEqual([
      { kind: 'retry', delayMs: 100 },
      { kind: 'retry', delayMs: 200 },
      { kind: 'retry', delayMs: 400 },
      { kind: 'retry', delayMs: 800 },
      { kind: 'exhausted', limit: 'attempts' },
    ])
  })

  it('gives up when the next attempt would begin beyond the age, and not before', () => {
    const aged = { ...policy, maxAgeMs: 5_000 }
    expect(decideRetry(1, aged, 0, 4_900)).toEqual({ kind: 'retry', delayMs: 100 })
    expect(decideRetry(1, aged, 0, 4_901)).toEqual({ kind: 'exhausted', limit: 'age' })
    expect(decideRetry(5, aged, 0, 9_000)).toEqual({ kind: 'exhausted', limit: 'attempts' })
  })

  it('repeats exactly as long as attempts are left and the next one is young enough', () => {
    fc.assert(
      fc.property(policies, attempts, randoms, ages, (given, attempt, random, ageMs) => {
        const decision = decideRetry(attempt, given, random, ageMs)
        const { maxAgeMs: _maxAgeMs, ...ageless } = given
        const without = decideRetry(attempt, ageless, random)
        expect(without.kind === 'retry').toBe(attempt < given.maxAttempts)
        if (without.kind === 'exhausted') {
          expect(decision).toEqual({ kind: 'exhausted', limit: 'attempts' })
        } else if (ageMs + without.delayMs > (given.maxAgeMs ?? Infinity)) {
          expect(decision).toEqual({ kind: 'exhausted', limit: 'age' })
        } else expect(decision).toEqual(without)
      }),
    )
  })

  it('never waits longer than the bound and never less than the jitter allows', () => {
    fc.assert(
      fc.property(policies, attempts, randoms, (given, attempt, random) => {
        const decision = decideRetry(attempt, given, random)
        if (decision.kind === 'exhausted') return
        const full = decideRetry(attempt, { ...given, jitter: 0 }, 0)
        const fullMs = full.kind === 'retry' ? full.delayMs : 0
        expect(Number.isInteger(decision.delayMs)).toBe(true)
        expect(decision.delayMs).toBeLessThanOrEqual(given.maxDelayMs)
        expect(decision.delayMs).toBeGreaterThanOrEqual(Math.floor(fullMs * (1 - given.jitter)))
      }),
    )
  })

  it('never waits less after a later attempt', () => {
    fc.assert(
      fc.property(policies, attempts, randoms, (given, attempt, random) => {
        const earlier = decideRetry(attempt, given, random)
        const later = decideRetry(attempt + 1, given, random)
        if (earlier.kind === 'exhausted') expect(later.kind).toBe('exhausted')
        else if (later.kind === 'retry') expect(later.delayMs).toBeGreaterThanOrEqual(earlier.delayMs)
      }),
    )
  })

  it('ends after as many attempts as the policy says, whatever the delays', () => {
    fc.assert(
      fc.property(policies, randoms, ({ maxAgeMs: _maxAgeMs, ...given }, random) => {
        let attempt = 1
        while (decideRetry(attempt, given, random).kind === 'retry') attempt++
        expect(attempt).toBe(given.maxAttempts)
      }),
    )
  })
})

describe('isTooOld', () => {
  it('never holds for a first attempt, and never without a limit', () => {
    fc.assert(
      fc.property(policies, attempts, ages, (given, attempt, ageMs) => {
        const { maxAgeMs: _maxAgeMs, ...ageless } = given
        expect(isTooOld(1, given, ageMs)).toBe(false)
        expect(isTooOld(attempt, ageless, ageMs)).toBe(false)
        if (given.maxAgeMs !== undefined) expect(isTooOld(attempt + 1, given, ageMs)).toBe(ageMs > given.maxAgeMs)
      }),
    )
  })
})
