import type { StatsSampleView } from '../../api/views/stats-view.ts'

/** Figures of a function over time, all versions together. */
export interface StatsSeries {
  readonly times: readonly number[]
  readonly invocations: readonly number[]
  readonly failures: readonly number[]
  readonly cpuMs: readonly number[]
  readonly p50: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
  readonly queueP99: readonly (number | null)[]
}

/**
 * One figure for each interval. Percentiles of several versions cannot be added: the one of the version that ran most is
 * shown. Pure.
 */
export function seriesOf(samples: readonly StatsSampleView[]): StatsSeries {
  const byTime = Map.groupBy(samples, ({ atMs }) => atMs)
  const intervals = [...byTime].sort(([a], [b]) => a - b).map(([atMs, rows]) => ({ atMs, rows }))
  const sums = (field: 'invocations' | 'failures' | 'cpuMs'): number[] =>
    intervals.map(({ rows }) => rows.reduce((sum, row) => sum + row[field], 0))
  const main = intervals.map(({ rows }) =>
    rows.reduce((most, row) => (row.invocations > most.invocations ? row : most)),
  )
  return {
    times: intervals.map(({ atMs }) => atMs),
    invocations: sums('invocations'),
    failures: sums('failures'),
    cpuMs: sums('cpuMs'),
    p50: main.map(({ p50Ms }) => p50Ms),
    p99: main.map(({ p99Ms }) => p99Ms),
    queueP99: main.map(({ queueDelay }) => queueDelay.p99Ms),
  }
}
