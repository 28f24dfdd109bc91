interface Job {
  /** Virtual time of its end. */
  readonly endsAt: number
  readonly done: () => void
}

/**
 * Cores that threads share evenly: with more threads than cores each gets its part. Kept in virtual time, which runs as
 * fast as one thread gets on.
 */
export class SharedCores {
  readonly #cores: number
  /** Sorted by end, latest first. */
  readonly #jobs: Job[] = []
  #virtual = 0
  #atMs = 0
  #usedMs = 0

  constructor(cores: number) {
    this.#cores = cores
  }

  /** CPU time used until now, of all threads. */
  get usedMs(): number {
    return this.#usedMs
  }

  /** When the next job ends if nothing changes; Infinity without jobs. */
  get nextMs(): number {
    const next = this.#jobs.at(-1)
    return next === undefined ? Infinity : this.#atMs + Math.max(0, next.endsAt - this.#virtual) / this.#speed
  }

  /** A thread computes for `cpuMs`. */
  run(nowMs: number, cpuMs: number, done: () => void): void {
    this.advance(nowMs)
    const job = { endsAt: this.#virtual + cpuMs, done }
    let low = 0
    let high = this.#jobs.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#jobs[middle] as Job).endsAt > job.endsAt) low = middle + 1
      else high = middle
    }
    this.#jobs.splice(low, 0, job)
  }

  /** Ends the job that is due. */
  step(nowMs: number): void {
    this.advance(nowMs)
    const job = this.#jobs.pop()
    if (job === undefined) return
    this.#virtual = Math.max(this.#virtual, job.endsAt)
    job.done()
  }

  advance(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#virtual += elapsedMs * this.#speed
    this.#usedMs += elapsedMs * Math.min(this.#cores, this.#jobs.length)
    this.#atMs = Math.max(this.#atMs, nowMs)
  }

  get #speed(): number {
    return Math.min(1, this.#cores / Math.max(1, this.#jobs.length))
  }
}
