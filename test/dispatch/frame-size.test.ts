import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseFrameSize, maxFrameEvents } from '../../src/dispatch/frame-size.ts'

const facts = { serviceTimeMs: 0.01, cpuShare: 1, concurrency: 8, runnable: 10_000, freeSlots: 1 }

describe('chooseFrameSize', () => {
  it('gives one event to a function of unknown speed', () => {
    expect(chooseFrameSize({ ...facts, serviceTimeMs: undefined })).toEqual({ maxEvents: 1, maxPerKey: 1 })
  })

  it('fills frames of a fast function', () => {
    expect(chooseFrameSize({ ...facts, serviceTimeMs: 0.005 }).maxEvents).toBe(maxFrameEvents)
  })

  it('bounds frames of a computing function by its time, whatever its concurrency', () => {
    expect(chooseFrameSize({ ...facts, serviceTimeMs: 2 })).toEqual({ maxEvents: 5, maxPerKey: 5 })
  })

  it('gives a waiting function as many events of different keys as it runs at a time', () => {
    expect(chooseFrameSize({ ...facts, serviceTimeMs: 20, cpuShare: 0.01 })).toEqual({ maxEvents: 8, maxPerKey: 1 })
  })

  it('spreads a small backlog of a slow function over all free workers', () => {
    expect(chooseFrameSize({ ...facts, serviceTimeMs: 20, cpuShare: 0.01, runnable: 8, freeSlots: 4 }).maxEvents).toBe(
      2,
    )
  })

  it('stays within its bounds for any facts', () => {
    const any = fc.record({
      serviceTimeMs: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }), { nil: undefined }),
      cpuShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
      concurrency: fc.integer({ min: 1, max: 1000 }),
      runnable: fc.nat(1_000_000),
      freeSlots: fc.nat(256),
    })
    fc.assert(
      fc.property(any, given => {
        const { maxEvents, maxPerKey } = chooseFrameSize(given)
        expect(Number.isInteger(maxEvents) && Number.isInteger(maxPerKey)).toBe(true)
        expect(maxEvents).toBeGreaterThanOrEqual(1)
        expect(maxEvents).toBeLessThanOrEqual(maxFrameEvents)
        expect(maxPerKey).toBeGreaterThanOrEqual(1)
        expect(maxPerKey).toBeLessThanOrEqual(maxFrameEvents)
      }),
    )
  })
})
