import type { PartitionView } from '../../api/views/trigger-view.ts'

/** Ten minutes at one a second. */
const keptPoints = 600
/** More lines cannot be told apart; the others are one line together. */
const mostLines = 5

/** Lag of each partition while one looks. */
export class LagHistory {
  readonly times: number[] = []
  readonly #lags = new Map<number, (number | null)[]>()

  /** What is true at a time; one that was taken already is left out. */
  take(partitions: readonly PartitionView[], atMs: number): void {
    if (atMs <= (this.times.at(-1) ?? 0)) return
    this.times.push(atMs)
    for (const { partition } of partitions) {
      // One that comes later was not known before.
      if (!this.#lags.has(partition))
        this.#lags.set(
          partition,
          Array.from({ length: this.times.length - 1 }, () => null),
        )
    }
    const now = new Map(partitions.map(({ partition, lag }) => [partition, lag]))
    for (const [partition, lags] of this.#lags) lags.push(now.get(partition) ?? null)
    if (this.times.length <= keptPoints) return
    this.times.shift()
    for (const lags of this.#lags.values()) lags.shift()
  }

  /** A line for each of the partitions that waited most, and one for the rest of them. */
  lines(): readonly { readonly name: string; readonly values: readonly (number | null)[] }[] {
    const most = (lags: readonly (number | null)[]): number =>
      lags.reduce<number>((top, lag) => Math.max(top, lag ?? 0), 0)
    const ranked = [...this.#lags].sort(([a, one], [b, other]) => most(other) - most(one) || a - b)
    const isFew = ranked.length <= mostLines + 1
    const shown = (isFew ? ranked : ranked.slice(0, mostLines)).sort(([a], [b]) => a - b)
    const lines = shown.map(([partition, values]) => ({ name: `partition ${partition}`, values }))
    if (isFew) return lines
    const rest = ranked.slice(mostLines).map(([, lags]) => lags)
    const values = this.times.map((_, index) => {
      const known = rest.map(lags => lags[index] ?? null).filter(lag => lag !== null)
      return known.length === 0 ? null : known.reduce((sum, lag) => sum + lag, 0)
    })
    return [...lines, { name: `the other ${rest.length}`, values }]
  }
}
