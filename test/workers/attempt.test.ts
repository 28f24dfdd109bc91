import { describe, expect, it } from 'vitest'
import { Attempt } from '../../src/workers/attempt.ts'
import { encodeFrame, FrameReader } from '../../src/workers/frame-codec.ts'
import { invocationOf } from './worker-fixtures.ts'

function attempt(maxResultBytes = 1000): Attempt {
  const bytes = encodeFrame([invocationOf({})], { high: 1, low: 2 }, false)
  return new Attempt(new FrameReader(bytes.buffer as ArrayBuffer), 0, 1, 0, { timeoutMs: 1000, maxResultBytes })
}

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
