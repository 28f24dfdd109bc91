import type { Figure } from '../figure.ts'
import type { Row } from './run-rows.ts'

const header = ['experiment', 'figure', 'measured', 'target', ''] as const

/** Every figure beside its target; a row that came to none says why. */
export function figuresTable(rows: readonly Row[]): string {
  const cells: (readonly string[])[] = [header]
  for (const row of rows) cells.push(...cellsOf(row))
  const widths = header.map((_, column) => Math.max(...cells.map(line => line[column]?.length ?? 0)))
  return cells
    .map(line =>
      line
        .map((cell, column) =>
          column === 2 || column === 3 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cellsOf(row: Row): (readonly string[])[] {
  if (row.kind === 'skipped') return [[row.experiment, row.reasons.join('; '), '', '', 'skipped']]
  const { experiment, mode, size, figures, error } = row.report
  const shown = `${experiment} (${mode}: ${Object.entries(size)
    .map(([name, count]) => `${count.toLocaleString('en-US')} ${name}`)
    .join(', ')})`
  if (error !== undefined) return [[shown, error.split('\n', 1)[0] ?? '', '', '', 'FAILED']]
  return figures.map((figure, index) => [
    index === 0 ? shown : '',
    figure.name,
    measured(figure),
    figure.target,
    figure.target === '' ? '' : figure.isReached ? 'ok' : 'MISSED',
  ])
}

function measured({ value, unit }: Figure): string {
  const rounded = Number.isInteger(value) ? value : Math.round(value * 100) / 100
  return `${rounded.toLocaleString('en-US')}${unit === '' ? '' : ` ${unit}`}`
}
