import fc from 'fast-check'
import { expect, it } from 'vitest'
import { durationBucketsMs, Histogram, quantileOf } from '../../src/telemetry/histogram.ts'

it('counts every value in the first bucket that holds it, and the rest as overflow', () => {
  const histogram = new Histogram([1, 10])
  for (const value of [-5, 0, 1, 1.5, 10, 11]) histogram.record(value)
  histogram.record(5, 3)
  expect(histogram.snapshot()).toEqual({ bounds: [1, 10], counts: [3, 5, 1], count: 9, sum: 38.5, max: 11 })
})

it('estimates a quantile within the bucket of the true one', () => {
  const values = fc.array(fc.double({ min: 0, max: 1_000_000, noNaN: true }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (recorded, quantile) => {
      const histogram = new Histogram()
      for (const value of recorded) histogram.record(value)
      const sorted = [...recorded].sort((a, b) => a - b)
      const truth = sorted[Math.ceil(quantile * sorted.length) - 1]!
      const upper = durationBucketsMs.find(bound => truth <= bound) ?? Infinity
      const lower = durationBucketsMs.findLast(bound => bound < truth) ?? 0
      const estimate = quantileOf(histogram.snapshot(), quantile)
      expect(estimate).toBeLessThanOrEqual(Math.min(upper, sorted.at(-1)!))
      expect(estimate).toBeGreaterThanOrEqual(Math.min(lower, sorted.at(-1)!))
    }),
  )
})

it('of nothing is zero', () => {
  expect(quantileOf(new Histogram().snapshot(), 0.99)).toBe(0)
})
