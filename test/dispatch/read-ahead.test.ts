import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { ReadAhead, readAheadBytes } from '../../src/dispatch/read-ahead.ts'

/** As a log does: hands out batches until it is asked to stop, from an empty buffer on. */
function fill(readAhead: ReadAhead, { batch = 1, bytesEach = 100 } = {}): number {
  const before = readAhead.events
  while (!readAhead.isOverfed) readAhead.added(batch, batch * bytesEach)
  return readAhead.events - before
}

/** As a trigger does: takes one record every `everyMs` until the log shall go on; gives the time then. */
function use(readAhead: ReadAhead, nowMs: number, everyMs: number, bytesEach = 100): number {
  readAhead.pause(nowMs)
  for (; !readAhead.isHungry; nowMs += everyMs) readAhead.taken(bytesEach)
  readAhead.resume(nowMs)
  return nowMs
}

describe('ReadAhead', () => {
  it('has the log stop when as much waits as may, and go on when half of it is gone', () => {
    const readAhead = new ReadAhead()
    const most = fill(readAhead)
    readAhead.pause(0)
    expect(readAhead.paused).toBe(true)
    for (let taken = 1; taken < most / 2; taken++) readAhead.taken(100)
    expect(readAhead.isHungry).toBe(false)
    readAhead.taken(100)
    expect(readAhead.isHungry).toBe(true)
    readAhead.resume(1)
    expect(readAhead.paused).toBe(false)
  })

  it('holds much of what is used up fast, and little of what is not', () => {
    const readAhead = new ReadAhead()
    const atFirst = fill(readAhead)
    let nowMs = use(readAhead, 0, 0.02)
    fill(readAhead)
    expect(readAhead.events).toBe(16_384)
    nowMs = use(readAhead, nowMs, 10)
    // A batch that was on its way when the log was asked to stop still comes.
    readAhead.added(1_024, 102_400)
    use(readAhead, nowMs, 10)
    fill(readAhead)
    expect(readAhead.events).toBe(atFirst)
  })

  it('has half a second of work left when the log shall go on, at any speed between its bounds', () => {
    for (const perS of [2_000, 5_000, 10_000]) {
      const readAhead = new ReadAhead()
      let nowMs = 0
      for (let round = 0; round < 3; round++) {
        fill(readAhead)
        nowMs = use(readAhead, nowMs, 1_000 / perS)
      }
      expect(readAhead.events / perS).toBeGreaterThan(0.45)
      expect(readAhead.events / perS).toBeLessThan(0.55)
    }
  })

  it('is bounded in bytes as well, which the partitions of a trigger share', () => {
    expect(readAheadBytes(1)).toBe(4 * 2 ** 20)
    expect(readAheadBytes(64)).toBe(2 ** 20)
    expect(readAheadBytes(100_000)).toBe(256 * 1024)
    const readAhead = new ReadAhead()
    readAhead.maxBytes = readAheadBytes(64)
    fill(readAhead, { bytesEach: 10_000 })
    use(readAhead, 0, 0, 10_000)
    fill(readAhead, { bytesEach: 10_000 })
    expect(readAhead.events * 10_000).toBeGreaterThanOrEqual(2 ** 20)
    expect(readAhead.events * 10_000).toBeLessThan(2 ** 20 + 10_000)
  })

  it('lets the log go on whenever nothing waits, whatever came and went before', () => {
    const step = fc.record({
      batch: fc.integer({ min: 1, max: 20_000 }),
      bytes: fc.nat(1e8),
      tookMs: fc.double({ min: -1e6, max: 1e9, noNaN: true }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), steps => {
        const readAhead = new ReadAhead()
        for (const { batch, bytes, tookMs } of steps) {
          readAhead.added(batch, bytes)
          readAhead.pause(0)
          for (let taken = 0; taken < batch; taken++) readAhead.taken(taken === 0 ? bytes : 0)
          expect(readAhead.isHungry).toBe(true)
          readAhead.resume(tookMs)
          expect(readAhead.isOverfed).toBe(false)
        }
      }),
    )
  })
})
