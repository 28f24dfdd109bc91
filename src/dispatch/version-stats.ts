import type { BucketBounds, HistogramSnapshot } from '../telemetry/histogram.ts'
import type { InvocationOutcome } from '../workers/invocation.ts'
import {
  emptyLatency,
  inBuckets,
  LatencyHistogram,
  latencyBetween,
  type LatencyFigures,
  type LatencySnapshot,
} from './latency-histogram.ts'

/** Counts of one version since it was taken into service. */
export interface VersionCounts {
  /** Attempts that ended by themselves or by time-out, of events and of direct invocations: succeeded + failures. */
  readonly invocations: number
  readonly succeeded: number
  /** Failed attempts, time-outs included. */
  readonly failures: number
  /** Of the failures, those that were repeated; the repetition may run on another version. */
  readonly retries: number
  /** Events that ended as dead letters and whose last attempt ran on this version, those of stage `sink` included. */
  readonly deadLetters: number
  readonly timeouts: number
  /** Copies that it ran as a shadow; they are in no other count and in no duration. */
  readonly shadowed: number
}

/** Everything at one moment; two of them make a window. */
export interface VersionStatsSnapshot {
  readonly counts: VersionCounts
  readonly durationMs: LatencySnapshot
  readonly queueDelayMs: LatencySnapshot
}

/** What a version did between two moments. Plain JSON. */
export interface VersionWindow extends VersionCounts {
  /** Of the handler alone. */
  readonly durationMs: LatencyFigures
  /**
   * From the moment at which the attempt could have begun until it did: an event's key was free and its backoff over, or
   * a direct invocation was accepted. Waiting for a worker, its cold start and the way there and back are in it; waiting
   * for earlier events of the key is not, but for those in the same frame.
   */
  readonly queueDelayMs: LatencyFigures
}

const none: VersionCounts = {
  invocations: 0,
  succeeded: 0,
  failures: 0,
  retries: 0,
  deadLetters: 0,
  timeouts: 0,
  shadowed: 0,
}

/** The beginning of every version: `windowBetween(emptyStats, now)` is all of it. */
export const emptyStats: VersionStatsSnapshot = { counts: none, durationMs: emptyLatency, queueDelayMs: emptyLatency }

/** What one version does, counted as it happens. */
export class VersionStats {
  readonly #durationMs = new LatencyHistogram()
  readonly #queueDelayMs = new LatencyHistogram()
  #succeeded = 0
  #failures = 0
  #timeouts = 0
  #retries = 0
  #deadLetters = 0
  #shadowed = 0

  /**
   * An attempt came back. What did not run, or may not have, counts nothing.
   * @param readyAtMs when it could have begun. @param nowMs both of the same monotonic clock.
   */
  ended(outcome: InvocationOutcome, readyAtMs: number, nowMs: number): void {
    if (outcome.kind === 'succeeded') this.#succeeded++
    else if (outcome.kind === 'failed') {
      this.#failures++
      if (outcome.error.reason === 'timeout') this.#timeouts++
    } else return
    this.#durationMs.record(outcome.durationMs)
    this.#queueDelayMs.record(nowMs - outcome.durationMs - readyAtMs)
  }

  /** A failed attempt of this version is repeated. */
  retried(): void {
    this.#retries++
  }

  deadLettered(): void {
    this.#deadLetters++
  }

  shadowed(): void {
    this.#shadowed++
  }

  get counts(): VersionCounts {
    return {
      invocations: this.#succeeded + this.#failures,
      succeeded: this.#succeeded,
      failures: this.#failures,
      retries: this.#retries,
      deadLetters: this.#deadLetters,
      timeouts: this.#timeouts,
      shadowed: this.#shadowed,
    }
  }

  /** A copy of some 8 KiB; nothing changes it afterwards. */
  snapshot(): VersionStatsSnapshot {
    return {
      counts: this.counts,
      durationMs: this.#durationMs.snapshot(),
      queueDelayMs: this.#queueDelayMs.snapshot(),
    }
  }

  /** How long handlers took, and how long their events had waited for them, in wide buckets; undefined before the first. */
  durationsMs(bounds: BucketBounds): HistogramSnapshot | undefined {
    return inBuckets(this.#durationMs, bounds)
  }

  queueDelaysMs(bounds: BucketBounds): HistogramSnapshot | undefined {
    return inBuckets(this.#queueDelayMs, bounds)
  }

  /** What happened since a snapshot; since the beginning without one. */
  window(since: VersionStatsSnapshot = emptyStats): VersionWindow {
    return windowBetween(since, this.snapshot())
  }
}

/** What happened between two snapshots of the same version: a sampler keeps the last one and makes a time series of it. */
export function windowBetween(since: VersionStatsSnapshot, until: VersionStatsSnapshot): VersionWindow {
  const before = since.counts
  const { counts } = until
  return {
    invocations: counts.invocations - before.invocations,
    succeeded: counts.succeeded - before.succeeded,
    failures: counts.failures - before.failures,
    retries: counts.retries - before.retries,
    deadLetters: counts.deadLetters - before.deadLetters,
    timeouts: counts.timeouts - before.timeouts,
    shadowed: counts.shadowed - before.shadowed,
    durationMs: latencyBetween(since.durationMs, until.durationMs),
    queueDelayMs: latencyBetween(since.queueDelayMs, until.queueDelayMs),
  }
}
