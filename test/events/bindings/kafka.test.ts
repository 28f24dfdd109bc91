import { describe, expect, it } from 'vitest'
import {
  decodeKafka,
  encodeKafkaBinary,
  encodeKafkaStructured,
  kafkaContentMode,
} from '../../../src/events/bindings/kafka.ts'
import type { RecordHeaders } from '../../../src/log/log-record.ts'

const headersOf = (headers: Record<string, string>): RecordHeaders =>
  Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)])
const ce = {
  ce_specversion: '1.0',
  ce_id: '1234-1234-1234',
  ce_type: 'com.example.someevent',
  ce_source: '/mycontext/subcontext',
}
const attributes = {
  id: '1234-1234-1234',
  type: 'com.example.someevent',
  source: '/mycontext/subcontext',
  time: '2018-04-05T03:56:24Z',
  datacontenttype: 'application/json',
}
const data = Buffer.from('{"message": "Hello World!"}')

describe('the content mode of a record', () => {
  it.each<[Record<string, string>, string]>([
    [{ 'content-type': 'application/cloudevents+json' }, 'structured'],
    [{ 'Content-Type': 'Application/CloudEvents+json; charset=utf-8' }, 'structured'],
    [{ 'content-type': 'application/cloudevents+avro' }, 'structured'],
    [{ ...ce, 'content-type': 'application/cloudevents+json' }, 'structured'],
    [{ ...ce, 'content-type': 'application/json' }, 'binary'],
    [{ ce_id: 'x' }, 'binary'],
    [{ 'content-type': 'application/json' }, 'opaque'],
    [{ cent: 'x', traceparent: 'y' }, 'opaque'],
  ])('of %j is %s', (headers, mode) => expect(kafkaContentMode(headersOf(headers))).toBe(mode))
  it('is opaque without headers', () => expect(kafkaContentMode(null)).toBe('opaque'))
})

describe('decoding records', () => {
  it('in binary mode', () => {
    const headers = headersOf({
      ...ce,
      ce_time: '2018-04-05T03:56:24Z',
      'content-type': 'application/json',
      other: 'x',
    })
    const event = decodeKafka('binary', headers, data)
    expect(event).toEqual({ attributes, data })
    expect(event.data).toBe(data)
    expect(decodeKafka('binary', headersOf(ce), null).data.length).toBe(0)
  })

  it('in binary mode with the content type twice, as the official SDK sends it, or only as attribute', () => {
    for (const twice of [{ ce_datacontenttype: 'a/b', 'content-type': 'a/b' }, { ce_datacontenttype: 'a/b' }]) {
      expect(decodeKafka('binary', headersOf({ ...ce, ...twice }), data).attributes.datacontenttype).toBe('a/b')
    }
  })

  it.each(['application/cloudevents+json', 'application/cloudevents+json; charset=utf-8'])(
    'in structured mode as %s',
    contentType => {
      const value = Buffer.from(
        JSON.stringify({ specversion: '1.0', ...attributes, data: { message: 'Hello World!' } }),
      )
      expect(decodeKafka('structured', headersOf({ 'content-type': contentType }), value)).toEqual({
        attributes,
        data: Buffer.from('{"message":"Hello World!"}'),
      })
    },
  )

  it.each<[string, RecordHeaders, RegExp]>([
    ['a missing type', headersOf({ ce_specversion: '1.0', ce_id: 'x', ce_source: '/' }), /"type" is missing/],
    ['a header that is no UTF-8', [...headersOf(ce), ['ce_subject', Buffer.from([0xff])]], /"subject" is not UTF-8/],
    ['a repeated header', [...headersOf(ce), ...headersOf({ ce_id: 'y' })], /"id" is there twice/],
    [
      'two content types',
      headersOf({ ...ce, 'content-type': 'a/b', ce_datacontenttype: 'a/c' }),
      /"datacontenttype" is there twice/,
    ],
    ['a bad name', headersOf({ ...ce, 'ce_my-ext': 'x' }), /"my-ext" is no attribute name/],
  ])('refuses %s', (_what, headers, message) => expect(() => decodeKafka('binary', headers, data)).toThrow(message))

  it('refuses other formats and records without a value in structured mode', () => {
    expect(() =>
      decodeKafka('structured', headersOf({ 'content-type': 'application/cloudevents+avro' }), data),
    ).toThrow(/not supported/)
    expect(() =>
      decodeKafka('structured', headersOf({ 'content-type': 'application/cloudevents+json' }), null),
    ).toThrow(/no value/)
  })
})

describe('encoding records', () => {
  const event = { ...attributes, partitionkey: 'k1', extensions: { n: 5 } }
  it('gives back the event in both modes, keyed by its partitionkey', () => {
    for (const encode of [encodeKafkaBinary, encodeKafkaStructured]) {
      const message = encode(event, data)
      const mode = kafkaContentMode(message.headers)
      expect(mode).not.toBe('opaque')
      const extensions = encode === encodeKafkaBinary ? { n: '5' } : { n: 5 }
      expect(decodeKafka(mode as 'binary', message.headers, message.value)).toEqual({
        attributes: { ...event, extensions },
        data,
      })
      expect(message.key?.toString()).toBe('k1')
    }
  })
  it('makes no key without a partitionkey, and no value without data', () => {
    expect(encodeKafkaBinary(attributes, null)).toMatchObject({ key: null, value: null })
    expect(encodeKafkaStructured(attributes, null).value).not.toBeNull()
  })
})
