import { describe, expect, it } from 'vitest'
import { formatAge, formatBytes, formatDuration, groupDigits } from '../../src/cli/format-quantity.ts'
import { condense, sparkline } from '../../src/cli/sparkline.ts'

describe('quantities', () => {
  it.each([
    [0, '0 ms'],
    [0.1234, '0.123 ms'],
    [850, '850 ms'],
    [999.9, '1 s'],
    [12_340, '12.3 s'],
    [60_000, '1m'],
    [125_000, '2m 5s'],
    [3_600_000, '1h'],
    [90_061_000, '1d 1h'],
  ])('tell %d ms as %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text)
  })

  it.each([
    [812, '812 B'],
    [12_345, '12.3 kB'],
    [999_999, '1 MB'],
    [48_000_000, '48 MB'],
    [1_240_000_000, '1.24 GB'],
  ])('tell %d bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it('tell how long ago, never in the future', () => {
    expect([5_000, 90_000, 7_200_000, 200_000_000, -5].map(ago => formatAge(1e9 - ago, 1e9))).toEqual([
      '5s',
      '1m',
      '2h',
      '2d',
      '0s',
    ])
    expect(groupDigits(1_234_567.5)).toBe('1,234,567.5')
  })
})

describe('sparkline', () => {
  it('scales to the largest value; little is not nothing, and unknown is blank', () => {
    expect(sparkline([0, 1, 50, 100, null])).toBe('▁▂▅█ ')
    expect(sparkline([0, 0])).toBe('▁▁')
    expect(sparkline([])).toBe('')
  })

  it('sums neighbours to fit', () => {
    expect(condense([1, 2, 3, null, null, null], 3)).toEqual([3, 3, null])
    expect(condense([1, 2], 10)).toEqual([1, 2])
  })
})
