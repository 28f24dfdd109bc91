import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeHeader } from '../../src/events/event-header-codec.ts'
import { compileFilter } from '../../src/events/filter.ts'
import { createKafkaEventReader, type KafkaEventReaderOptions } from '../../src/events/kafka-event-reader.ts'
import type { LogRecord } from '../../src/log/log-record.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const headersOf = (headers: Record<string, string>) =>
  Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)] as const)
const recordOf = (fields: Partial<LogRecord>): LogRecord => ({
  offset: 4711, partition: 3, timestampMs: 1000, key: Buffer.from('k1'), value: Buffer.from('{"a":1}'), header: null, headers: null, ...fields,
}) // prettier-ignore
const readerOf = (options: Partial<KafkaEventReaderOptions> = {}) =>
  createKafkaEventReader({ topic: 'orders', tombstones: 'skip', ...options })
/** What a worker makes of the record, after the defaults have travelled as JSON. */
const inWorker = (options: Partial<KafkaEventReaderOptions>, record: LogRecord) => {
  const reader = readerOf(options)
  const target = Buffer.alloc(10 + reader.headerByteLength(record))
  const end = reader.writeHeader(record, target, 10)
  expect(end).toBe(target.length)
  return decodeHeader(target.subarray(10, end), JSON.parse(JSON.stringify({ topic: 'orders', ...options })) as object)
}
const ce = { ce_specversion: '1.0', ce_id: 'e1', ce_source: '/s', ce_type: 't' }
const structured = recordOf({
  headers: headersOf({ 'content-type': 'application/cloudevents+json' }),
  value: Buffer.from('{"specversion":"1.0","id":"e1","source":"/s","type":"t","partitionkey":"p","data":{"n":1.0}}'),
})

describe('a record that is no CloudEvent', () => {
  const record = recordOf({ headers: headersOf({ traceparent, 'content-type': 'application/json', x: 'y' }) })
  const expected = {
    id: 'orders/3/4711', source: '/kafka/orders', type: 'kafka.record', partitionkey: 'k1', datacontenttype: 'application/json', acceptedAtMs: 1000, hops: 0,
    position: 'orders/3/4711', traceparent,
    protocol: {
      kind: 'kafka', topic: 'orders', partition: 3, offset: 4711, timestampMs: 1000, key: 'k1', headers: { traceparent, 'content-type': 'application/json', x: 'y' },
    },
  } // prettier-ignore

  it('is an event by the defaults, the same on the main thread and in a worker', () => {
    const reader = readerOf()
    expect(reader.problem(record)).toBeUndefined()
    expect(reader.header(record)).toEqual(expected)
    expect(inWorker({}, record)).toEqual(expected)
    expect(reader.resolve?.(record)).toBe(record)
  })

  it('answers filters with the attributes of its header', () => {
    const reader = readerOf()
    for (const name of ['id', 'source', 'type', 'partitionkey', 'datacontenttype', 'traceparent'] as const)
      expect(reader.attribute(record, name)).toBe(expected[name])
    expect(reader.attribute(record, 'specversion')).toBe('1.0')
    expect(reader.attribute(record, 'constructor')).toBeUndefined()
    expect(reader.traceparent(record)).toBe(traceparent)
  })

  it('begins no trace of two that differ, and hands on no tracestate that is broken', () => {
    const other = traceparent.replace('0af7', '1af7')
    const two = recordOf({ headers: [...headersOf({ traceparent }), ...headersOf({ traceparent: other })] })
    expect(readerOf().traceparent(two)).toBeUndefined()
    expect(readerOf().header(two)).not.toHaveProperty('traceparent')
    const twice = recordOf({
      headers: [...headersOf({ traceparent }), ...headersOf({ traceparent, tracestate: 'A=1' })],
    })
    expect(readerOf().traceparent(twice)).toBe(traceparent)
    expect(readerOf().attribute(twice, 'tracestate')).toBeUndefined()
    expect(readerOf().header(twice)).not.toHaveProperty('tracestate')
  })

  it('has the key of the record, another by mapping, or none', () => {
    expect(readerOf().key(record)).toBe('k1')
    expect(readerOf().key(recordOf({ key: null }))).toBe('')
    expect(readerOf({ mapping: { partitionkey: { header: 'x' } } }).key(record)).toBe('y')
    expect(inWorker({ mapping: { partitionkey: { header: 'x' } } }, record).partitionkey).toBe('y')
  })

  it('is mapped', () => {
    const options = {
      source: '/o',
      mapping: { type: 'order', subject: { header: 'x' }, id: { kafkaKey: true as const }, extensions: { e: 'f' } },
    }
    const reader = readerOf(options)
    expect(reader.header(record)).toMatchObject({
      id: 'k1',
      source: '/o',
      type: 'order',
      subject: 'y',
      extensions: { e: 'f' },
      position: 'orders/3/4711',
    })
    expect(inWorker(options, record)).toEqual(reader.header(record))
    expect(['id', 'subject', 'e'].map(name => reader.attribute(record, name))).toEqual(['k1', 'y', 'f'])
    expect(reader.problem(recordOf({}))).toMatchObject({
      reason: 'mapping',
      message: expect.stringMatching(/"subject".*Kafka header "x"/),
    })
    expect(reader.attribute(recordOf({}), 'subject')).toBeUndefined()
  })

  it('is parsed for a pointer, and carried on in home form', () => {
    const options = { mapping: { partitionkey: { pointer: '/a' } } }
    const reader = readerOf(options)
    const plain = recordOf({})
    expect(reader.problem(plain)).toBeUndefined()
    expect(reader.key(plain)).toBe('1')
    const resolved = reader.resolve!(plain)
    expect(resolved).toMatchObject({ headers: null, offset: 4711, key: Buffer.from('1'), value: plain.value })
    for (const each of [plain, resolved]) {
      expect(reader.header(each)).toMatchObject({ partitionkey: '1', id: 'orders/3/4711', protocol: { key: 'k1' } })
      expect(inWorker(options, each)).toEqual(reader.header(plain))
      expect(reader.key(each)).toBe('1')
    }
    expect(reader.problem(recordOf({ value: Buffer.from('x') }))).toMatchObject({
      reason: 'mapping',
      message: expect.stringMatching(/not JSON/),
    })
  })
})

