import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, describeThrown } from '../../src/workers/invocation-error.ts'

describe('cut', () => {
  it('keeps the longest whole-character beginning that fits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat({ max: 80 }), (text, maxBytes) => {
        const short = cut(text, maxBytes)
        expect(Buffer.byteLength(short)).toBeLessThanOrEqual(maxBytes)
        if (Buffer.byteLength(text) <= maxBytes) expect(short).toBe(text)
        else expect(maxBytes - Buffer.byteLength(short)).toBeLessThan(4)
      }),
    )
  })
})

describe('describeThrown', () => {
  it('describes anything within its bounds', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }), thrown => {
        const error = describeThrown('error', thrown)
        expect(Buffer.byteLength(error.message)).toBeLessThanOrEqual(4096)
        expect(Buffer.byteLength(error.stack ?? '')).toBeLessThanOrEqual(16 * 1024)
      }),
    )
  })

  it('keeps the frames of a stack behind a long message', () => {
    const error = describeThrown('error', new TypeError('m'.repeat(20_000)))
    expect(error.message.length).toBe(4096)
    expect(error.stack).toMatch(/^at .*invocation-error\.test\.ts/)
  })
})
