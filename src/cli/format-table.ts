import { colorsOf, type Colors } from './colors.ts'
import type { Terminal } from './command-io.ts'
import { countOf, groupDigits } from './format-quantity.ts'
import { displayWidth, padEnd, padStart, plainText, truncate } from './terminal-text.ts'

/** One column of a table: numbers stand right, everything else left. */
export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string | number | null | undefined
  /** Where a terminal is too narrow, the columns with the highest number go first. Absent: it always stays. */
  readonly leaveOut?: number
  readonly color?: (row: Row) => keyof Colors | undefined
}

const gap = 2
/** What is left of a text that is too long must still say something. */
const leastTextWidth = 20

/**
 * An aligned table for people. Unknown numbers are `?`: an unknown lag is not a lag of zero. On a terminal it fits the
 * line: empty columns are left out, then others, and the last column of text is cut off. A file or pipe gets everything.
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminal?: Terminal | undefined,
): string {
  const all = columns.map(column => measure(column, rows))
  const shown = terminal === undefined ? all : fit(all, terminal.columns)
  const colors = colorsOf(terminal)
  const line = (text: (column: Measured<Row>) => string, paint: (column: Measured<Row>) => keyof Colors | undefined) =>
    shown
      .map((column, index) => {
        const cut = truncate(text(column), column.width)
        const isLast = index === shown.length - 1
        const padded = column.isRight ? padStart(cut, column.width) : isLast ? cut : padEnd(cut, column.width)
        const color = paint(column)
        return color === undefined ? padded : colors[color](padded)
      })
      .join(' '.repeat(gap))
      .trimEnd()
  const lines = [line(({ column }) => column.title, terminal === undefined ? () => undefined : () => 'bold')]
  for (const [index, row] of rows.entries()) {
    lines.push(
      line(
        ({ cells }) => cells[index]?.text ?? '',
        ({ column }) => column.color?.(row),
      ),
    )
  }
  const missing = all.filter(({ isEmpty }) => !isEmpty).length - shown.length
  if (terminal !== undefined && missing > 0)
    lines.push(colors.dim(`(${countOf(missing, 'more column')}: widen the terminal, or use --json)`))
  return lines.map(text => `${text}\n`).join('')
}

/** A two-column list of fields, for one thing in full. Absent values are left out. */
export function formatFields(fields: readonly (readonly [string, string | number | null | undefined])[]): string {
  const cells = fields
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => [name, cellOf(value).text] as const)
  const width = Math.max(0, ...cells.map(([name]) => displayWidth(name)))
  return cells.map(([name, text]) => `${padEnd(name, width)}  ${text}\n`).join('')
}

interface Measured<Row> {
  readonly column: Column<Row>
  readonly cells: readonly Cell[]
  readonly isRight: boolean
  readonly isEmpty: boolean
  readonly width: number
}

function measure<Row>(column: Column<Row>, rows: readonly Row[]): Measured<Row> {
  const cells = rows.map(row => cellOf(column.value(row)))
  return {
    column,
    cells,
    isRight: cells.length > 0 && cells.every(cell => cell.right),
    isEmpty: cells.length > 0 && cells.every(cell => cell.text === '-'),
    width: Math.max(displayWidth(column.title), ...cells.map(cell => displayWidth(cell.text))),
  }
}

function fit<Row>(all: readonly Measured<Row>[], columns: number): readonly Measured<Row>[] {
  // A column in which nothing stands says nothing.
  let shown = all.filter(({ isEmpty }) => !isEmpty)
  const widthOf = (list: readonly Measured<Row>[]) =>
    list.reduce((sum, { width }) => sum + width, gap * (list.length - 1))
  const flexible = () => shown.findLast(({ isRight }) => !isRight)
  const rank = ({ column }: Measured<Row>) => column.leaveOut ?? -1
  for (;;) {
    const cut = flexible()
    const spare = cut === undefined ? 0 : Math.max(0, cut.width - leastTextWidth)
    if (widthOf(shown) - spare <= columns) break
    const last = Math.max(...shown.map(rank))
    if (last < 0) break
    const out = shown.findLastIndex(column => rank(column) === last)
    shown = shown.toSpliced(out, 1)
  }
  const excess = widthOf(shown) - columns
  const cut = flexible()
  if (excess <= 0 || cut === undefined) return shown
  const width = Math.max(Math.min(cut.width, leastTextWidth), cut.width - excess)
  return shown.map(column => (column === cut ? { ...column, width } : column))
}

interface Cell {
  readonly text: string
  readonly right: boolean
}

function cellOf(value: string | number | null | undefined): Cell {
  if (value === null) return { text: '?', right: true }
  if (value === undefined || value === '') return { text: '-', right: false }
  if (typeof value === 'number') return { text: groupDigits(value), right: true }
  return { text: plainText(value), right: false }
}
