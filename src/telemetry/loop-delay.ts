import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

/** How often the delay is sampled: each sample wakes the event loop. */
const resolutionMs = 20
const periodMs = 10_000
/** Longer than the usual interval of a scrape, so that none misses a bad moment. */
const periods = 3

export interface LoopReading {
  /** In seconds; undefined before anything was measured. */
  readonly delay: { readonly p50: number; readonly p99: number; readonly max: number } | undefined
  /** Share of the time in which the event loop was busy, 0 to 1. */
  readonly utilization: number
}

interface Period {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/**
 * The delay of the event loop in the last half minute. Not since the start, as Node tells it: what happened yesterday
 * would hide what happens now. Not since the last reading either: several readers would take it from each other.
 */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  readonly #timer: NodeJS.Timeout
  #past: readonly Period[] = []
  #began = performance.eventLoopUtilization()
  #utilization: number | undefined

  constructor() {
    this.#histogram.enable()
    this.#timer = setInterval(() => this.#turn(), periodMs).unref()
  }

  read(): LoopReading {
    const measured = [...this.#past, this.#current()].filter(period => period !== undefined)
    const worst = (of: keyof Period): number => Math.max(...measured.map(period => period[of]))
    return {
      delay: measured.length === 0 ? undefined : { p50: worst('p50'), p99: worst('p99'), max: worst('max') },
      utilization: this.#utilization ?? performance.eventLoopUtilization(this.#began).utilization,
    }
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#histogram.disable()
  }

  #turn(): void {
    const current = this.#current()
    if (current !== undefined) this.#past = [...this.#past, current].slice(1 - periods)
    this.#histogram.reset()
    this.#utilization = performance.eventLoopUtilization(this.#began).utilization
    this.#began = performance.eventLoopUtilization()
  }

  /** Nothing measured yet reads as NaN or as the smallest integer. */
  #current(): Period | undefined {
    const histogram = this.#histogram
    if (histogram.count === 0) return undefined
    // Node tells the time between two samples.
    const delayS = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000)
    return {
      p50: delayS(histogram.percentile(50)),
      p99: delayS(histogram.percentile(99)),
      max: delayS(histogram.max),
    }
  }
}
