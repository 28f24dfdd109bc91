const bars = '▁▂▃▄▅▆▇█'

/** One character per value, scaled to the largest; a blank where nothing is known, the lowest bar for zero. */
export function sparkline(values: readonly (number | null)[]): string {
  const largest = Math.max(0, ...values.map(value => value ?? 0))
  return values
    .map(value => {
      if (value === null) return ' '
      // What is not zero must not look like it.
      const step = value <= 0 || largest === 0 ? 0 : Math.max(1, Math.round((value / largest) * (bars.length - 1)))
      return bars[step]
    })
    .join('')
}

/** Sums neighbours so that a series has at most `columns` values. */
export function condense(values: readonly (number | null)[], columns: number): readonly (number | null)[] {
  const size = Math.ceil(values.length / Math.max(1, columns))
  if (size <= 1) return values
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) => {
    const known = values.slice(index * size, (index + 1) * size).filter(value => value !== null)
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0)
  })
}
