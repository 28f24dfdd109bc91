import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import {
  checkEventHeader,
  createHeaderTemplate,
  decodeEventHeader,
  decodeHeader,
  encodeEventHeader,
  encodeFromTemplate,
  headerTag,
  headerVersion,
  maxHeaderFieldBytes,
  readHeaderExtensions,
  readHeaderField,
  readHeaderFieldAt,
  readHeaderUint,
} from '../../src/events/event-header-codec.ts'
import type { EventHeader } from '../../src/events/event-header.ts'

const text = fc.string({ unit: 'binary' }).filter(value => value.isWellFormed())
const optional = <T>(arbitrary: fc.Arbitrary<T>) => arbitrary
const headerArbitrary: fc.Arbitrary<EventHeader> = fc.record(
  {
    id: text,
    source: text,
    type: text,
    acceptedAtMs: fc.integer({ min: 0, max: 2 ** 49 - 1 }),
    hops: fc.nat(),
    subject: optional(text),
    time: text,
    datacontenttype: text,
    dataschema: text,
    partitionkey: text,
    traceparent: text,
    tracestate: text,
    dedupId: text,
    position: text,
    extensions: fc.dictionary(fc.stringMatching(/^[a-z0-9]{1,20}$/), fc.oneof(text, fc.boolean(), fc.integer()), {
      noNullPrototype: true,
    }),
    protocol: fc.record({
      kind: fc.constant('http' as const),
      method: fc.constant('POST'),
      path: text,
      query: text,
      headers: fc.dictionary(fc.stringMatching(/^[a-z-]{1,20}$/), text, { noNullPrototype: true }),
    }),
  },
  { requiredKeys: ['id', 'source', 'type', 'acceptedAtMs', 'hops'], noNullPrototype: true },
) as fc.Arbitrary<EventHeader>

const minimal: EventHeader = { id: 'a', source: '/s', type: 't', acceptedAtMs: 1_795_420_800_000, hops: 0 }

function codeOf(step: () => unknown): string {
  try {
    step()
  } catch (thrown) {
    if (thrown instanceof SluiceError) return thrown.code
    throw thrown
  }
  return 'nothing was thrown'
}