describe('a record that is a CloudEvent', () => {
  it('in binary mode keeps its attributes', () => {
    const record = recordOf({
      key: null,
      headers: headersOf({ ...ce, ce_partitionkey: 'p', ce_traceparent: traceparent, 'content-type': 'a/b' }),
    })
    const reader = readerOf()
    expect(reader.problem(record)).toBeUndefined()
    expect(reader.header(record)).toMatchObject({
      id: 'e1',
      source: '/s',
      type: 't',
      partitionkey: 'p',
      datacontenttype: 'a/b',
      traceparent,
    })
    expect(inWorker({}, record)).toEqual(reader.header(record))
    expect(['id', 'datacontenttype', 'nothing', 'specversion'].map(name => reader.attribute(record, name))).toEqual([
      'e1',
      'a/b',
      undefined,
      '1.0',
    ])
    expect(reader.key(record)).toBe('p')
    expect(reader.key({ ...record, key: Buffer.from('k1') })).toBe('k1')
    expect(reader.traceparent(record)).toBe(traceparent)
  })

  it('in binary mode may have no value', () => {
    expect(readerOf().problem(recordOf({ value: null, headers: headersOf(ce) }))).toBeUndefined()
  })

  it('in structured mode becomes a home record with its data', () => {
    const reader = readerOf()
    expect(reader.problem(structured)).toBeUndefined()
    expect(['id', 'partitionkey', 'subject'].map(name => reader.attribute(structured, name))).toEqual([
      'e1',
      'p',
      undefined,
    ])
    const resolved = reader.resolve!(structured)
    expect(resolved.value?.toString()).toBe('{"n":1.0}')
    expect(reader.resolve!(resolved)).toBe(resolved)
    expect(reader.problem(resolved)).toBeUndefined()
    expect(reader.header(resolved)).toEqual(reader.header(structured))
    expect(inWorker({}, resolved)).toMatchObject({
      id: 'e1',
      datacontenttype: 'application/json',
      position: 'orders/3/4711',
    })
    expect(reader.key(structured)).toBe('k1')
    expect(reader.key({ ...structured, key: null })).toBe('p')
    for (const each of [structured, resolved]) {
      expect(compileFilter({ type: 't', data: { '/n': 1 } })(reader, each)).toBe(true)
      expect(compileFilter({ data: { '/id': 'e1' } })(reader, each)).toBe(false)
    }
  })

  it.each<[string, LogRecord, RegExp]>([
    ['a missing attribute', recordOf({ headers: headersOf({ ce_id: 'x' }) }), /"specversion" is missing/],
    ['a bad body', { ...structured, value: Buffer.from('{') }, /not JSON/],
    ['no body', { ...structured, value: null }, /no value/],
    [
      'another format',
      { ...structured, headers: headersOf({ 'content-type': 'application/cloudevents+avro' }) },
      /not supported/,
    ],
  ])('is reported for %s', (_what, record, message) => {
    expect(readerOf().problem(record)).toMatchObject({
      reason: 'invalid-cloudevent',
      message: expect.stringMatching(message),
    })
    expect(readerOf().attribute(record, 'type')).toBeUndefined()
    expect(readerOf().key(record)).toBe('k1')
  })
})

