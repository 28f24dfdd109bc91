const bucketsPerDoubling = 16
const smallestMs = 0.01

/** Delays in buckets of 4 %, for percentiles. */
export class Delays {
  readonly #buckets: number[] = []
  #count = 0
  #longestMs = 0

  get count(): number {
    return this.#count
  }

  get longestMs(): number {
    return this.#longestMs
  }

  add(ms: number): void {
    const bucket = ms <= smallestMs ? 0 : 1 + Math.floor(Math.log2(ms / smallestMs) * bucketsPerDoubling)
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#count++
    if (ms > this.#longestMs) this.#longestMs = ms
  }

  /** The delay that a share of all does not exceed; 0 when there was none. */
  percentileMs(share: number): number {
    let left = Math.ceil(this.#count * share)
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      left -= this.#buckets[bucket] ?? 0
      if (left <= 0)
        return bucket === 0 ? 0 : Math.min(this.#longestMs, smallestMs * 2 ** (bucket / bucketsPerDoubling))
    }
    return this.#longestMs
  }
}