describe('the home form of a header', () => {
  it('gives back every header it was made of', () => {
    fc.assert(
      fc.property(headerArbitrary, header => {
        expect(decodeEventHeader(encodeEventHeader(header))).toEqual(header)
      }),
    )
  })

  it('comes out of a template as it comes out of the header', () => {
    fc.assert(
      fc.property(headerArbitrary, text, fc.nat(), (header, id, acceptedAtMs) => {
        const template = createHeaderTemplate(header)
        const whole = encodeEventHeader({ ...header, id, acceptedAtMs })
        expect(encodeFromTemplate(template, id, acceptedAtMs)).toEqual(whole)
        expect(template.key?.toString()).toBe(header.partitionkey)
      }),
    )
  })

  it('stays as it is while other headers are encoded behind it', () => {
    const encoded = Array.from({ length: 500 }, (_, index) => {
      const header = { ...minimal, id: `event-${index}`, subject: 'x'.repeat((index * 37) % 700) }
      return { header, bytes: encodeEventHeader(header) }
    })
    const tooLarge = { ...minimal, subject: 'x'.repeat(maxHeaderFieldBytes + 1) }
    expect(codeOf(() => encodeEventHeader(tooLarge))).toBe('SLUICE_EVENTS_TOO_LARGE')
    encodeEventHeader({ ...minimal, subject: 'y'.repeat(maxHeaderFieldBytes) })
    for (const { header, bytes } of encoded) expect(decodeEventHeader(bytes)).toEqual(header)
  })

  it('lets every text field be read without decoding the rest', () => {
    fc.assert(
      fc.property(headerArbitrary, header => {
        const bytes = encodeEventHeader(header)
        for (const name of [
          'id',
          'source',
          'type',
          'subject',
          'time',
          'partitionkey',
          'traceparent',
          'dedupId',
        ] as const) {
          expect(readHeaderField(bytes, headerTag[name])).toBe(header[name])
        }
        expect(readHeaderUint(bytes, headerTag.acceptedAtMs)).toBe(header.acceptedAtMs)
        expect(readHeaderUint(bytes, headerTag.hops) ?? 0).toBe(header.hops)
        expect(readHeaderExtensions(bytes)).toEqual(header.extensions)
        checkEventHeader(bytes)
      }),
    )
  })

  it('starts with its version and is never longer than its fields with four bytes each', () => {
    const bytes = encodeEventHeader(minimal)
    expect(bytes[0]).toBe(headerVersion)
    expect(bytes.toString('latin1', 1)).toBe(
      '\x01\x01a\x0c\x06' + bytes.toString('latin1', 6, 12) + '\x02\x02/s\x03\x01t',
    )
    expect(bytes.length).toBe(1 + 3 + 4 + 3 + 8)
  })

  it.each([95, 96, 97, 127, 128, 16_383, 16_384, 65_536, maxHeaderFieldBytes])(
    'carries a field of %i bytes',
    length => {
      const subject = 'x'.repeat(length)
      expect(decodeEventHeader(encodeEventHeader({ ...minimal, subject })).subject).toBe(subject)
    },
  )

  it('carries a text whose length passes the short form only in UTF-8', () => {
    const subject = 'é'.repeat(60)
    const bytes = encodeEventHeader({ ...minimal, subject })
    expect(decodeEventHeader(bytes).subject).toBe(subject)
    expect(readHeaderField(bytes, headerTag.subject)).toBe(subject)
  })

  it('is read where it stands in larger bytes, whatever is expected, and not beyond its end', () => {
    fc.assert(
      fc.property(text, text, fc.nat({ max: 20 }), (contentType, other, before) => {
        const header = encodeEventHeader({ ...minimal, datacontenttype: contentType })
        const bytes = Buffer.concat([Buffer.alloc(before, 1), header, Buffer.from([3, 1, 65])])
        const end = before + header.length
        for (const expected of ['application/json', contentType, other]) {
          expect(readHeaderFieldAt(bytes, before, end, headerTag.datacontenttype, expected)).toBe(contentType)
        }
        expect(readHeaderFieldAt(bytes, before, end, headerTag.subject, 'A')).toBeUndefined()
        expect(codeOf(() => readHeaderFieldAt(bytes, before, end - 1, headerTag.subject, 'A'))).toBe(
          'SLUICE_EVENTS_HEADER',
        )
        expect(codeOf(() => readHeaderFieldAt(bytes, before, before, headerTag.id, 'A'))).toBe('SLUICE_EVENTS_HEADER')
      }),
    )
  })

  it('refuses a field that does not fit, and works on afterwards', () => {
    expect(codeOf(() => encodeEventHeader({ ...minimal, subject: 'x'.repeat(maxHeaderFieldBytes + 1) }))).toBe(
      'SLUICE_EVENTS_TOO_LARGE',
    )
    expect(codeOf(() => encodeEventHeader({ ...minimal, subject: '€'.repeat(maxHeaderFieldBytes / 2) }))).toBe(
      'SLUICE_EVENTS_TOO_LARGE',
    )
    expect(decodeEventHeader(encodeEventHeader(minimal))).toEqual(minimal)
  })

  it.each([-1, 1.5, Number.NaN, 2 ** 49])('refuses %d as the accept time', acceptedAtMs => {
    expect(codeOf(() => encodeEventHeader({ ...minimal, acceptedAtMs }))).toBe('SLUICE_EVENTS_INVALID')
  })

  it('skips tags it does not know', () => {
    const bytes = Buffer.concat([encodeEventHeader(minimal), Buffer.from([63, 3, 120, 121, 122])])
    expect(decodeEventHeader(bytes)).toEqual(minimal)
    expect(readHeaderField(bytes, headerTag.subject)).toBeUndefined()
  })

  it('refuses a newer version and says what to do', () => {
    const bytes = encodeEventHeader(minimal)
    bytes[0] = 2
    expect(() => decodeEventHeader(bytes)).toThrow(/version 2.*up to 1.*upgrade/)
    expect(codeOf(() => readHeaderField(bytes, headerTag.id))).toBe('SLUICE_EVENTS_HEADER')
  })

  it('refuses a field that is there twice, and a header without a required one', () => {
    expect(() => decodeEventHeader(Buffer.concat([encodeEventHeader(minimal), Buffer.from([1, 1, 98])]))).toThrow(
      /twice/,
    )
    expect(() => decodeEventHeader(Buffer.from([1, 1, 1, 97]))).toThrow(/lacks one of id, source, type/)
  })

  it('refuses every truncation', () => {
    const bytes = encodeEventHeader({ ...minimal, subject: 'x'.repeat(200), extensions: { a: 1 } })
    for (let length = 0; length < bytes.length; length++) {
      expect(
        codeOf(() => decodeEventHeader(bytes.subarray(0, length))),
        `cut to ${length} bytes`,
      ).toMatch(/HEADER|nothing/)
    }
    expect(codeOf(() => decodeEventHeader(bytes.subarray(0, bytes.length - 1)))).toBe('SLUICE_EVENTS_HEADER')
  })

  it.each([
    ['a text that is cut off', encodeEventHeader({ ...minimal, position: 'orders/3/4711' }).subarray(0, -1)],
    ['a length that is none', Buffer.concat([encodeEventHeader(minimal), Buffer.from([14, 0x80, 0, 0])])],
    ['a long length that is none', Buffer.concat([encodeEventHeader(minimal), Buffer.from([14, 0x60, 0x80, 0])])],
    ['a long length that is cut off', Buffer.concat([encodeEventHeader(minimal), Buffer.from([14, 0x60, 0])])],
    ['a tag without length', Buffer.concat([encodeEventHeader(minimal), Buffer.from([14])])],
  ])('refuses %s, by every way to read it', (_what, bytes) => {
    for (const read of [
      decodeEventHeader,
      checkEventHeader,
      (given: Buffer) => readHeaderField(given, headerTag.position),
    ]) {
      expect(codeOf(() => read(bytes))).toBe('SLUICE_EVENTS_HEADER')
    }
  })

  it('meets garbage with nothing but a SluiceError', () => {
    const damaged = fc
      .tuple(headerArbitrary, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }))
      .map(([header, edits]) => {
        const bytes = encodeEventHeader(header)
        for (const [at, value] of edits) bytes[at % bytes.length] = value
        return bytes
      })
    const garbage = fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from([1, ...bytes]))
    fc.assert(
      fc.property(fc.oneof(damaged, garbage, fc.uint8Array().map(Buffer.from)), bytes => {
        for (const step of [
          () => decodeEventHeader(Buffer.from(bytes)),
          () => decodeHeader(Buffer.from(bytes), { topic: 'orders' }),
          () => checkEventHeader(Buffer.from(bytes)),
          () => readHeaderField(Buffer.from(bytes), headerTag.traceparent),
        ]) {
          expect(codeOf(step)).toMatch(/^(SLUICE_EVENTS_|nothing)/)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
