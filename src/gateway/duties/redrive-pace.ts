/**
 * How many letters a redrive may take now, so that in any stretch of time it takes no more than its rate allows and what one
 * second allows besides. Pure but for its own memory.
 */
export class RedrivePace {
  readonly #ratePerS: number
  #allowed = 1
  #atMs: number

  /** @param ratePerS letters a second, above 0. */
  constructor(ratePerS: number, nowMs: number) {
    this.#ratePerS = ratePerS
    this.#atMs = nowMs
  }

  /** Letters that may be taken now. */
  limitAt(nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#atMs = Math.max(this.#atMs, nowMs)
    // What could not be taken, because too much was under way, is not made up for beyond a second's worth.
    this.#allowed = Math.min(this.#allowed + (elapsedMs / 1000) * this.#ratePerS, Math.max(1, this.#ratePerS))
    return Math.floor(this.#allowed)
  }

  took(letters: number): void {
    this.#allowed -= letters
  }

  /** Time until one letter more may be taken. */
  get waitMs(): number {
    return this.#allowed >= 1 ? 0 : ((1 - this.#allowed) / this.#ratePerS) * 1000
  }
}
