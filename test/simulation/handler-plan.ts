import type { Random } from '../chaos/random.ts'

/** An event of a simulation and what its handler makes of it, decided before it is sent. */
export interface PlannedEvent {
  readonly id: string
  readonly key: string
  /** Within its key, in the order of sending. */
  readonly sequence: number
  /** Tries that end in this way before one succeeds; Infinity: none does. */
  readonly bad: number
  /** `throw`: the attempt fails. `loop`: it never ends. `crash`: it ends its worker. */
  readonly act: 'throw' | 'loop' | 'crash'
}

/** How one try goes. */
export interface Try {
  readonly act: 'done' | PlannedEvent['act']
  readonly tookMs: number
  /** The worker dies when the work is done and before anybody is told: what it was running is run once more. */
  readonly isUntold: boolean
}

export interface TroubleShares {
  readonly throws: number
  readonly poison: number
  readonly loops: number
  readonly crashes: number
  readonly untold: number
  /** Mean time of a handler, in ms. */
  readonly meanMs: number
}

export function planEvent(
  id: string,
  key: string,
  sequence: number,
  shares: TroubleShares,
  random: Random,
): PlannedEvent {
  const event = { id, key, sequence }
  if (random.chance(shares.poison)) return { ...event, act: 'throw', bad: Infinity }
  if (random.chance(shares.loops)) return { ...event, act: 'loop', bad: 1 + random.below(2) }
  // The second time it would be a dead letter, which a loss of power may then still turn into a success.
  if (random.chance(shares.crashes)) return { ...event, act: 'crash', bad: 1 }
  return { ...event, act: 'throw', bad: random.chance(shares.throws) ? 1 + random.below(3) : 0 }
}

/** How often each event was tried and how it went, by trigger: what a handler and its surroundings would know. */
export class HandlerPlan {
  readonly #events = new Map<string, PlannedEvent>()
  readonly #tries = new Map<string, number>()
  readonly #shares: TroubleShares
  readonly #random: Random
  /** From here on everything succeeds but poison. */
  isHealed = false
  /** What handlers call is away: all that begins fails. */
  isAway = false

  constructor(shares: TroubleShares, random: Random) {
    this.#shares = shares
    this.#random = random
  }

  add(event: PlannedEvent): void {
    this.#events.set(event.id, event)
  }

  get(id: string): PlannedEvent | undefined {
    return this.#events.get(id)
  }

  /** An attempt begins. What was never sent is done at once: the judge will say so. */
  begin(trigger: string, id: string): Try {
    const random = this.#random
    const tookMs = random.chance(0.02) ? random() * 800 : random() * 2 * this.#shares.meanMs
    if (this.isAway) return { act: 'throw', tookMs, isUntold: false }
    const place = `${trigger} ${id}`
    const tries = (this.#tries.get(place) ?? 0) + 1
    this.#tries.set(place, tries)
    const event = this.#events.get(id)
    const isBad = event !== undefined && (event.bad === Infinity || (!this.isHealed && tries <= event.bad))
    return {
      act: isBad ? event.act : 'done',
      tookMs,
      isUntold: !this.isHealed && random.chance(this.#shares.untold),
    }
  }
}
