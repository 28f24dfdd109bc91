import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import {
  isKafkaForm,
  kafkaHeaderByteLength,
  readKafkaHeader,
  writeKafkaHeader,
} from '../../src/events/kafka-header-codec.ts'

const bytes = fc.uint8Array({ maxLength: 100 }).map(array => Buffer.from(array))
const record = fc.record({
  partition: fc.nat(),
  offset: fc.maxSafeNat(),
  timestampMs: fc.maxSafeNat(),
  key: fc.option(bytes),
  headers: fc.option(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), bytes), { minLength: 1, maxLength: 5 })),
})

describe('the Kafka form of a header', () => {
  it('gives back every record it was made of and takes the bytes it announced', () => {
    fc.assert(
      fc.property(record, fc.nat(50), (parts, at) => {
        const length = kafkaHeaderByteLength(parts.key, parts.headers)
        const target = Buffer.alloc(at + length)
        expect(writeKafkaHeader(parts, target, at)).toBe(at + length)
        const written = target.subarray(at)
        expect(isKafkaForm(written)).toBe(true)
        expect(readKafkaHeader(written)).toEqual(parts)
      }),
    )
  })

  it('tells an empty key from none', () => {
    const target = Buffer.alloc(100)
    const base = { partition: 0, offset: 0, timestampMs: 0, headers: null }
    const end = writeKafkaHeader({ ...base, key: Buffer.alloc(0) }, target, 0)
    expect(readKafkaHeader(target.subarray(0, end)).key).toEqual(Buffer.alloc(0))
  })

  it('refuses every truncation, and bytes behind the end', () => {
    fc.assert(
      fc.property(record, parts => {
        const target = Buffer.alloc(kafkaHeaderByteLength(parts.key, parts.headers))
        writeKafkaHeader(parts, target, 0)
        for (let length = 0; length < target.length; length++) {
          expect(() => readKafkaHeader(target.subarray(0, length))).toThrow(SluiceError)
        }
        expect(() => readKafkaHeader(Buffer.concat([target, Buffer.alloc(1)]))).toThrow(/1 bytes follow/)
      }),
      { numRuns: 30 },
    )
  })
})
