import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import type { CloudEventAttributes } from '../../src/events/cloud-event.ts'
import { decodeJsonBatch, decodeJsonEvent, encodeJsonEvent, hasSpecversion } from '../../src/events/json-format.ts'

const minimal = { specversion: '1.0', id: 'minimal', type: 'io.cloudevents.test', source: 'https://cloudevents.io' }
const decoded = { id: 'minimal', type: 'io.cloudevents.test', source: 'https://cloudevents.io' }
const allCore = {
  ...minimal, id: 'allCore', datacontenttype: 'text/plain', dataschema: 'https://cloudevents.io/dataschema', subject: 'tests', time: '2018-04-05T17:31:00Z',
} // prettier-ignore
const extensions = {
  extinteger: 10, extboolean: true, extstring: 'text', exturi: 'https://cloudevents.io', exturiref: '//authority/path', exttimestamp: '2023-03-31T15:12:00Z', extbinary: 'TWE=',
} // prettier-ignore

const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value))
const decode = (value: unknown) => decodeJsonEvent(typeof value === 'string' ? Buffer.from(value) : bytesOf(value))
const without = (name: keyof typeof minimal) =>
  Object.fromEntries(Object.entries(minimal).filter(([each]) => each !== name))

/** The cases of the CloudEvents conformance project, in our words. */
describe('events of the JSON format that are valid', () => {
  it.each([
    ['only the required attributes', minimal, decoded],
    ['null for all optional ones', { ...minimal, datacontenttype: null, dataschema: null, subject: null, time: null }, decoded],
    ['every core attribute', allCore, { ...decoded, id: 'allCore', datacontenttype: 'text/plain', dataschema: allCore.dataschema, subject: 'tests', time: allCore.time }],
    ['a time with nanoseconds, kept as sent', { ...minimal, time: '2018-04-05T17:31:00.000000000Z' }, { ...decoded, time: '2018-04-05T17:31:00.000000000Z' }],
    ['a time with an offset, kept as sent', { ...minimal, time: '2018-04-05T18:31:00+01:00' }, { ...decoded, time: '2018-04-05T18:31:00+01:00' }],
    ['a relative source', { ...minimal, source: '#fragment' }, { ...decoded, source: '#fragment' }],
    ['extensions of all types', { ...minimal, ...extensions }, { ...decoded, extensions }],
    ['null for an extension', { ...minimal, ext: null }, decoded],
  ])('%s', (_what, event, expected) => {
    expect(decode(event)).toEqual({ attributes: expected, data: Buffer.alloc(0) })
  }) // prettier-ignore

  it('text data becomes its bytes', () => {
    const event = decode({ ...minimal, datacontenttype: 'text/plain', data: 'Simple text €' })
    expect(event.data.toString()).toBe('Simple text €')
  })

  it('JSON data is the very slice of the body: big numbers, order and white space', () => {
    const data = '{ "b": 12345678901234567890.10,\n "a": [1e2, "\\u20ac"] }'
    const event = decode(
      `{"data" : ${data} , "specversion":"1.0","id":"x","source":"/","type":"t","datacontenttype":"application/vnd.x+json"}`,
    )
    expect(event.data.toString()).toBe(data)
  })

  it('data without a content type is JSON and says so', () => {
    expect(decode({ ...minimal, data: "I'm just a string" })).toEqual({
      attributes: { ...decoded, datacontenttype: 'application/json' },
      data: Buffer.from('"I\'m just a string"'),
    })
  })

  it('null data is a JSON null, and none for a type that is not JSON', () => {
    expect(decode({ ...minimal, data: null }).data.toString()).toBe('null')
    expect(decode({ ...minimal, datacontenttype: 'text/plain', data: null }).data.length).toBe(0)
  })

  it('data_base64 becomes the bytes it stands for, and sets no content type', () => {
    expect(decode({ ...minimal, data_base64: '/wD+' })).toEqual({
      attributes: decoded,
      data: Buffer.from([255, 0, 254]),
    })
    expect(decode({ ...minimal, data_base64: null, data: 1 }).data.toString()).toBe('1')
  })

  it('names with escapes are names', () => {
    expect(decode('{"specversion":"1.0","id":"x","source":"/","\\u0074ype":"t"}').attributes.type).toBe('t')
  })
})

