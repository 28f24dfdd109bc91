import type { BenchRow } from './bench-row.ts'

/** What the project set out to reach; the measurement is on the left, the aim only beside it. */
const aims: readonly (readonly [pattern: RegExp, ratio: number])[] = [
  [/^frames of 256/i, 0.85],
  [/^HTTP 202 after durable append$/, 0.75],
  [/dispatched and processed/, 0.45],
  [/^synchronous invocation/, 0.7],
  [/^Kafka records through a function/, 0.35],
  [/QoS 1/, 0.5],
  [/1,?024 appenders.*200 B/, 0.7],
]

/** An aligned table with the ratio and, where there is one, the aim. */
export function printRows(rows: readonly BenchRow[]): void {
  const cells = [
    ['', 'Sluice', 'raw', 'ratio', 'aim', 'unit'],
    ...rows.map(({ name, ours, raw, ratio, unit }) => {
      const aim = aims.find(([pattern]) => pattern.test(name))?.[1]
      return [name, number(ours), number(raw), ratio.toFixed(2), aim === undefined ? '' : `≥ ${aim}`, unit]
    }),
  ]
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map(row => row[column]?.length ?? 0))) ?? []
  for (const row of cells) {
    const line = row.map((cell, column) =>
      column === 0 || column === 5 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    )
    console.log(line.join('  ').trimEnd())
  }
}

const number = (value: number): string => Math.round(value).toLocaleString('en-US')
