import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Breaker, type AttemptEnd, type BreakerPolicy } from '../../src/dispatch/breaker.ts'

const policies: fc.Arbitrary<BreakerPolicy> = fc.record({
  failureRate: fc.double({ min: 0.01, max: 1, noNaN: true }),
  minAttempts: fc.integer({ min: 1, max: 30 }),
  windowMs: fc.integer({ min: 1_000, max: 60_000 }),
  probeAfterMs: fc.integer({ min: 100, max: 10_000 }),
  maxProbeAfterMs: fc.integer({ min: 100, max: 100_000 }),
  probes: fc.integer({ min: 1, max: 5 }),
})
const ends = fc.constantFrom<AttemptEnd>('succeeded', 'failed', 'unclear')
const policy: BreakerPolicy = {
  failureRate: 0.5,
  minAttempts: 4,
  windowMs: 10_000,
  probeAfterMs: 1_000,
  maxProbeAfterMs: 5_000,
  probes: 2,
}

function opened(more: Partial<BreakerPolicy> = {}, nowMs = 1_000): Breaker {
  const breaker = new Breaker({ ...policy, ...more })
  while (breaker.ended('failed', nowMs) !== 'opened');
  return breaker
}

function halfOpen(more: Partial<BreakerPolicy> = {}): Breaker {
  const breaker = opened(more)
  breaker.hasten()
  expect(breaker.probe(1_000)).toBe(true)
  return breaker
}

describe('a closed breaker', () => {
  it('opens exactly with the attempt that brings enough attempts of one window to the bound', () => {
    fc.assert(
      fc.property(
        policies,
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.array(fc.tuple(ends, fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 120 }),
        (some, firstMs, steps) => {
          const breaker = new Breaker(some)
          // All within nine tenths of the window: none of it falls out.
          const times = steps.map(([, share]) => firstMs + share * 0.9 * some.windowMs).sort((a, b) => a - b)
          let attempts = 0
          let failures = 0
          for (const [index, [end]] of steps.entries()) {
            if (end !== 'unclear') attempts++
            if (end === 'failed') failures++
            const isDue = end !== 'unclear' && attempts >= some.minAttempts && failures / attempts >= some.failureRate
            expect(breaker.ended(end, times[index] as number)).toBe(isDue ? 'opened' : undefined)
            if (isDue) return
            expect([breaker.attempts, breaker.failures]).toEqual([attempts, failures])
          }
        },
      ),
    )
  })

  it('counts nothing that is older than the window, whatever the clock does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(ends, fc.integer({ min: -50_000, max: 50_000 })), { maxLength: 300 }),
        fc.integer({ min: 0, max: 1e9 }),
        (steps, startMs) => {
          const breaker = new Breaker({ ...policy, minAttempts: 1_000_000 })
          const seen: { atMs: number; end: AttemptEnd }[] = []
          let nowMs = startMs
          let latestMs = 0
          for (const [end, passedMs] of steps) {
            nowMs += passedMs
            latestMs = Math.max(latestMs, nowMs)
            breaker.ended(end, nowMs)
            if (end !== 'unclear') seen.push({ atMs: latestMs, end })
            const within = (ms: number): number => seen.filter(({ atMs }) => atMs > latestMs - ms).length
            expect(breaker.attempts).toBeLessThanOrEqual(within(policy.windowMs))
            expect(breaker.attempts).toBeGreaterThanOrEqual(within(policy.windowMs * 0.9))
          }
        },
      ),
    )
  })

  it('is not confused by times that are none', () => {
    const breaker = new Breaker(policy)
    for (const nowMs of [NaN, Infinity, -Infinity, -5, 0]) breaker.ended('failed', nowMs)
    expect(breaker.state).toBe('open')
    expect(breaker.probe(NaN)).toBe(false)
    expect(breaker.probe(1_000)).toBe(true)
  })
})

describe('an open breaker', () => {
  it('says nothing to attempts that end, and lets nothing start', () => {
    const breaker = opened()
    expect(breaker.ended('succeeded', 1_100)).toBeUndefined()
    expect(breaker.ended('failed', 1_100)).toBeUndefined()
    expect([breaker.state, breaker.room, breaker.failedProbes]).toEqual(['open', 0, 0])
  })

  it('probes when its wait is over and not before', () => {
    const breaker = opened()
    expect(breaker.probeAtMs).toBe(2_000)
    expect(breaker.probe(1_999)).toBe(false)
    expect(breaker.probe(2_000)).toBe(true)
    expect([breaker.state, breaker.room, breaker.probeAtMs]).toEqual(['half-open', 2, undefined])
  })

  it('waits twice as long after each probe that failed, up to the bound', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 0, max: 5_000 }), (some, failedProbes) => {
        const breaker = new Breaker(some)
        breaker.restore(failedProbes, 500)
        const longest = Math.max(some.probeAfterMs, some.maxProbeAfterMs)
        for (let times = failedProbes; times < failedProbes + 4; times++) {
          const atMs = breaker.probeAtMs as number
          expect(breaker.failedProbes).toBe(times)
          breaker.hasten()
          const nowMs = breaker.probeAtMs as number
          expect(atMs - nowMs).toBe(Math.min(some.probeAfterMs * 2 ** times, longest))
          expect(breaker.probe(nowMs)).toBe(true)
          breaker.started()
          expect(breaker.ended('failed', nowMs)).toBe('opened')
        }
      }),
    )
  })
})

describe('a half-open breaker', () => {
  it('has never more probes under way than may succeed, closes when all did, and opens with one that failed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.oneof(ends, fc.constant('start' as const)), { maxLength: 60 }),
        (probes, steps) => {
          const breaker = halfOpen({ probes })
          let running = 0
          let successes = 0
          for (const step of steps) {
            if (step === 'start') {
              if (breaker.room === 0) continue
              breaker.started()
              running++
            } else {
              if (running === 0) continue
              running--
              if (step === 'succeeded') successes++
              const expected = step === 'failed' ? 'opened' : successes === probes ? 'closed' : undefined
              expect(breaker.ended(step, 2_000)).toBe(expected)
              if (expected !== undefined) {
                expect(breaker.state).toBe(expected === 'opened' ? 'open' : 'closed')
                return
              }
            }
            expect(running).toBeLessThanOrEqual(probes)
            expect(breaker.room).toBe(probes - running - successes)
          }
        },
      ),
    )
  })

  it('is closed by a person, and has forgotten everything then', () => {
    const breaker = halfOpen()
    breaker.started()
    breaker.reset()
    expect([breaker.state, breaker.attempts, breaker.failedProbes, breaker.room]).toEqual(['closed', 0, 0, 0])
    for (let index = 1; index < policy.minAttempts; index++)
      expect(breaker.ended('failed', 90_000 + index)).toBeUndefined()
    expect(breaker.ended('failed', 90_010)).toBe('opened')
  })
})
