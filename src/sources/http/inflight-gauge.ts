import { SluiceError } from '../../errors/sluice-error.ts'
import { withJitter } from '../../log/retry-delay.ts'

/** Bytes and requests in progress: what is refused beyond them costs no memory. */
export interface InflightLimits {
  readonly maxRequests: number
  readonly maxBytes: number
}

/**
 * Counts what is in progress at a listener, or at one source of it: then it counts in both. Bodies count as they arrive:
 * a promised length that never comes must not lock others out.
 */
export class InflightGauge {
  readonly #limits: InflightLimits
  readonly #listener: InflightGauge | undefined
  readonly #full: () => SluiceError
  requests = 0
  bytes = 0

  /**
   * @param listener what the source shares with the others; undefined for that of the listener itself.
   * @param full what a sender is told beyond the limits.
   */
  constructor(limits: InflightLimits, listener?: InflightGauge, full: () => SluiceError = overloaded) {
    this.#limits = limits
    this.#listener = listener
    this.#full = full
  }

  /** Why one more request with that many bytes may not begin. */
  refusalOf(bytes: number): SluiceError | undefined {
    const { maxRequests, maxBytes } = this.#limits
    if (this.requests >= maxRequests || this.bytes + bytes > maxBytes) return this.#full()
    return this.#listener?.refusalOf(bytes)
  }

  /** Why what is under way may not go on. */
  get overflow(): SluiceError | undefined {
    return this.bytes > this.#limits.maxBytes ? this.#full() : this.#listener?.overflow
  }

  begin(): void {
    this.requests++
    this.#listener?.begin()
  }

  /** Bytes came in, or with a negative number went away. */
  add(bytes: number): void {
    this.bytes += bytes
    this.#listener?.add(bytes)
  }

  /** A request is answered whose body still counts. */
  end(bytes: number): void {
    this.requests--
    this.bytes -= bytes
    this.#listener?.end(bytes)
  }
}

function overloaded(): SluiceError {
  return new SluiceError('SLUICE_HTTP_OVERLOADED', 'too many requests are waiting; send this one again later', {
    details: { retryAfterMs: withJitter(1_000, Math.random()) },
  })
}
