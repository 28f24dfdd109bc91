import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { encodeMoment } from '../../src/store/moment-codec.ts'
import type { EventMoment } from '../../src/store/event-moment.ts'
import type { MomentChunk } from '../../src/store/recent-events.ts'

const place = {
  stream: fc.constantFrom('orders', 'users'),
  trigger: fc.constantFrom('price', 'audit'),
  partition: fc.nat(3),
  offset: fc.nat(20),
  recordMs: fc.integer({ min: 1, max: 1e6 }),
  atMs: fc.integer({ min: 1, max: 1e6 }),
}

const text = fc.string({ unit: 'grapheme', maxLength: 20 })

export const traceOf = (number: number): string => `${number}`.padStart(32, '0').replace(/^0/, '4')

const header = fc
  .record({ id: fc.constantFrom('a', 'b', 'c'), partitionkey: fc.constantFrom('k1', 'k2', 'ä'), trace: fc.nat(3) })
  .map(({ trace, ...attributes }) =>
    Uint8Array.from(
      encodeEventHeader({
        ...attributes,
        source: '/s',
        type: 't',
        acceptedAtMs: 5,
        hops: 0,
        traceparent: `00-${traceOf(trace)}-00f067aa0ba902b7-01`,
      }),
    ),
  )

const result = fc.uint8Array({ maxLength: 50 }).map(data => ({
  contentType: 'text/plain',
  meta: { type: 'x' },
  dataBytes: data.length,
  crc32: crc32(data),
  data,
}))

const happening = fc.oneof(
  fc.record(
    {
      kind: fc.constant('attempt' as const),
      attempt: fc.nat(9),
      version: fc.constant('price@3'),
      outcome: fc.constantFrom('succeeded' as const, 'failed' as const),
      durationMs: fc.integer({ min: 0, max: 1000 }),
      error: text,
      resultCount: fc.nat(3),
      results: fc.array(result, { maxLength: 2 }),
    },
    { requiredKeys: ['kind', 'attempt', 'version', 'outcome', 'durationMs', 'resultCount', 'results'] },
  ),
  fc.record(
    { kind: fc.constant('sink' as const), sink: text, attempts: fc.nat(3), durationMs: fc.nat(9), error: text },
    { requiredKeys: ['kind', 'sink', 'attempts', 'durationMs'] },
  ),
  fc.record({ kind: fc.constant('parked' as const) }),
  fc.record({ kind: fc.constant('done' as const) }),
)

export const arbitraryMoment: fc.Arbitrary<EventMoment> = fc
  .tuple(fc.record(place), fc.option(header, { nil: undefined }), happening)
  .map(([at, bytes, what]) => ({ ...what, ...at, ...(bytes === undefined ? {} : { header: bytes }) }) as EventMoment)

export function chunkOf(moments: readonly EventMoment[], isNotable = false): MomentChunk {
  const times = moments.map(({ atMs }) => atMs)
  return {
    isNotable,
    fromMs: Math.min(...times),
    toMs: Math.max(...times),
    events: moments.length,
    data: Uint8Array.from(Buffer.concat(moments.map(encodeMoment))),
  }
}

/** A moment of an event of partition 0 that was accepted as it happened, unless `more` says otherwise. */
export function doneAt(atMs: number, offset: number, more: object = {}): EventMoment {
  const at = { stream: 'orders', trigger: 'price', partition: 0, offset, recordMs: atMs, atMs }
  return { kind: 'done', ...at, ...more } as EventMoment
}
