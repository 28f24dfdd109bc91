import { describe, expect, it } from 'vitest'
import { retryAfterMs } from '../../../src/sinks/http/retry-after.ts'

const nowMs = Date.UTC(2026, 0, 1, 12, 0, 0)

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 5 ', 5000],
    ['Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
    ['99999999', 3_600_000],
  ])('reads %s', (value, expected) => expect(retryAfterMs(value, nowMs)).toBe(expected))

  it.each([undefined, '', '-5', '1.5', 'soon', '2026-01-01', '1e3'])('ignores %s', value => {
    expect(retryAfterMs(value, nowMs)).toBeUndefined()
  })
})
