import type { Acceptance } from './source.ts'

export interface DeduplicationOptions {
  /** How long an id is known at least, in ms; it may be known for twice as long. */
  readonly windowMs: number
  /** Most ids that are held. Under a flood the window shrinks to the last half of them, never below. */
  readonly maxEntries: number
}

/** Where the first event with an id lies. */
export type FirstAcceptance = Pick<Acceptance, 'partition' | 'offset'>

/**
 * The ids of the last window and where their events lie. Pure: takes the time, does no I/O.
 *
 * Two generations instead of a queue: when the younger is older than the window or full, the older is dropped as a
 * whole. Deleting single ids from the front of a Map of a million makes V8 step over the holes of all deleted before.
 */
export class DeduplicationIndex {
  readonly #windowMs: number
  readonly #maxPerGeneration: number
  #younger = new Map<string, FirstAcceptance>()
  #older = new Map<string, FirstAcceptance>()
  #youngerSinceMs: number

  constructor(options: DeduplicationOptions, nowMs: number) {
    this.#windowMs = options.windowMs
    this.#maxPerGeneration = Math.max(1, Math.floor(options.maxEntries / 2))
    this.#youngerSinceMs = nowMs
  }

  get size(): number {
    return this.#younger.size + this.#older.size
  }

  find(id: string, nowMs: number): FirstAcceptance | undefined {
    this.#rotate(nowMs)
    return this.#younger.get(id) ?? this.#older.get(id)
  }

  /** Only for what is durable: an id that is known here is never appended again. */
  add(id: string, first: FirstAcceptance, nowMs: number): void {
    this.#rotate(nowMs)
    if (this.#younger.size >= this.#maxPerGeneration) this.#startGeneration(nowMs)
    this.#younger.set(id, first)
  }

  /** The time between `untilMs` and `nowMs` does not count: nobody was there who could have repeated anything. */
  resume(untilMs: number, nowMs: number): void {
    if (nowMs > untilMs) this.#youngerSinceMs += nowMs - untilMs
  }

  #rotate(nowMs: number): void {
    const ageMs = nowMs - this.#youngerSinceMs
    // A clock that was set back must not keep a generation for ever.
    if (ageMs < 0) this.#youngerSinceMs = nowMs
    if (ageMs < this.#windowMs) return
    const isSilent = ageMs >= 2 * this.#windowMs
    if (isSilent) this.#younger = new Map()
    // Not from now on: the window may have ended long before this call, and what is in it must not live on.
    this.#startGeneration(isSilent ? nowMs : this.#youngerSinceMs + this.#windowMs)
  }

  #startGeneration(sinceMs: number): void {
    this.#older = this.#younger
    this.#younger = new Map()
    this.#youngerSinceMs = sinceMs
  }
}
