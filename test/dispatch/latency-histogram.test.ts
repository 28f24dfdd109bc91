import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyLatency, inBuckets, LatencyHistogram, latencyBetween } from '../../src/dispatch/latency-histogram.ts'

const figuresOf = (durationsMs: readonly number[]) => {
  const histogram = new LatencyHistogram()
  for (const durationMs of durationsMs) histogram.record(durationMs)
  return latencyBetween(emptyLatency, histogram.snapshot())
}

/** The exact percentile: the smallest value that so many are not above. */
const exact = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] as number

describe('LatencyHistogram', () => {
  it('knows percentiles to 7 % from microseconds to an hour, for any durations', () => {
    // As many in every doubling from 20 µs to an hour.
    const duration = fc.double({ min: Math.log(0.02), max: Math.log(3_600_000), noNaN: true }).map(Math.exp)
    fc.assert(
      fc.property(fc.array(duration, { minLength: 1, maxLength: 500 }), durations => {
        const figures = figuresOf(durations)
        for (const [name, share] of [
          ['p50', 0.5],
          ['p95', 0.95],
          ['p99', 0.99],
        ] as const) {
          const wanted = exact(durations, share)
          expect(figures[name]).toBeGreaterThan(wanted * 0.93)
          expect(figures[name]).toBeLessThan(wanted * 1.07)
        }
        const mean = durations.reduce((sum, each) => sum + each, 0) / durations.length
        expect(figures.mean).toBeCloseTo(mean, 5)
      }),
    )
  })

  it('tells microseconds apart where a handler does next to nothing', () => {
    const { p50, p99 } = figuresOf([...Array.from({ length: 98 }, () => 0.003), 0.012, 0.012])
    expect(p50).toBeGreaterThanOrEqual(0.003)
    expect(p50).toBeLessThanOrEqual(0.004)
    expect(p99).toBeGreaterThanOrEqual(0.012)
    expect(p99).toBeLessThanOrEqual(0.013)
  })

  it('fits into the wide buckets of metrics, with every value on the right side of a bound that it is not near to', () => {
    const bounds = [0.05, 0.5, 5, 50, 500]
    const duration = fc.double({ min: Math.log(0.01), max: Math.log(5_000), noNaN: true }).map(Math.exp)
    fc.assert(
      fc.property(fc.array(duration, { minLength: 1, maxLength: 200 }), durations => {
        const histogram = new LatencyHistogram()
        for (const durationMs of durations) histogram.record(durationMs)
        const wide = inBuckets(histogram.snapshot(), bounds)!
        expect(wide.count).toBe(durations.length)
        let below = 0
        for (const [index, bound] of bounds.entries()) {
          below += wide.counts[index]!
          expect(below).toBeGreaterThanOrEqual(durations.filter(value => value <= bound * 0.94).length)
          expect(below).toBeLessThanOrEqual(durations.filter(value => value <= bound * 1.06).length)
        }
        expect(below + wide.counts.at(-1)!).toBe(durations.length)
      }),
    )
    expect(inBuckets(new LatencyHistogram().snapshot(), bounds)).toBeUndefined()
  })

  it('counts a clock that went back as nothing, and what is beyond an hour at its end', () => {
    expect(figuresOf([-5, Number.NaN, 0]).p99).toBeLessThanOrEqual(0.001)
    expect(figuresOf([1e12]).p50).toBeGreaterThan(4_000_000)
    expect(figuresOf([Infinity]).p50).toBeGreaterThan(4_000_000)
    expect(Number.isFinite(figuresOf([Infinity, Number.NaN]).mean)).toBe(true)
  })

  it('says what came between two snapshots, which nothing changes afterwards', () => {
    const histogram = new LatencyHistogram()
    expect(latencyBetween(emptyLatency, histogram.snapshot())).toEqual({ mean: 0, p50: 0, p95: 0, p99: 0 })
    for (let i = 0; i < 100; i++) histogram.record(1_000)
    const before = histogram.snapshot()
    for (let i = 0; i < 10; i++) histogram.record(2)
    const between = latencyBetween(before, histogram.snapshot())
    expect(between.mean).toBeCloseTo(2, 6)
    expect(between.p99).toBeLessThan(2.2)
    expect(latencyBetween(before, before)).toEqual({ mean: 0, p50: 0, p95: 0, p99: 0 })
    expect(latencyBetween(emptyLatency, before).p50).toBeGreaterThan(900)
  })
})
