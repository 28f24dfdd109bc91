export interface TokenBucketOptions {
  readonly ratePerSecond: number
  /** Tokens of a full bucket, at least 1. Default: those of one second. */
  readonly burst?: number | undefined
}

/**
 * A rate limit. Pure: takes the time, does no I/O.
 *
 * Who comes while a token is there may take any number, because the size of a batch is known late; the bucket then owes
 * them, and nobody takes anything before the debt is paid. Over time no more than the rate goes through.
 */
export class TokenBucket {
  #perMs: number
  #burst: number
  #tokens: number
  #atMs: number

  /** Full at `nowMs`, of a clock that never jumps. */
  constructor({ ratePerSecond, burst }: TokenBucketOptions, nowMs: number) {
    this.#perMs = ratePerSecond / 1_000
    this.#burst = Math.max(1, burst ?? ratePerSecond)
    this.#tokens = this.#burst
    this.#atMs = nowMs
  }

  /** How long until something may be taken, or until `count` tokens are there; 0: now. */
  waitMs(nowMs: number, count = 1): number {
    this.#fill(nowMs)
    return this.#tokens >= count ? 0 : (count - this.#tokens) / this.#perMs
  }

  /** How many whole tokens are there. */
  available(nowMs: number): number {
    this.#fill(nowMs)
    return Math.max(0, Math.floor(this.#tokens))
  }

  /** Takes tokens, also more than are there. */
  take(count: number, nowMs: number): void {
    this.#fill(nowMs)
    this.#tokens -= count
  }

  /** What was taken and not used; never more than a full bucket. */
  giveBack(count: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + count)
  }

  /** Another rate from now on: nothing is forgiven, and no more is there than the new bucket holds. */
  change({ ratePerSecond, burst }: TokenBucketOptions, nowMs: number): void {
    this.#fill(nowMs)
    this.#perMs = ratePerSecond / 1_000
    this.#burst = Math.max(1, burst ?? ratePerSecond)
    this.#tokens = Math.min(this.#tokens, this.#burst)
  }

  #fill(nowMs: number): void {
    if (nowMs <= this.#atMs) return
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs)
    this.#atMs = nowMs
  }
}
