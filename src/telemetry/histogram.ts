/** Upper bounds of the buckets, in the recorded unit; values above the last fall into an overflow bucket. */
export type BucketBounds = readonly number[]

/** Durations in ms, 1-2-5 from 50 µs to 10 min: one set for all, so that dashboards can add them up. */
export const durationBucketsMs: BucketBounds = [
  0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 120_000,
  600_000,
]

// Divided, 0.0002 would be 0.00019999999999999998.
const secondsOf = (bounds: BucketBounds): BucketBounds => bounds.map(ms => Number((ms / 1000).toPrecision(12)))

/** The same in seconds. */
export const durationBucketsS: BucketBounds = secondsOf(durationBucketsMs)

export interface HistogramSnapshot {
  readonly bounds: BucketBounds
  /** One more than bounds: the last counts the overflow. */
  readonly counts: readonly number[]
  readonly count: number
  readonly sum: number
  readonly max: number
}

/** A fixed-bucket histogram: recording is a search over some twenty bounds and two additions, cheap enough per event. */
export class Histogram {
  readonly #bounds: BucketBounds
  readonly #counts: Float64Array
  #count = 0
  #sum = 0
  #max = 0

  constructor(bounds: BucketBounds = durationBucketsMs) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  /** Records a value `times` times; negative values (a clock that went back) count as 0. */
  record(value: number, times = 1): void {
    const clean = value > 0 ? value : 0
    let bucket = 0
    while (bucket < this.#bounds.length && clean > (this.#bounds[bucket] as number)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] as number) + times
    this.#count += times
    this.#sum += clean * times
    if (clean > this.#max) this.#max = clean
  }

  snapshot(): HistogramSnapshot {
    return {
      bounds: this.#bounds,
      counts: Array.from(this.#counts),
      count: this.#count,
      sum: this.#sum,
      max: this.#max,
    }
  }
}

/** A histogram of ms in seconds, as metrics have it. */
export function inSeconds({ bounds, counts, count, sum, max }: HistogramSnapshot): HistogramSnapshot {
  const boundsS = bounds === durationBucketsMs ? durationBucketsS : secondsOf(bounds)
  return { bounds: boundsS, counts, count, sum: sum / 1000, max: max / 1000 }
}

/**
 * An upper estimate of a quantile: linear inside the bucket it falls into, the maximum in the overflow bucket.
 * @param quantile 0 to 1. @returns 0 for an empty histogram.
 */
export function quantileOf(snapshot: HistogramSnapshot, quantile: number): number {
  if (snapshot.count === 0) return 0
  let rank = quantile * snapshot.count
  for (let bucket = 0; bucket < snapshot.counts.length; bucket++) {
    const inBucket = snapshot.counts[bucket] as number
    if (rank > inBucket) {
      rank -= inBucket
      continue
    }
    const upper = snapshot.bounds[bucket]
    if (upper === undefined) return snapshot.max
    const lower = bucket === 0 ? 0 : (snapshot.bounds[bucket - 1] as number)
    return Math.min(snapshot.max, lower + ((upper - lower) * rank) / Math.max(inBucket, 1))
  }
  return snapshot.max
}
