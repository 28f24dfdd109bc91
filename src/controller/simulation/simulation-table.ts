import { figure } from '../figure.ts'
import type { SimulationResult, Summary } from './simulation-result.ts'

const columns: readonly (readonly [title: string, value: (summary: Summary) => string])[] = [
  ['events', ({ arrived }) => whole(arrived)],
  ['reaction', ({ change }) => (change === undefined ? '' : time(change.reactionMs))],
  ['settled', ({ change }) => (change === undefined ? '' : time(change.settledMs))],
  ['overshoot', ({ change }) => (change === undefined ? '' : `${Math.round(change.overshoot * 100)} %`)],
  ['resizes', ({ resizes }) => String(resizes)],
  ['most', ({ mostWorkers }) => String(mostWorkers)],
  ['worker-s', ({ workerSeconds }) => whole(workerSeconds)],
  ['GiB-s', ({ gibSeconds }) => whole(gibSeconds)],
  ['CPU-s', ({ cpuSeconds }) => whole(cpuSeconds)],
  ['p50 delay', ({ p50DelayMs }) => time(p50DelayMs)],
  ['p99 delay', ({ p99DelayMs }) => time(p99DelayMs)],
  ['most lag', ({ mostLag }) => whole(mostLag)],
  ['lag at end', ({ lagAtEnd }) => whole(lagAtEnd)],
]

/** One row per function and simulation; columns that say nothing are left out. */
export function simulationTable(results: readonly SimulationResult[]): string[][] {
  const isOneLoad = new Set(results.map(({ load }) => load)).size === 1
  const isOneScaler = new Set(results.map(({ scaler }) => scaler)).size === 1
  const rows = results.flatMap(({ load, scaler, functions }) =>
    functions.map(({ name, summary }) => [
      isOneLoad ? '' : load,
      isOneScaler ? '' : scaler,
      functions.length === 1 && results.length > 1 ? '' : name,
      ...columns.map(([, value]) => value(summary)),
    ]),
  )
  const titles = ['load', 'scaler', 'function', ...columns.map(([title]) => title)]
  const kept = titles.map((_, column) => rows.some(row => row[column] !== ''))
  return [titles, ...rows].map(row => row.filter((_, column) => kept[column]))
}

/** Aligned for a terminal: names to the left, figures to the right. */
export function alignedTable(table: readonly (readonly string[])[]): string {
  const widths = table[0]?.map((_, column) => Math.max(...table.map(row => row[column]?.length ?? 0))) ?? []
  const isName = (column: number): boolean => ['load', 'scaler', 'function'].includes(table[0]?.[column] ?? '')
  return table
    .map(row =>
      row
        .map((cell, column) => (isName(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function markdownTable(table: readonly (readonly string[])[]): string {
  const [titles = [], ...rows] = table
  const rule = titles.map(title => (['load', 'scaler', 'function'].includes(title) ? '---' : '--:'))
  return [titles, rule, ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')
}

function whole(value: number): string {
  return value === 0 ? '0' : value < 9.95 ? value.toFixed(1).replace(/\.0$/, '') : figure(value)
}

/** `–` for what never came. */
function time(ms: number | undefined): string {
  if (ms === undefined) return '–'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 100_000 ? `${(ms / 1000).toFixed(1)} s` : `${whole(ms / 1000)} s`
}
