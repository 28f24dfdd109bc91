import { describe, expect, it } from 'vitest'
import { Delays } from '../../../src/controller/simulation/delays.ts'

describe('Delays', () => {
  it('knows percentiles to about 4 %', () => {
    const delays = new Delays()
    for (let ms = 1; ms <= 10_000; ms++) delays.add(ms)
    for (const share of [0.5, 0.9, 0.99, 1]) {
      expect(Math.abs(delays.percentileMs(share) / (10_000 * share) - 1)).toBeLessThan(0.05)
    }
    expect([delays.count, delays.longestMs]).toEqual([10_000, 10_000])
  })

  it('is zero for none, and for none that waited', () => {
    const delays = new Delays()
    expect(delays.percentileMs(0.99)).toBe(0)
    delays.add(0)
    expect(delays.percentileMs(0.99)).toBe(0)
  })
})
