import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { murmur2, partitionFor } from '../../src/log/partitioner.ts'

const kafkajsMurmur2 = createRequire(import.meta.url)('kafkajs/src/producer/partitioners/default/murmur2.js') as (
  key: Buffer,
) => number

describe('murmur2', () => {
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('gives what the test of the Java client gives for "%s"', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash)
  })

  it('agrees with another implementation on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), bytes => {
        expect(murmur2(bytes)).toBe(kafkajsMurmur2(Buffer.from(bytes)))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('partitionFor', () => {
  const never = (): number => {
    throw new Error('a key needs no fallback')
  }

  it('is always a partition of the stream, the same for the same key', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 10_000 }), (key, count) => {
        const partition = partitionFor(key, count, never)
        expect(partition).toBeGreaterThanOrEqual(0)
        expect(partition).toBeLessThan(count)
        expect(partitionFor(Uint8Array.from(key), count, never)).toBe(partition)
      }),
    )
  })

  it('takes the hash as Kafka makes it positive, by its sign bit and not by its amount', () => {
    expect(partitionFor(Buffer.from('21'), 10, never)).toBe((-973932308 & 0x7fffffff) % 10)
  })

  it('leaves a record without a key to the fallback, but not one with an empty key', () => {
    expect(partitionFor(null, 6, () => 4)).toBe(4)
    expect(partitionFor(Buffer.alloc(0), 6, never)).toBe((murmur2(Buffer.alloc(0)) & 0x7fffffff) % 6)
  })
})
