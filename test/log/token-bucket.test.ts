import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../../src/log/token-bucket.ts'

describe('a token bucket', () => {
  it('lets a burst through and then one at each interval', () => {
    const bucket = new TokenBucket({ ratePerSecond: 10, burst: 3 }, 0)
    for (let i = 0; i < 3; i++) {
      expect(bucket.waitMs(0)).toBe(0)
      bucket.take(1, 0)
    }
    expect(bucket.waitMs(0)).toBe(100)
    expect(bucket.waitMs(60)).toBeCloseTo(40)
    expect(bucket.waitMs(100)).toBeCloseTo(0)
    expect(bucket.available(10_000)).toBe(3)
  })

  it('takes a batch that is larger than the burst, and makes the next ones wait for all of it', () => {
    const bucket = new TokenBucket({ ratePerSecond: 100, burst: 1 }, 0)
    bucket.take(51, 0)
    expect(bucket.waitMs(0)).toBe(510)
    expect(bucket.available(0)).toBe(0)
  })

  it('takes at least one event however low the rate is', () => {
    const bucket = new TokenBucket({ ratePerSecond: 0.1 }, 0)
    expect(bucket.waitMs(0)).toBe(0)
    bucket.take(1, 0)
    expect(bucket.waitMs(0)).toBeCloseTo(10_000)
  })

  it('never lets more through than burst, rate and one batch allow, whoever asks when', () => {
    const steps = fc.array(fc.tuple(fc.nat(500), fc.integer({ min: 1, max: 20 })), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 50 }), (asks, rate, burst) => {
        const bucket = new TokenBucket({ ratePerSecond: rate, burst }, 0)
        let nowMs = 0
        let passed = 0
        for (const [afterMs, count] of asks) {
          nowMs += afterMs
          if (bucket.waitMs(nowMs) > 0) continue
          bucket.take(count, nowMs)
          passed += count
          expect(passed).toBeLessThanOrEqual(burst + (rate * nowMs) / 1_000 + 20)
        }
      }),
    )
  })

  it('lets someone in after exactly the wait that it told', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 100 }),
        fc.nat(500),
        (rate, burst, count) => {
          const bucket = new TokenBucket({ ratePerSecond: rate, burst }, 0)
          bucket.take(count, 0)
          const waitMs = bucket.waitMs(0)
          expect(bucket.waitMs(waitMs + 0.001)).toBeLessThan(0.01)
        },
      ),
    )
  })
})
