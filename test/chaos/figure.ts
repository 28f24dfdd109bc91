/** One measured number of an experiment beside what it has to be. */
export interface Figure {
  readonly name: string
  readonly value: number
  /** Empty for a plain count. */
  readonly unit: string
  /** As it is shown: `0`, `≤ 2000`; empty when the number is only told. */
  readonly target: string
  readonly isReached: boolean
}

export function exactly(name: string, value: number, target: number, unit = ''): Figure {
  return { name, value, unit, target: String(target), isReached: value === target }
}

export function atMost(name: string, value: number, limit: number, unit = ''): Figure {
  return { name, value, unit, target: `≤ ${limit}`, isReached: value <= limit }
}

export function atLeast(name: string, value: number, least: number, unit = ''): Figure {
  return { name, value, unit, target: `≥ ${least}`, isReached: value >= least }
}

/** A number that has no target. */
export function told(name: string, value: number, unit = ''): Figure {
  return { name, value, unit, target: '', isReached: true }
}

/** The value below which a share of all lies; NaN of none, which reaches no target. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}
