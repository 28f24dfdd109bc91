/** One row with the number of the line on which it begins, from 1. */
export interface CsvRow {
  readonly line: number
  readonly cells: readonly string[]
}

/**
 * Reads CSV as RFC 4180 has it: quoted cells may hold commas, doubled quotes and line breaks; lines end with LF or CRLF.
 * @throws {SyntaxError} for a quote that is never closed.
 */
export function* parseCsv(text: string): Generator<CsvRow> {
  let at = 0
  let line = 1
  while (at < text.length) {
    const begun = line
    const cells: string[] = []
    for (let more = true; more;) {
      let cell = ''
      if (text[at] === '"') {
        for (;;) {
          const end = text.indexOf('"', at + 1)
          if (end === -1) throw new SyntaxError(`the quote on line ${begun} is never closed`)
          cell += text.slice(at + 1, end)
          at = end + 1
          if (text[at] !== '"') break
          cell += '"'
        }
        line += cell.split('\n').length - 1
      }
      const rest = /[^,\r\n]*/y
      rest.lastIndex = at
      cell += rest.exec(text)?.[0] ?? ''
      at = rest.lastIndex
      cells.push(cell)
      more = text[at] === ','
      if (more) at++
    }
    if (text[at] === '\r') at++
    if (text[at] === '\n') at++
    line++
    if (cells.length > 1 || cells[0] !== '') yield { line: begun, cells }
  }
}
