import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxRetryMs, minRetryMs, retryDelayMs, withJitter } from '../../src/log/retry-delay.ts'

const amount = fc.double({ min: 0, max: 1e12, noNaN: true })
const speed = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: undefined })
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('the time after which a refused sender should come back', () => {
  it('is always between a second and five minutes', () => {
    fc.assert(
      fc.property(amount, speed, random, (needed, perSecond, chance) => {
        const delayMs = retryDelayMs(needed, perSecond, chance)
        expect(Number.isInteger(delayMs)).toBe(true)
        expect(delayMs).toBeGreaterThanOrEqual(minRetryMs)
        expect(delayMs).toBeLessThanOrEqual(maxRetryMs)
      }),
    )
  })

  it('is never before there is room, unless that takes more than five minutes', () => {
    fc.assert(
      fc.property(amount, fc.double({ min: 1, max: 1e9, noNaN: true }), random, (needed, perSecond, chance) => {
        const roomMs = Math.min(maxRetryMs, (needed / perSecond) * 1_000)
        expect(retryDelayMs(needed, perSecond, chance)).toBeGreaterThanOrEqual(roomMs)
      }),
    )
  })

  it('is longer for more that is in the way, and for slower progress', () => {
    fc.assert(
      fc.property(amount, amount, fc.double({ min: 1, max: 1e9, noNaN: true }), random, (a, b, perSecond, chance) => {
        const [less, more] = a < b ? [a, b] : [b, a]
        fc.pre(less > 0)
        expect(retryDelayMs(more, perSecond, chance)).toBeGreaterThanOrEqual(retryDelayMs(less, perSecond, chance))
        expect(retryDelayMs(less, perSecond / 2, chance)).toBeGreaterThanOrEqual(retryDelayMs(less, perSecond, chance))
      }),
    )
  })

  it('is spread over half of it and a second more, so that senders do not come back together', () => {
    expect(withJitter(10_000, 0)).toBe(10_000)
    expect(withJitter(10_000, 0.5)).toBe(13_000)
    expect(withJitter(10_000, 0.999_999)).toBe(16_000)
    expect(withJitter(0, 0)).toBe(1_000)
  })

  it('is five minutes while nothing leaves, and a moment while nothing is in the way or nothing is known', () => {
    expect(retryDelayMs(1, 0, 0)).toBe(300_000)
    expect(retryDelayMs(0, 0, 0)).toBe(1_000)
    expect(retryDelayMs(1, Number.MIN_VALUE, 0)).toBe(300_000)
    expect(retryDelayMs(1_000_000, undefined, 0)).toBe(2_000)
  })
})
