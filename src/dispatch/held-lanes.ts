import type { Hold } from './hold.ts'
import type { Lane } from './lane.ts'

export interface HeldLanesOptions {
  /** Default 1,000 ms; Infinity: nothing is ever offered. */
  readonly parkAfterMs: number
  readonly now: () => number
  /** A lane is held for longer than `parkAfterMs`; it is held no more when this has parked it. */
  readonly onOverdue: (lane: Lane, hold: Hold) => void
}

interface Held {
  readonly hold: Hold
  readonly sinceMs: number
}

/**
 * Lanes that may not start because what they belong to is paused, in memory and in the order in which they were held. What
 * is held for long is offered for parking, so that the rest of its partition flows on.
 */
export class HeldLanes {
  readonly #options: HeldLanesOptions
  readonly #lanes = new Map<Lane, Held>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: HeldLanesOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#lanes.size
  }

  get lanes(): Iterable<Lane> {
    return this.#lanes.keys()
  }

  /** Events in them. */
  get events(): number {
    let events = 0
    for (const { length } of this.#lanes.keys()) events += length
    return events
  }

  add(lane: Lane, hold: Hold): void {
    lane.state = 'held'
    this.#lanes.set(lane, { hold, sinceMs: this.#options.now() })
    this.#plan()
  }

  remove(lane: Lane): void {
    this.#lanes.delete(lane)
  }

  /** Gives all of them back, to be tried again. */
  recall(): readonly Lane[] {
    const lanes = [...this.#lanes.keys()]
    this.#lanes.clear()
    return lanes
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#lanes.clear()
  }

  #sweep(): void {
    const { now, parkAfterMs, onOverdue } = this.#options
    const before = now() - parkAfterMs
    for (const [lane, { hold, sinceMs }] of this.#lanes) {
      // Its partition was revoked: the events are another owner's.
      if (!lane.window.assigned) this.#lanes.delete(lane)
      else if (sinceMs <= before) onOverdue(lane, hold)
    }
    this.#timer = undefined
    this.#plan()
  }

  #plan(): void {
    const { parkAfterMs } = this.#options
    if (this.#timer !== undefined || this.#lanes.size === 0 || !Number.isFinite(parkAfterMs)) return
    this.#timer = setTimeout(() => this.#sweep(), parkAfterMs)
  }
}
