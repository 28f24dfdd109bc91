import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeHttp,
  decodeHttpBinary,
  encodeHttpBinary,
  encodeHttpStructured,
  httpContentMode,
  splitLines,
} from '../../../src/events/bindings/http.ts'
import { SluiceError } from '../../../src/errors/sluice-error.ts'

const ce = {
  'ce-specversion': '1.0',
  'ce-id': '1234-1234-1234',
  'ce-type': 'com.example.someevent',
  'ce-source': '/mycontext/subcontext',
}
const body = Buffer.from('{"message": "Hello World!"}')
const none = Buffer.alloc(0)

describe('the content mode of a request', () => {
  it.each([
    ['application/cloudevents+json', 'structured'],
    ['application/cloudevents+json; charset=UTF-8', 'structured'],
    ['Application/CloudEvents+JSON;charset="utf-8"', 'structured'],
    ['application/cloudevents-batch+json', 'batch'],
    ['APPLICATION/cloudevents-batch+json; x=y', 'batch'],
    ['application/cloudevents+x-ndjson', 'cloudevents-ndjson'],
    ['application/x-ndjson', 'ndjson'],
    ['application/json', 'opaque'],
    ['text/plain; charset=iso-8859-1', 'opaque'],
    [undefined, 'opaque'],
  ])('of %j is %s', (contentType, mode) => {
    expect(httpContentMode({ 'content-type': contentType })).toBe(mode)
  })

  it('is binary with any ce- header, and structured wins over it', () => {
    expect(httpContentMode({ ...ce, 'content-type': 'application/json' })).toBe('binary')
    expect(httpContentMode(ce)).toBe('binary')
    expect(httpContentMode({ 'ce-subject': 'x', 'content-type': 'application/x-ndjson' })).toBe('binary')
    expect(httpContentMode({ ...ce, 'content-type': 'application/cloudevents+json' })).toBe('structured')
    expect(httpContentMode({ cello: 'x', ce: 'y' })).toBe('opaque')
  })

  it.each([
    'application/cloudevents+avro',
    'application/cloudevents',
    'application/cloudevents+json; charset=utf-16',
    'application/x-ndjson; charset=latin1',
    'xyz',
    '',
  ])('refuses %j with 415', contentType => {
    expect(errorOf(() => httpContentMode({ 'content-type': contentType })).status).toBe(415)
  })
})

describe('binary mode', () => {
  it('takes attributes from headers and leaves the body alone', () => {
    const event = decodeHttpBinary(
      {
        ...ce,
        'ce-time': '2018-04-05T03:56:24Z',
        'ce-ext1': 'Euro%20%E2%82%AC',
        'content-type': 'application/json',
        host: 'x',
      },
      body,
    )
    expect(event.attributes).toEqual({
      id: '1234-1234-1234', type: 'com.example.someevent', source: '/mycontext/subcontext', time: '2018-04-05T03:56:24Z',
      datacontenttype: 'application/json', extensions: { ext1: 'Euro €' },
    }) // prettier-ignore
    expect(event.data).toBe(body)
  })

  it.each<[string, Record<string, string | string[]>, string]>([
    ['no specversion', { 'ce-id': 'a', 'ce-type': 't', 'ce-source': '/' }, 'specversion'],
    ['an overlong encoding', { ...ce, 'ce-subject': '%C0%A0' }, 'subject'],
    ['an encoded control character', { ...ce, 'ce-subject': '%0A' }, 'subject'],
    ['raw UTF-8', { ...ce, 'ce-subject': 'é' }, 'subject'],
    ['a required value that cannot be decoded', { ...ce, 'ce-id': '50%' }, 'id'],
    ['a content type beside Content-Type', { ...ce, 'ce-datacontenttype': 'a/b' }, 'datacontenttype'],
    ['an attribute named data', { ...ce, 'ce-data': 'x' }, 'data'],
    ['a name with a dash', { ...ce, 'ce-my-ext': 'x' }, 'my-ext'],
    ['an empty name', { ...ce, 'ce-': 'x' }, ''],
    ['a repeated header', { ...ce, 'ce-subject': ['a', 'b'] }, 'subject'],
    ['a bad time', { ...ce, 'ce-time': 'lunchtime' }, 'time'],
  ])('refuses %s and names the attribute once', (_what, headers, attribute) => {
    const error = errorOf(() => decodeHttpBinary(headers, none))
    expect(error.status).toBe(400)
    expect(error.details['problems']).toMatchObject([{ attribute }])
  })

  it('round-trips through the encoder', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    fc.assert(
      fc.property(text, text, fc.uint8Array(), (id, ext, data) => {
        const attributes = {
          id,
          source: '/a',
          type: 't',
          datacontenttype: 'a/b',
          partitionkey: ext,
          extensions: { ext },
        }
        const message = encodeHttpBinary(attributes, Buffer.from(data))
        expect(httpContentMode(message.headers)).toBe('binary')
        expect(decodeHttpBinary(message.headers, message.body)).toEqual({ attributes, data: Buffer.from(data) })
      }),
    )
  })

  it('encodes nothing that is no attribute, and no invalid event', () => {
    const header = { id: 'a', source: '/', type: 't', acceptedAtMs: 5, hops: 1, extensions: { n: 5, b: true } }
    expect(encodeHttpBinary(header, null)).toEqual({
      headers: { 'ce-specversion': '1.0', 'ce-id': 'a', 'ce-source': '/', 'ce-type': 't', 'ce-n': '5', 'ce-b': 'true' },
      body: none,
    })
    expect(() => encodeHttpBinary({ ...header, extensions: { 'x\r\ny': 'a' } }, null)).toThrow(SluiceError)
    expect(() => encodeHttpBinary({ ...header, time: 'x\r\ny' }, null)).toThrow(/"time"/)
  })
})

