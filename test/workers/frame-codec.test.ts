import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeFrame, FrameReader } from '../../src/workers/frame-codec.ts'
import type { Feed } from '../../src/workers/invocation.ts'
import { feed, invocationOf } from './worker-fixtures.ts'

const bytes = fc.uint8Array({ maxLength: 40 }).map(array => Buffer.from(array))

describe('a frame', () => {
  it('brings over everything of every event', () => {
    const other: Feed = { ...feed, trigger: 'other', headerDefaults: { topic: 'orders' } }
    const event = fc.record({
      feed: fc.constantFrom(feed, other),
      key: fc.option(bytes),
      value: fc.option(bytes),
      header: bytes,
      offset: fc.maxSafeNat(),
      timestampMs: fc.maxSafeNat(),
      partition: fc.integer({ min: 0, max: 2 ** 31 }),
      attempt: fc.integer({ min: 1, max: 1000 }),
      epoch: fc.maxSafeNat(),
      followsPrevious: fc.boolean(),
      invocationId: fc.option(fc.string({ unit: 'binary', minLength: 1 }), { nil: undefined }),
      traceparent: fc.constantFrom(undefined, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), fc.boolean(), (events, careful) => {
        const frame = events.map(({ key, value, header, offset, timestampMs, invocationId, ...rest }) => ({
          ...invocationOf({}),
          ...rest,
          ...(invocationId === undefined ? {} : { invocationId }),
          record: { offset, timestampMs, key, value, header, headers: null },
        }))
        const encoded = encodeFrame(frame, { high: 7, low: 0xffffffff }, careful)
        expect(encoded.byteOffset).toBe(0)
        expect(encoded.buffer.byteLength).toBe(encoded.length)
        const reader = new FrameReader(encoded.buffer as ArrayBuffer)
        expect([reader.count, reader.careful, reader.nonce]).toEqual([
          events.length,
          careful,
          { high: 7, low: 0xffffffff },
        ])
        events.forEach((expected, index) => {
          const head = reader.head(index)
          const { trigger, stream, headerDefaults } = expected.feed
          expect(reader.feed(head)).toEqual({ trigger, stream, headerDefaults })
          expect(reader.key(head)).toEqual(expected.key)
          expect(reader.value(head)).toEqual(expected.value)
          expect(reader.header(head)).toEqual(expected.header)
          expect(reader.offset(head)).toBe(expected.offset)
          expect(reader.timestampMs(head)).toBe(expected.timestampMs)
          expect(reader.partition(head)).toBe(expected.partition)
          expect(reader.attempt(head)).toBe(expected.attempt)
          expect(reader.epoch(head)).toBe(expected.epoch)
          expect(reader.followsPrevious(head)).toBe(expected.followsPrevious)
          expect(reader.invocationId(head)).toBe(expected.invocationId)
          expect(reader.traceparent(head)).toBe(expected.traceparent)
        })
      }),
    )
  })

  it('is no longer for invocation ids that no event has', () => {
    const without = encodeFrame([invocationOf({}), invocationOf({})], { high: 1, low: 2 }, false)
    const given = encodeFrame([invocationOf({}), invocationOf({}, { invocationId: 'x' })], { high: 1, low: 2 }, false)
    expect(given.length - without.length).toBe(2 + 2 + 1)
  })

  it('of something else is refused', () => {
    expect(() => new FrameReader(new ArrayBuffer(64))).toThrow('not a frame of this version')
  })
})
