import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  callsOf,
  chooseFrameSize,
  eventsOfCalls,
  maxFrameEvents,
  withinPermits,
} from '../../src/dispatch/frame-size.ts'
import type { Invocation } from '../../src/workers/invocation.ts'

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

describe('withinPermits', () => {
  const size = { maxEvents: 100, maxPerKey: 10 }

  it('leaves a frame as it is without limits', () => {
    expect(withinPermits(size, Infinity, facts)).toBe(size)
  })

  it('takes what runs at a time, one of each key, shared by the workers that are free', () => {
    expect(withinPermits(size, 100, facts)).toEqual({ maxEvents: 8, maxPerKey: 1 })
    expect(withinPermits(size, 6, { ...facts, freeSlots: 2 })).toEqual({ maxEvents: 3, maxPerKey: 1 })
    expect(withinPermits({ maxEvents: 2, maxPerKey: 2 }, 100, facts)).toEqual({ maxEvents: 2, maxPerKey: 1 })
  })

  it('gives one event to a worker that is to be started first', () => {
    expect(withinPermits(size, 100, { ...facts, isCold: true })).toEqual({ maxEvents: 1, maxPerKey: 1 })
    expect(withinPermits(size, Infinity, { ...facts, isCold: true })).toBe(size)
  })

  it('never takes more events than permits, unless they make one batch', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 20 }), (permits, freeSlots) => {
        expect(withinPermits(size, permits, { ...facts, freeSlots }).maxEvents).toBeLessThanOrEqual(permits)
      }),
    )
    expect(withinPermits(size, 1, { ...facts, batchEvents: 50 })).toEqual({ maxEvents: 50, maxPerKey: 50 })
  })
})

describe('callsOf', () => {
  const event = (bytes: number, part?: { events: number }): Invocation =>
    ({ record: { value: Buffer.alloc(bytes) }, part }) as unknown as Invocation

  it('counts the batches that the worker will make of a frame', () => {
    const frame = [event(10), event(10), event(10), event(10), event(10)]
    expect(callsOf(frame, { maxEvents: 5 })).toBe(1)
    expect(callsOf(frame, { maxEvents: 2 })).toBe(3)
    expect(callsOf(frame, { maxEvents: 5, maxBytes: 25 })).toBe(3)
    const part = { events: 2 }
    expect(callsOf([event(1), event(1, part), event(1, part), event(1)], { maxEvents: 5 })).toBe(3)
    expect(callsOf([], { maxEvents: 5 })).toBe(0)
    expect([0, 1, 2, 3, 9].map(calls => eventsOfCalls(frame, { maxEvents: 2 }, calls))).toEqual([0, 2, 4, 5, 5])
    expect(eventsOfCalls(frame, { maxEvents: 5, maxBytes: 25 }, 2)).toBe(4)
  })
})
