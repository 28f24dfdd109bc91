import type { BucketBounds, HistogramSnapshot } from '../telemetry/histogram.ts'

/** Sixteen buckets for each doubling: a value is known to 6 %. Values below 16 µs have a bucket for each µs. */
const subBuckets = 16
const bucketCount = 464
/** 2³² µs, some 71 minutes: longer ones count as this. */
const maxMicros = 2 ** 32 - 1

/** What a {@link LatencyHistogram} held at one moment. */
export interface LatencySnapshot {
  /** Undefined while nothing was recorded: most versions of a gateway are idle. */
  readonly counts: Float64Array | undefined
  readonly sumMs: number
}

/** Plain JSON; all 0 when nothing was recorded. */
export interface LatencyFigures {
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export const emptyLatency: LatencySnapshot = { counts: undefined, sumMs: 0 }

/**
 * Durations from 1 µs to an hour, so fine that percentiles of two versions can be compared: the buckets of
 * telemetry/histogram.ts are made for dashboards and grow by 2 to 2.5.
 */
export class LatencyHistogram implements LatencySnapshot {
  #counts: Float64Array | undefined = undefined
  #sumMs = 0

  /** As they are now: they go on changing. */
  get counts(): Float64Array | undefined {
    return this.#counts
  }

  get sumMs(): number {
    return this.#sumMs
  }

  /** Negative values (a clock that went back) count as 0. */
  record(durationMs: number): void {
    this.#counts ??= new Float64Array(bucketCount)
    // What is not above 0 is not a number either: a worker may send anything.
    const micros = durationMs > 0 ? Math.min(durationMs * 1000, maxMicros) : 0
    const bucket = bucketOf(micros)
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#sumMs += micros / 1000
  }

  snapshot(): LatencySnapshot {
    return { counts: this.#counts?.slice(), sumMs: this.#sumMs }
  }
}

/** Mean and percentiles of what was recorded between two snapshots of one histogram. */
export function latencyBetween(since: LatencySnapshot, until: LatencySnapshot): LatencyFigures {
  const { counts } = until
  if (counts === undefined) return { mean: 0, p50: 0, p95: 0, p99: 0 }
  const before = since.counts
  const between = before === undefined ? counts : counts.map((count, bucket) => count - (before[bucket] as number))
  let total = 0
  for (const count of between) total += count
  if (total === 0) return { mean: 0, p50: 0, p95: 0, p99: 0 }
  return {
    mean: (until.sumMs - since.sumMs) / total,
    p50: percentile(between, total, 0.5),
    p95: percentile(between, total, 0.95),
    p99: percentile(between, total, 0.99),
  }
}

/**
 * The same in wider buckets, as metrics have them: each fine bucket counts where its middle lies, so that a bound is
 * exact to 3 %. Undefined when nothing was recorded.
 * @param bounds in ms.
 */
export function inBuckets({ counts, sumMs }: LatencySnapshot, bounds: BucketBounds): HistogramSnapshot | undefined {
  if (counts === undefined) return undefined
  const wide = new Array<number>(bounds.length + 1).fill(0)
  let count = 0
  let max = 0
  let into = 0
  for (let bucket = 0; bucket < counts.length; bucket++) {
    const inBucket = counts[bucket] as number
    if (inBucket === 0) continue
    const middleMs = (lowerMicros(bucket) + lowerMicros(bucket + 1)) / 2000
    while (into < bounds.length && middleMs > (bounds[into] as number)) into++
    wide[into] = (wide[into] as number) + inBucket
    count += inBucket
    max = lowerMicros(bucket + 1) / 1000
  }
  return { bounds, counts: wide, count, sum: sumMs, max }
}

function bucketOf(micros: number): number {
  const whole = micros >>> 0
  if (whole < subBuckets) return whole
  const doubling = 31 - Math.clz32(whole)
  return (doubling - 3) * subBuckets + ((whole >>> (doubling - 4)) & (subBuckets - 1))
}

/** Lower end of a bucket, in µs; of the one after the last, too. */
function lowerMicros(bucket: number): number {
  if (bucket < subBuckets) return bucket
  const doubling = Math.floor(bucket / subBuckets) + 3
  return (subBuckets + (bucket % subBuckets)) * 2 ** (doubling - 4)
}

/** Linear inside the bucket that the rank falls into. In ms. */
function percentile(counts: Float64Array, total: number, share: number): number {
  let rank = share * total
  for (let bucket = 0; bucket < counts.length; bucket++) {
    const inBucket = counts[bucket] as number
    if (inBucket === 0 || rank > inBucket) {
      rank -= inBucket
      continue
    }
    const lower = lowerMicros(bucket)
    return (lower + (lowerMicros(bucket + 1) - lower) * (rank / inBucket)) / 1000
  }
  return maxMicros / 1000
}
