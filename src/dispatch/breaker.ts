/** When a trigger pauses by itself, and how it finds out that it can go on. */
export interface BreakerPolicy {
  /** Share of failed attempts, above 0 and at most 1, from which on it opens. */
  readonly failureRate: number
  /** Attempts in the window below which it never opens. */
  readonly minAttempts: number
  /** Attempts count for this long; the oldest tenth of it goes at once. */
  readonly windowMs: number
  /** From the opening to the first probe; doubled after each probe that failed. */
  readonly probeAfterMs: number
  /** Bound of the doubling. */
  readonly maxProbeAfterMs: number
  /** Events that have to succeed, and that may run at a time, before it closes. */
  readonly probes: number
}

export type BreakerState = 'closed' | 'open' | 'half-open'

/** How an attempt ended, as far as a breaker is concerned; `unclear`: it did not run, or it may not be to blame. */
export type AttemptEnd = 'succeeded' | 'failed' | 'unclear'

interface Bucket {
  attempts: number
  failures: number
}

/** The window in this many parts, so that its memory does not grow with the attempts. */
const buckets = 10

/**
 * Decides when a trigger stops running into failures. Pure: it is told what happened and when, by a monotonic clock; a clock
 * that stands still, jumps or runs backwards makes it wait for a longer or a shorter time and nothing else.
 *
 *   closed ──failures of the window reach the bound──▶ open ──probe(), when it is due──▶ half-open
 *     ▲                                                 ▲ └─ ended(): says nothing          │ │
 *     │                                                 └──one probe failed: waits longer───┘ │
 *     └────────────────────all probes succeeded, or reset() by a person───────────────────────┘
 */
export class Breaker {
  readonly #policy: BreakerPolicy
  #state: BreakerState = 'closed'
  #nowMs = 0
  #window: Bucket[] = []
  /** Number of the newest bucket since the clock began. */
  #newest = 0
  #failedProbes = 0
  #probeAtMs = 0
  /** Probes of this half-open state: started and not ended, and succeeded. */
  #running = 0
  #succeeded = 0

  constructor(policy: BreakerPolicy) {
    this.#policy = policy
    this.#forget()
  }

  get state(): BreakerState {
    return this.#state
  }

  /** What the window holds. */
  get attempts(): number {
    return this.#window.reduce((sum, bucket) => sum + bucket.attempts, 0)
  }

  get failures(): number {
    return this.#window.reduce((sum, bucket) => sum + bucket.failures, 0)
  }

  /** Times in a row that probing has failed since it opened. */
  get failedProbes(): number {
    return this.#failedProbes
  }

  /** When probing is due; undefined while it is not open. */
  get probeAtMs(): number | undefined {
    return this.#state === 'open' ? this.#probeAtMs : undefined
  }

  /** Events that may start now as probes; 0 unless it is half-open. */
  get room(): number {
    return this.#state === 'half-open' ? this.#policy.probes - this.#running - this.#succeeded : 0
  }

  /** An attempt begins; while half-open it is a probe. */
  started(): void {
    if (this.#state === 'half-open') this.#running++
  }

  /** An attempt came back. Returns what that changed. Attempts from before the half-open state have to be over by then. */
  ended(end: AttemptEnd, nowMs: number): 'opened' | 'closed' | undefined {
    this.#advance(nowMs)
    if (this.#state === 'open') return undefined
    if (this.#state === 'half-open') return this.#probed(end)
    if (end === 'unclear') return undefined
    const bucket = this.#window[this.#newest % buckets] as Bucket
    bucket.attempts++
    if (end === 'failed') bucket.failures++
    const { attempts, failures } = this
    const { minAttempts, failureRate } = this.#policy
    if (attempts < minAttempts || failures / attempts < failureRate) return undefined
    this.#open(0)
    return 'opened'
  }

  /** Becomes half-open if it is open and the time has come; returns whether it did. */
  probe(nowMs: number): boolean {
    this.#advance(nowMs)
    if (this.#state !== 'open' || this.#nowMs < this.#probeAtMs) return false
    this.#setState('half-open')
    return true
  }

  /** What was wrong may be mended: probing is due now. */
  hasten(): void {
    this.#probeAtMs = Math.min(this.#probeAtMs, this.#nowMs)
  }

  /** It was open when the process ended, after so many failed probes: it is open again, and waits from now on. */
  restore(failedProbes: number, nowMs: number): void {
    this.#advance(nowMs)
    this.#forget()
    this.#open(failedProbes)
  }

  /** A person has decided: closed, with an empty window. */
  reset(): void {
    this.#forget()
    this.#setState('closed')
  }

  #probed(end: AttemptEnd): 'opened' | 'closed' | undefined {
    this.#running = Math.max(0, this.#running - 1)
    if (end === 'unclear') return undefined
    if (end === 'failed') {
      this.#open(this.#failedProbes + 1)
      return 'opened'
    }
    this.#succeeded++
    if (this.#succeeded < this.#policy.probes) return undefined
    this.reset()
    return 'closed'
  }

  #open(failedProbes: number): void {
    const { probeAfterMs, maxProbeAfterMs } = this.#policy
    this.#failedProbes = failedProbes
    // 2 to the power of thousands is Infinity, which the bound takes care of.
    const waitMs = Math.min(probeAfterMs * 2 ** failedProbes, Math.max(probeAfterMs, maxProbeAfterMs))
    this.#probeAtMs = this.#nowMs + waitMs
    this.#setState('open')
  }

  #setState(state: BreakerState): void {
    this.#state = state
    this.#running = 0
    this.#succeeded = 0
  }

  /** Time never runs backwards; buckets that fell out of the window are empty again. */
  #advance(nowMs: number): void {
    if (!(nowMs > this.#nowMs) || nowMs === Infinity) return
    this.#nowMs = nowMs
    const newest = Math.floor((nowMs * buckets) / this.#policy.windowMs)
    const passed = Math.min(buckets, newest - this.#newest)
    for (let index = 0; index < passed; index++) this.#window[(newest - index) % buckets] = { attempts: 0, failures: 0 }
    this.#newest = newest
  }

  #forget(): void {
    this.#window = Array.from({ length: buckets }, () => ({ attempts: 0, failures: 0 }))
    this.#failedProbes = 0
  }
}
