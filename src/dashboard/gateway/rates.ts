/** How many points a sparkline shows: two minutes at one a second. */
const keptPoints = 120

/** What a rate is taken over: shorter would flicker, longer would lag behind. */
const spanMs = 5_000

interface Counter {
  /** When and how much, ascending; as many as the span needs. */
  readonly samples: { readonly atMs: number; readonly count: number }[]
  readonly points: number[]
}

/**
 * Rates of counters that are looked at now and then. A counter that went back was reset (the gateway was started again):
 * its rate begins anew.
 */
export class Rates {
  readonly #counters = new Map<string, Counter>()

  /** Takes what a counter shows and returns its rate per second, or undefined as long as it is not known. */
  take(name: string, atMs: number, count: number): number | undefined {
    let counter = this.#counters.get(name)
    if (counter === undefined) this.#counters.set(name, (counter = { samples: [], points: [] }))
    const { samples, points } = counter
    const last = samples.at(-1)
    if (last !== undefined && atMs <= last.atMs) return this.of(name)
    if (last !== undefined && count < last.count) samples.length = 0
    samples.push({ atMs, count })
    while (samples.length > 2 && atMs - (samples[1]?.atMs ?? 0) >= spanMs) samples.shift()
    const rate = this.of(name)
    if (rate !== undefined) {
      points.push(rate)
      if (points.length > keptPoints) points.shift()
    }
    return rate
  }

  of(name: string): number | undefined {
    const samples = this.#counters.get(name)?.samples ?? []
    const first = samples[0]
    const last = samples.at(-1)
    if (first === undefined || last === undefined || first === last) return undefined
    return ((last.count - first.count) * 1_000) / (last.atMs - first.atMs)
  }

  /** The latest rates, oldest first. */
  points(name: string): readonly number[] {
    return this.#counters.get(name)?.points ?? []
  }
}
