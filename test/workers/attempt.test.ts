import { describe, expect, it, vi } from 'vitest'
import { Attempt } from '../../src/workers/attempt.ts'
import { encodeFrame, FrameReader } from '../../src/workers/frame-codec.ts'
import { invocationOf } from './worker-fixtures.ts'

function attempt(maxResultBytes = 1000, startedAt = 0): Attempt {
  const bytes = encodeFrame([invocationOf({})], { high: 1, low: 2 }, false)
  return new Attempt(new FrameReader(bytes.buffer as ArrayBuffer), 0, 1, startedAt, { timeoutMs: 1000, maxResultBytes })
}

describe('the time of an attempt', () => {
  it('is what is left of its limit, whatever the wall clock shows', () => {
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000)
    const { remainingMs } = attempt(1000, performance.now())
    clock.mockRestore()
    expect(remainingMs).toBeGreaterThan(0)
    expect(remainingMs).toBeLessThanOrEqual(1000)
  })
})

describe('the results of an attempt', () => {
  it('are one that is handed back when nothing was emitted', () => {
    const one = attempt()
    expect(one.addLast({ a: 1 })?.data).toBe('{"a":1}')
    expect(one.results).toEqual([])
    expect(one.addLast(undefined)).toBeUndefined()
  })

  it('keep the order: what was emitted, by a toJSON too, is before what was returned', () => {
    const one = attempt()
    const returned = {
      toJSON() {
        one.add('emitted')
        return 'returned'
      },
    }
    expect(one.addLast(returned)).toBeUndefined()
    expect(one.results.map(({ data }) => data)).toEqual(['emitted', '"returned"'])
  })

  it('are bounded together', () => {
    const one = attempt(100)
    one.add('x'.repeat(60))
    expect(() => one.addLast('x'.repeat(60))).toThrow(/120 bytes, 100 are allowed/)
  })
})
