import type { Handler } from 'sluice-gateway'
import { parseCsv } from './parse-csv.ts'
import { columns, productOf, type Column } from './product.ts'

/**
 * Takes a product list apart: an event for each good row, one for each bad row, and a summary. When it is run again, after
 * a crash, say, its results have the same ids, so that the stream takes each of them once.
 */
const importProducts: Handler = (event, context) => {
  const file = event.subject
  const records = parseCsv(textOf(event.bytes, event.datacontenttype))
  const first = records.next()
  const header = first.done === true ? [] : first.value.fields
  const missing = columns.filter(name => !header.includes(name))
  if (missing.length > 0) throw new Error(`${file}: the columns ${missing.join(', ')} are missing`)

  // Of this file, not of those before: the worker keeps nothing.
  const lineBySku = new Map<string, number>()
  const counts = { rows: 0, accepted: 0, rejected: 0 }
  for (const { line, fields } of records) {
    counts.rows++
    const problem = fields.length === header.length ? undefined : `${fields.length} fields, not ${header.length}`
    const text = Object.fromEntries(header.map((name, index) => [name, fields[index] ?? '']))
    const product = problem ?? productOf(text as Record<Column, string>)
    const earlier = typeof product === 'string' ? undefined : lineBySku.get(product.sku)
    if (typeof product === 'string' || earlier !== undefined) {
      counts.rejected++
      const reason = typeof product === 'string' ? product : `sku ${product.sku} stands on line ${earlier}, too`
      const data = { file, line, reason, fields }
      context.emit({ type: 'com.example.product.rejected', subject: file, data }, { sink: 'rejected-rows' })
      continue
    }
    counts.accepted++
    lineBySku.set(product.sku, line)
    context.emit(
      { type: 'com.example.product', subject: product.sku, partitionkey: product.sku, data: product },
      { sink: 'products' },
    )
  }
  context.logger.info('imported', { file, ...counts })
  context.emit(
    { type: 'com.example.import.done', subject: file, data: { file, ...counts } },
    { sink: 'import-summaries' },
  )
}

/** @throws {TypeError} for bytes that are not what they claim to be: half-read names would be worse than none. */
function textOf(bytes: Uint8Array, contentType = ''): string {
  const charset = /charset="?([\w-]+)/i.exec(contentType)?.[1] ?? 'utf-8'
  return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(bytes)
}

export default importProducts
