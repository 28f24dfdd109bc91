import type { SourceLimits } from '../../config/sections/source-limits.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { withJitter } from '../../log/retry-delay.ts'
import { TokenBucket } from '../../log/token-bucket.ts'
import { InflightGauge } from './inflight-gauge.ts'

/** The limits of one HTTP source. Whoever meets them gets 429: it is this source's senders that send too much. */
export class RequestLimits {
  /** Counts for the source and its listener; undefined: only the listener limits. */
  readonly gauge: InflightGauge | undefined
  readonly #source: string
  readonly #limits: SourceLimits
  readonly #bucket: TokenBucket | undefined

  constructor(source: string, limits: SourceLimits, listener: InflightGauge) {
    const { ratePerSecond, burst, maxInFlightBytes } = limits
    this.#source = source
    this.#limits = limits
    this.#bucket =
      ratePerSecond === undefined ? undefined : new TokenBucket({ ratePerSecond, burst }, performance.now())
    this.gauge =
      maxInFlightBytes === undefined
        ? undefined
        : new InflightGauge({ maxRequests: Infinity, maxBytes: maxInFlightBytes }, listener, () => this.#overfull())
  }

  /** Counts a request, before its body is read; an error refuses it. */
  admit(): SluiceError | undefined {
    const nowMs = performance.now()
    const waitMs = this.#bucket?.waitMs(nowMs) ?? 0
    if (waitMs > 0) return this.#tooFast(waitMs)
    this.#bucket?.take(1, nowMs)
    return undefined
  }

  /** The admitted request has so many events. */
  charge(events: number): void {
    if (events > 1) this.#bucket?.take(events - 1, performance.now())
  }

  #tooFast(waitMs: number): SluiceError {
    const message = `the source ${this.#source} takes ${this.#limits.ratePerSecond} events a second (limits.ratePerSecond); send this one again later`
    return new SluiceError('SLUICE_HTTP_RATE_LIMITED', message, {
      details: { retryAfterMs: withJitter(waitMs, Math.random()) },
    })
  }

  #overfull(): SluiceError {
    const message = `${this.#limits.maxInFlightBytes} bytes of the source ${this.#source} are being taken already (limits.maxInFlightBytes); send this one again later`
    return new SluiceError('SLUICE_HTTP_INFLIGHT_LIMITED', message, {
      details: { retryAfterMs: withJitter(1_000, Math.random()) },
    })
  }
}
