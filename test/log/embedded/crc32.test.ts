import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createByteBlock } from '../../../src/log/embedded/byte-block.ts'
import { crc32Of } from '../../../src/log/embedded/crc32.ts'

it('is the CRC-32 that node:zlib computes, whatever the place and length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000, size: 'max' }), fc.nat(8), (data, words) => {
      const from = words * 4
      const block = createByteBlock(from + data.length)
      block.bytes.set(data, from)
      expect(crc32Of(block, from, from + data.length)).toBe(crc32(data))
    }),
    { numRuns: 300 },
  )
})