describe('events of the JSON format that are invalid', () => {
  it.each<[string, unknown, string]>([
    ['no specversion', without('specversion'), 'specversion'],
    ['no id', without('id'), 'id'],
    ['no type', without('type'), 'type'],
    ['no source', without('source'), 'source'],
    ['a time that is none', { ...minimal, time: 'lunchtime' }, 'time'],
    ['a time to the minute', { ...minimal, time: '2018-04-05T18:31Z' }, 'time'],
    ['an offset of X', { ...minimal, time: '2018-04-05T18:31:00X' }, 'time'],
    ['an offset out of range', { ...minimal, time: '2018-04-05T18:31:00+25:00' }, 'time'],
    ['an offset of letters', { ...minimal, time: '2018-04-05T18:31:00+xx:00' }, 'time'],
    ['an offset of an hour only', { ...minimal, time: '2018-04-05T18:31:00+05' }, 'time'],
    ['an empty id', { ...minimal, id: '' }, 'id'],
    ['an empty type', { ...minimal, type: '' }, 'type'],
    ['an empty source', { ...minimal, source: '' }, 'source'],
    ['an empty specversion', { ...minimal, specversion: '' }, 'specversion'],
    ['an unknown specversion', { ...minimal, specversion: '0.9' }, 'specversion'],
    ['a numeric specversion', { ...minimal, specversion: 1.0 }, 'specversion'],
    ['a content type that is none', { ...minimal, datacontenttype: 'xyz' }, 'datacontenttype'],
    ['an empty content type', { ...minimal, datacontenttype: '' }, 'datacontenttype'],
    ['an empty schema', { ...minimal, dataschema: '' }, 'dataschema'],
    ['an empty subject', { ...minimal, subject: '' }, 'subject'],
    ['a numeric id', { ...minimal, id: 25 }, 'id'],
    ['an object as id', { ...minimal, id: { xyz: 'abc' } }, 'id'],
    ['a capital in a name', { ...minimal, MyExtension: 'bad' }, 'MyExtension'],
    ['a dot in a name', { ...minimal, 'my.extension': 'bad' }, 'my.extension'],
    ['a fraction', { ...minimal, myextension: 1.5 }, 'myextension'],
    ['a list as extension', { ...minimal, ext: [1] }, 'ext'],
    ['both kinds of data', { ...minimal, data: 'text', data_base64: 'eyAieHl6IjogMTIzIH0=' }, 'data_base64'],
    ['text data that is an object', { ...minimal, datacontenttype: 'text/plain', data: {} }, 'data'],
    ['text data in another charset', { ...minimal, datacontenttype: 'text/plain; charset=utf-16', data: 'x' }, 'data'],
    ['text data with half a character', { ...minimal, datacontenttype: 'text/plain', data: '\ud800' }, 'data'],
    ['an id twice', '{"specversion":"1.0","id":"a","source":"/","type":"t","id":"b"}', 'id'],
    ['data twice', '{"specversion":"1.0","id":"a","source":"/","type":"t","data":1,"data":2}', 'data'],
    ['a __proto__', '{"specversion":"1.0","id":"a","source":"/","type":"t","__proto__":"x"}', '__proto__'],
    ['base64 cut off', { ...minimal, data_base64: 'eyA' }, 'data_base64'],
    ['base64 of another alphabet', { ...minimal, data_base64: '_-8=' }, 'data_base64'],
    ['base64 with underscores', { ...minimal, data_base64: '__8=' }, 'data_base64'],
    ['base64 with a space', { ...minimal, data_base64: 'eyA ' }, 'data_base64'],
    ['base64 with padding inside', { ...minimal, data_base64: 'ey==eyAi' }, 'data_base64'],
    ['base64 that is a number', { ...minimal, data_base64: 5 }, 'data_base64'],
  ])('%s', (_what, event, attribute) => {
    const error = errorOf(() => decode(event))
    expect(error.code).toBe('SLUICE_EVENTS_INVALID')
    expect((error.details['problems'] as { attribute: string }[]).map(problem => problem.attribute)).toContain(
      attribute,
    )
    expect(error.message).toContain(`"${attribute}"`)
  })

  it.each(['', '{', '[]', '"text"', 'null', '{"a":1}}', '\ufeff{}'])('%j is no event at all', text => {
    expect(errorOf(() => decode(text)).code).toBe('SLUICE_EVENTS_INVALID')
  })

  it('bytes that are not UTF-8', () => {
    expect(errorOf(() => decodeJsonEvent(Buffer.from([0x22, 0xff, 0x22]))).message).toMatch(/UTF-8/)
  })
})

