import { describe, expect, it } from 'vitest'
import { bytes, count, duration, percent, rate, unknown } from '../../src/dashboard/format.ts'

describe('figures', () => {
  it.each([
    [null, unknown],
    [undefined, unknown],
    [0, '0'],
    [1_234, '1,234'],
    [1_250_000, '1.3M'],
  ])('count %s', (value, text) => expect(count(value)).toBe(text))

  it.each([
    [undefined, unknown],
    [0, '0/s'],
    [0.01, '<0.1/s'],
    [3.14159, '3.1/s'],
    [1_234.5, '1,235/s'],
  ])('rate %s', (value, text) => expect(rate(value)).toBe(text))

  it.each([
    [null, unknown],
    [0.42, '0.4 ms'],
    [12.4, '12 ms'],
    [1_250, '1.3 s'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
    [273_600_000, '3 d 4 h'],
    [3_600_000, '1 h'],
  ])('duration %s', (value, text) => expect(duration(value)).toBe(text))

  it('bytes', () => expect([0, 1_023, 1_536, 10_485_760].map(bytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '10 MiB']))

  it('percent', () => expect([null, 0.0123, 0.5].map(percent)).toEqual([unknown, '1.2 %', '50 %']))
})
