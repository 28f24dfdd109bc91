import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMoment, encodeMoment, momentsOf } from '../../src/store/moment-codec.ts'
import { arbitraryMoment } from './arbitrary-moments.ts'

const decoded = (chunk: Buffer) => [...momentsOf(chunk)].map(prefix => decodeMoment(chunk, prefix))

describe('moments in a chunk', () => {
  it('come back as they were, in their order', () => {
    fc.assert(
      fc.property(fc.array(arbitraryMoment, { maxLength: 10 }), moments => {
        expect(decoded(Buffer.concat(moments.map(encodeMoment)))).toEqual(moments)
      }),
    )
  })

  it('that is damaged or cut off anywhere are fewer or other ones, and never an error', () => {
    const damage = fc.record({ cut: fc.nat(2_000), at: fc.nat(2_000), byte: fc.nat(255) })
    fc.assert(
      fc.property(fc.array(arbitraryMoment, { minLength: 1, maxLength: 5 }), damage, (moments, { cut, at, byte }) => {
        const chunk = Buffer.concat(moments.map(encodeMoment))
        const damaged = Buffer.from(chunk.subarray(0, cut % (chunk.length + 1)))
        if (damaged.length > 0) damaged[at % damaged.length] = byte
        expect(decoded(damaged).length).toBeLessThanOrEqual(damaged.length / 40)
      }),
      { numRuns: 1_000 },
    )
  })
})
