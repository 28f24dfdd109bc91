/** One line of a benchmark: Sluice beside its raw limit, measured in turns in the same run. */
export interface BenchRow {
  readonly name: string
  readonly ours: number
  readonly raw: number
  /** ours ÷ raw, median of the repetitions; each ratio is taken within one repetition. */
  readonly ratio: number
  readonly unit: string
  readonly details: Readonly<Record<string, number | string>>
}

export interface BenchOptions {
  /** Interleaved repetitions; the median counts. */
  readonly repetitions?: number
  /** Length of one measurement, where it has one. */
  readonly durationMs?: number
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** A row of pairs that were measured in turns. */
export function rowOf(
  name: string,
  unit: string,
  pairs: readonly { readonly ours: number; readonly raw: number }[],
  details: BenchRow['details'] = {},
): BenchRow {
  return {
    name,
    unit,
    ours: Math.round(median(pairs.map(({ ours }) => ours))),
    raw: Math.round(median(pairs.map(({ raw }) => raw))),
    ratio: Math.round(median(pairs.map(({ ours, raw }) => ours / raw)) * 1000) / 1000,
    details: { repetitions: pairs.length, ...details },
  }
}
