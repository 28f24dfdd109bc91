/** A record of a CSV file. It may be longer than a line: quoted fields hold line breaks. */
export interface CsvRecord {
  /** Number of the line on which it begins, from 1. */
  readonly line: number
  readonly fields: readonly string[]
}

/**
 * The records of a CSV text, as RFC 4180 says: fields in quotes hold commas, line breaks and, doubled, quotes. Lines end
 * with CR LF or LF, empty ones are passed over.
 * @throws {SyntaxError} for a quote that is never closed: everything behind it would be one field.
 */
export function* parseCsv(text: string): Generator<CsvRecord> {
  const fieldEnd = /[,\r\n]|$/g
  let at = text.startsWith('\ufeff') ? 1 : 0
  let line = 1
  while (at < text.length) {
    const begin = line
    const fields: string[] = []
    for (;;) {
      let field = ''
      if (text[at] === '"') {
        const end = closingQuote(text, at)
        if (end === -1) throw new SyntaxError(`the quote on line ${line} is never closed`)
        const quoted = text.slice(at + 1, end)
        field = quoted.replaceAll('""', '"')
        line += quoted.split('\n').length - 1
        at = end + 1
      }
      fieldEnd.lastIndex = at
      const end = fieldEnd.exec(text)?.index ?? text.length
      fields.push(field + text.slice(at, end))
      at = end + 1
      if (text[end] === ',') continue
      if (text[end] === '\r' && text[at] === '\n') at++
      line++
      break
    }
    if (fields.length > 1 || fields[0] !== '') yield { line: begin, fields }
  }
}

/** Index of the quote that ends the field which begins at `from`; -1 when there is none. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at
  }
  return -1
}
