import { describe, expect, it } from 'vitest'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import type { EventHeader } from '../../src/events/event-header.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { LogRecord } from '../../src/log/log-record.ts'

const header: EventHeader = {
  id: 'a',
  source: '/s',
  type: 't',
  partitionkey: 'kéy',
  traceparent: 'tp',
  acceptedAtMs: 1,
  hops: 2,
  extensions: { n: 5 },
}
const record: LogRecord = {
  offset: 3,
  timestampMs: 1,
  key: Buffer.from('kéy'),
  value: Buffer.from('x'),
  header: encodeEventHeader(header),
  headers: null,
}
const reader = createHomeEventReader()

describe('the reader of home records', () => {
  it('finds what a filter, the dispatch and a trace ask for', () => {
    expect(reader.problem(record)).toBeUndefined()
    expect(reader.key(record)).toBe('kéy')
    expect(reader.key({ ...record, key: null })).toBe('')
    expect(
      ['id', 'type', 'n', 'specversion', 'subject', 'constructor'].map(name => reader.attribute(record, name)),
    ).toEqual(['a', 't', '5', '1.0', undefined, undefined])
    expect(reader.traceparent(record)).toBe('tp')
    expect(reader.header(record)).toEqual(header)
  })

  it('copies the header into a frame', () => {
    const target = Buffer.alloc(500)
    const end = reader.writeHeader(record, target, 7)
    expect(end - 7).toBe(reader.headerByteLength(record))
    expect(target.subarray(7, end)).toEqual(record.header)
  })

  it('reports what cannot be read instead of throwing', () => {
    const newer = Buffer.from(record.header!)
    newer[0] = 9
    for (const bad of [
      { header: null },
      { value: null },
      { header: newer },
      { header: Buffer.alloc(0) },
      { header: record.header!.subarray(0, 9) },
    ]) {
      expect(reader.problem({ ...record, ...bad })).toMatchObject({ reason: 'unreadable', message: expect.any(String) })
    }
  })
})