describe('structured mode', () => {
  it('round-trips through the encoder', () => {
    const attributes = { id: 'a', source: '/', type: 't', datacontenttype: 'application/json', subject: '€' }
    const message = encodeHttpStructured(attributes, body)
    expect(httpContentMode(message.headers)).toBe('structured')
    expect(decodeHttp('structured', message.headers, message.body, 1)).toEqual([{ attributes, data: body }])
  })
})

describe('lines of events', () => {
  const line = '{"specversion":"1.0","id":"a","source":"/","type":"t"}'

  it('are split at line feeds, with CR and blank lines left out', () => {
    expect(splitLines(Buffer.from('{"a":1}\r\n\n \t\n{"b":2}\n3'), 10).map(String)).toEqual(['{"a":1}', '{"b":2}', '3'])
    expect(splitLines(none, 10)).toEqual([])
  })

  it('are bounded', () => {
    expect(splitLines(Buffer.from('1\n2\n'), 2).length).toBe(2)
    expect(errorOf(() => splitLines(Buffer.from('1\n2\n3'), 2)).status).toBe(413)
  })

  it('are structured events, and a bad one is named by its index', () => {
    expect(decodeHttp('cloudevents-ndjson', {}, Buffer.from(`${line}\n${line}`), 10).length).toBe(2)
    expect(errorOf(() => decodeHttp('cloudevents-ndjson', {}, Buffer.from(`${line}\n\n{}`), 10))).toMatchObject({
      code: 'SLUICE_EVENTS_INVALID',
      details: { index: 1 },
    })
  })
})

it('any headers and body throw nothing but a SluiceError', () => {
  const header = fc.oneof(fc.constantFrom(...Object.values(ce)), fc.string({ unit: 'binary-ascii' }))
  const headers = fc.dictionary(
    fc.constantFrom(...Object.keys(ce), 'ce-time', 'ce-x', 'content-type', 'ce-__proto__'),
    header,
  )
  fc.assert(
    fc.property(headers, fc.uint8Array(), (given, bytes) => {
      try {
        const mode = httpContentMode(given)
        if (mode !== 'opaque' && mode !== 'ndjson') decodeHttp(mode, given, Buffer.from(bytes), 10)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(SluiceError)
      }
    }),
    { numRuns: 1000 },
  )
})

function errorOf(step: () => unknown): SluiceError {
  try {
    step()
  } catch (thrown) {
    if (thrown instanceof SluiceError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}