describe('batches of the JSON format', () => {
  it('may be empty, and keep order and slices', () => {
    expect(decodeJsonBatch(Buffer.from(' [ ] '), 10)).toEqual([])
    const batch = Buffer.from(
      `[ ${JSON.stringify(minimal)} ,\n${JSON.stringify({ ...allCore, ...extensions })}, {"data": [ 1 ],"specversion":"1.0","id":"c","type":"t","source":"/"}]`,
    )
    const events = decodeJsonBatch(batch, 3)
    expect(events.map(event => event.attributes.id)).toEqual(['minimal', 'allCore', 'c'])
    expect(events[1]?.attributes.extensions).toEqual(extensions)
    expect(events[2]?.data.toString()).toBe('[ 1 ]')
  })

  it.each<[string, unknown[], number]>([
    ['another specversion', [minimal, { ...minimal, specversion: '0.9' }], 1],
    ['an event without id', [without('id')], 0],
    ['what is no object', [minimal, minimal, 'not an object'], 2],
    ['a list in the list', [[minimal]], 0],
  ])('are refused for %s, with its index', (_what, batch, index) => {
    const error = errorOf(() => decodeJsonBatch(bytesOf(batch), 10))
    expect(error).toMatchObject({ code: 'SLUICE_EVENTS_INVALID', details: { index } })
    expect(error.message).toContain(`event ${index} of the batch`)
  })

  it('are refused when they are none, or too long', () => {
    expect(errorOf(() => decodeJsonBatch(bytesOf(minimal), 10)).message).toMatch(/not a JSON array/)
    expect(errorOf(() => decodeJsonBatch(bytesOf([minimal, minimal]), 1)).code).toBe('SLUICE_EVENTS_TOO_LARGE')
  })
})

const attributesArbitrary = fc.record(
  {
    id: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    source: fc.constantFrom('/a', 'https://x/y'),
    type: fc.constant('t'),
    datacontenttype: fc.constantFrom(
      'application/json',
      'text/plain',
      'text/xml; charset=utf-8',
      'application/octet-stream',
      'text/plain; charset=utf-16',
    ),
    extensions: fc.dictionary(
      fc.stringMatching(/^x[a-z0-9]{1,10}$/),
      fc.oneof(fc.boolean(), fc.integer(), fc.string()),
      { minKeys: 1, noNullPrototype: true },
    ),
  },
  { requiredKeys: ['id', 'source', 'type'], noNullPrototype: true },
) as fc.Arbitrary<CloudEventAttributes>

describe('encoding in the JSON format', () => {
  it('gives back attributes and data, whatever the bytes are', () => {
    const data = fc.oneof(
      fc.uint8Array().map(bytes => Buffer.from(bytes)),
      fc.json().map(json => Buffer.from(json.trim())),
      fc.string().map(text => Buffer.from(text)),
    )
    fc.assert(
      fc.property(attributesArbitrary, data, (attributes, bytes) => {
        // White space around JSON data is no part of the JSON value.
        if (attributes.datacontenttype === 'application/json' && bytes.toString().trim() !== bytes.toString()) return
        expect(decodeJsonEvent(encodeJsonEvent(attributes, bytes))).toEqual({ attributes, data: bytes })
      }),
    )
  })

  it('puts JSON in as it is, text as text, and the rest as base64', () => {
    const base = { id: 'a', source: '/', type: 't' }
    const encoded = (datacontenttype: string | undefined, data: string) =>
      encodeJsonEvent(datacontenttype === undefined ? base : { ...base, datacontenttype }, Buffer.from(data)).toString()
    expect(encoded('application/json', '{"n":1.0}')).toMatch(/,"data":\{"n":1\.0\}\}$/)
    expect(encoded('application/json', 'oops')).toMatch(/,"data_base64":"b29wcw=="\}$/)
    expect(encoded('text/plain', 'hi "x"')).toMatch(/,"data":"hi \\"x\\""\}$/)
    expect(encoded(undefined, '{}')).toMatch(/,"data_base64":"e30="\}$/)
    expect(encodeJsonEvent(base, null).toString()).toBe('{"specversion":"1.0","id":"a","source":"/","type":"t"}')
  })

  it('refuses an invalid event', () => {
    expect(errorOf(() => encodeJsonEvent({ id: '', source: '/', type: 't' }, null)).message).toMatch(/"id"/)
  })
})

it('a claim to be a structured event is a JSON object with specversion on top', () => {
  expect(hasSpecversion(bytesOf({ specversion: 7 }))).toBe(true)
  for (const text of ['{"a":{"specversion":"1.0"}}', '["specversion"]', '"specversion"', '{"specversion"', 'x', '{}']) {
    expect(hasSpecversion(Buffer.from(text))).toBe(false)
  }
})

it('garbage never throws anything but a SluiceError', () => {
  const nearly = fc.tuple(fc.nat(), fc.nat(255)).map(([at, value]) => {
    const bytes = bytesOf({ ...allCore, ...extensions, data: 'x' })
    bytes[at % bytes.length] = value
    return bytes
  })
  fc.assert(
    fc.property(
      fc.oneof(
        nearly,
        fc.json().map(json => Buffer.from(json)),
        fc.uint8Array().map(bytes => Buffer.from(bytes)),
      ),
      bytes => {
        for (const step of [() => decodeJsonEvent(bytes), () => decodeJsonBatch(bytes, 10)]) {
          try {
            step()
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(SluiceError)
          }
        }
      },
    ),
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
