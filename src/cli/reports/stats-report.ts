import type { StatsSampleView, StatsView, VersionStatsView } from '../../api/views/stats-view.ts'
import type { Terminal } from '../command-io.ts'
import { formatDuration, groupDigits, threeDigits } from '../format-quantity.ts'
import { formatTable, type Column } from '../format-table.ts'
import { condense, sparkline } from '../sparkline.ts'
import { padEnd } from '../terminal-text.ts'

/** Times of nothing are no times: `-`, not `?`. */
const ms = (value: number | null): string | undefined => (value === null ? undefined : formatDuration(value))

const columns: readonly Column<VersionStatsView>[] = [
  { title: 'VERSION', value: row => row.version },
  { title: 'INVOCATIONS', value: row => row.invocations },
  { title: 'FAILURES', value: row => row.failures },
  { title: 'TIMEOUTS', value: row => row.timeouts, leaveOut: 6 },
  { title: 'RETRIES', value: row => row.retries, leaveOut: 3 },
  { title: 'DEAD LETTERS', value: row => row.deadLetters, leaveOut: 4 },
  { title: 'MEAN', value: row => ms(row.meanMs), leaveOut: 7 },
  { title: 'P50', value: row => ms(row.p50Ms) },
  { title: 'P95', value: row => ms(row.p95Ms) },
  { title: 'P99', value: row => ms(row.p99Ms), leaveOut: 5 },
  { title: 'QUEUE P95', value: row => ms(row.queueDelay.p95Ms), leaveOut: 2 },
  { title: 'COLD STARTS', value: row => row.coldStarts, leaveOut: 8 },
  { title: 'CPU', value: row => formatDuration(row.cpuMs), leaveOut: 1 },
  { title: 'MIB·S', value: row => threeDigits(row.memoryMiBSeconds), leaveOut: 9 },
]

/** The figures of each version, and how they went. */
export function formatStats(view: StatsView, terminal: Terminal | undefined): string {
  if (view.totals.length === 0) return `${view.function} was never invoked\n`
  const table = formatTable(columns, view.totals, terminal)
  return view.series.length === 0 ? table : `${table}\n${formatSeries(view, (terminal?.columns ?? 100) - 40)}`
}

function formatSeries({ atMs, windowMs, intervalMs, series }: StatsView, width: number): string {
  const first = Math.floor((atMs - windowMs) / intervalMs) + 1
  const byInterval = new Map<number, StatsSampleView[]>()
  for (const sample of series) {
    const interval = Math.floor(sample.atMs / intervalMs)
    byInterval.set(interval, [...(byInterval.get(interval) ?? []), sample])
  }
  const count = Math.max(1, Math.floor(atMs / intervalMs) - first + 1)
  const valuesOf = (value: (sample: StatsSampleView) => number) =>
    Array.from({ length: count }, (_, index) =>
      (byInterval.get(first + index) ?? []).reduce((sum, sample) => sum + value(sample), 0),
    )
  const line = (title: string, values: readonly number[]) => {
    const shown = condense(values, width)
    const perBarMs = intervalMs * Math.ceil(values.length / shown.length)
    const peak = Math.max(...shown.map(value => value ?? 0))
    return `${padEnd(title, 12)} ${sparkline(shown)}  at most ${groupDigits(peak)} in ${formatDuration(perBarMs)}\n`
  }
  const failures = valuesOf(sample => sample.failures)
  const lines = [
    line(
      'invocations',
      valuesOf(sample => sample.invocations),
    ),
  ]
  if (failures.some(value => value > 0)) lines.push(line('failures', failures))
  return `The last ${formatDuration(windowMs)}:\n${lines.join('')}`
}