describe('other records', () => {
  it('in home form, as they come back from parking, are read as such whatever the mapping is', () => {
    const options = { mapping: { partitionkey: { pointer: '/a' }, subject: { header: 'x' } } }
    const reader = readerOf(options)
    const parked = { ...readerOf().resolve!(structured), key: Buffer.from('zz'), value: Buffer.from('no JSON') }
    expect(reader.problem(parked)).toBeUndefined()
    expect(reader.key(parked)).toBe('zz')
    expect(reader.attribute(parked, 'id')).toBe('e1')
    expect(reader.traceparent(parked)).toBeUndefined()
    expect(inWorker(options, parked).id).toBe('e1')
  })

  it('that are CloudEvents keep the key of the record when a mapping has another one', () => {
    const reader = readerOf({ mapping: { partitionkey: { header: 'x' } } })
    expect(reader.key(recordOf({ headers: headersOf({ ...ce, x: 'y', ce_partitionkey: 'p' }) }))).toBe('k1')
    expect(reader.key(structured)).toBe('k1')
  })

  it('without a value are tombstones by policy', () => {
    const tombstone = recordOf({ value: null })
    expect(readerOf().problem(tombstone)?.reason).toBe('tombstone')
    expect(readerOf({ tombstones: 'dead-letter' }).problem(tombstone)?.reason).toBe('tombstone')
    expect(readerOf({ tombstones: 'deliver' }).problem(tombstone)).toBeUndefined()
  })

  it('may have getters for fields', () => {
    const lazy = Object.create(structured, { timestampMs: { get: () => 77, enumerable: false } }) as LogRecord
    expect(readerOf().resolve!(lazy)).toMatchObject({ offset: 4711, partition: 3, timestampMs: 77, headers: null })
  })

  it('without a partition are an error of the program, not of the record', () => {
    const { partition: _partition, ...record } = recordOf({})
    expect(() => readerOf().headerByteLength(record)).not.toThrow()
    expect(() => readerOf().writeHeader(record, Buffer.alloc(99), 0)).toThrow(/without its partition/)
    expect(readerOf({ partition: 8 }).header(record).id).toBe('orders/8/4711')
  })

  it('of any bytes have a problem or an event, and no method throws for those without a problem', () => {
    const bytes = fc.uint8Array({ maxLength: 60 }).map(array => Buffer.from(array))
    const name = fc.constantFrom(
      'ce_specversion',
      'ce_id',
      'ce_source',
      'ce_type',
      'ce_x',
      'content-type',
      'traceparent',
      'other',
    )
    const value = fc.oneof(
      bytes,
      fc.constantFrom('1.0', 'x', 'application/cloudevents+json', traceparent).map(text => Buffer.from(text)),
    )
    const body = fc.oneof(fc.constant(null), bytes, fc.constant(structured.value))
    const mapping = fc.constantFrom(undefined, { subject: { pointer: '/id' } }, { subject: { header: 'other' } })
    fc.assert(
      fc.property(
        fc.option(fc.array(fc.tuple(name, value))),
        body,
        fc.option(bytes),
        mapping,
        (headers, given, key, mapped) => {
          const reader = readerOf(mapped === undefined ? {} : { mapping: mapped })
          const record = recordOf({ headers, value: given, key })
          reader.key(record)
          reader.attribute(record, 'subject')
          reader.traceparent(record)
          if (reader.problem(record) !== undefined) return
          const resolved = reader.resolve!(record)
          expect(inWorker(mapped === undefined ? {} : { mapping: mapped }, resolved)).toEqual(reader.header(resolved))
          expect(reader.key(resolved)).toBe(reader.key(record))
        },
      ),
      { numRuns: 1000 },
    )
  })
})
