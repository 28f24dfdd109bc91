/** One column of a table: numbers stand right, everything else left. */
export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string | number | null | undefined
}

/** An aligned table for people. Unknown numbers are `?`: an unknown lag is not a lag of zero. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map(row => columns.map(column => cellOf(column.value(row))))
  const isRight = columns.map((_, index) => cells.length > 0 && cells.every(row => row[index]?.right !== false))
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map(row => row[index]?.text.length ?? 0)),
  )
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => (isRight[index] ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(columns.map(column => column.title)), ...cells.map(row => line(row.map(cell => cell.text)))]
    .map(text => `${text}\n`)
    .join('')
}

interface Cell {
  readonly text: string
  readonly right: boolean
}

function cellOf(value: string | number | null | undefined): Cell {
  if (value === null) return { text: '?', right: true }
  if (value === undefined || value === '') return { text: '-', right: false }
  if (typeof value === 'number') return { text: groupDigits(value), right: true }
  // Names and reasons come from other people: no control character may reach the terminal.
  return { text: value.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' '), right: false }
}

/** 12345.6 → 12,345.6, whatever the locale. */
function groupDigits(value: number): string {
  const [whole = '', fraction] = String(value).split('.')
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}
