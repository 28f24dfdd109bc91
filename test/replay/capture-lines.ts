import { crc32 } from 'node:zlib'
import type { CapturedLine, RecordedResultLine, RecordedTriggerLine } from '../../src/replay/capture-file.ts'

export const json = (value: unknown): RecordedResultLine => result(JSON.stringify(value), 'application/json')

export function result(text: string, contentType = 'text/plain; charset=utf-8', kept = text): RecordedResultLine {
  const data = Buffer.from(text)
  const dataBase64 = Buffer.from(kept).toString('base64')
  return { contentType, meta: {}, dataBytes: data.length, crc32: crc32(data), dataBase64 }
}

export const succeeded = (...results: RecordedResultLine[]): RecordedTriggerLine => ({
  trigger: 'price',
  state: 'done',
  attempts: [{ attempt: 1, version: 'price@3', outcome: 'succeeded' }],
  results: results.length,
  result: results,
})

export const failed = (error: string, attempt = 3): RecordedTriggerLine => ({
  trigger: 'price',
  state: 'dead-letter',
  attempts: [{ attempt, version: 'price@3', outcome: 'failed', error }],
  results: null,
  result: [],
})

export function lineOf(id: string, data: unknown, ...triggers: RecordedTriggerLine[]): CapturedLine {
  return {
    ...{ stream: 'orders', partition: 0, offset: 7 },
    event: {
      ...{ id, source: '/shop', type: 'order', partitionkey: 'c7', datacontenttype: 'application/json' },
      ...{ acceptedAtMs: 1_000, hops: 0, extensions: { region: 'eu' } },
      protocol: { kind: 'http', method: 'POST', path: '/orders', query: '', headers: { 'x-shop': '1' } },
    },
    dataBase64: data === undefined ? null : Buffer.from(JSON.stringify(data)).toString('base64'),
    triggers,
  }
}

export const captureOf = (...lines: CapturedLine[]): string =>
  [{ format: 'sluice-capture/1', capturedAtMs: 5 }, ...lines].map(line => `${JSON.stringify(line)}\n`).join('')
