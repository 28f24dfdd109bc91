import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchEnd, firstHalf } from '../../src/workers/batch-plan.ts'

describe('batchEnd', () => {
  it('cuts a frame into batches within all bounds, none of them empty', () => {
    const event = fc.record({ bytes: fc.nat(100), starts: fc.boolean() })
    const limits = fc.record({ maxEvents: fc.integer({ min: 1, max: 10 }), maxBytes: fc.integer({ min: 1, max: 300 }) })
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 50 }), limits, (events, { maxEvents, maxBytes }) => {
        const facts = {
          count: events.length,
          maxEvents,
          maxBytes,
          byteLength: (index: number) => events[index]!.bytes,
          startsBatch: (index: number) => events[index]!.starts,
        }
        for (let from = 0; from < events.length;) {
          const to = batchEnd(from, facts)
          const batch = events.slice(from, to)
          const sum = batch.reduce((bytes, each) => bytes + each.bytes, 0)
          expect(batch.length).toBeGreaterThan(0)
          expect(batch.length).toBeLessThanOrEqual(maxEvents)
          expect(batch.slice(1).some(({ starts }) => starts)).toBe(false)
          if (batch.length > 1) expect(sum).toBeLessThanOrEqual(maxBytes)
          // As much as fits: a batch is ended by a bound only.
          const next = events[to]
          if (next !== undefined)
            expect(next.starts || batch.length === maxEvents || sum + next.bytes > maxBytes).toBe(true)
          from = to
        }
      }),
    )
  })
})

describe('firstHalf', () => {
  it('finds one of a hundred in seven steps', () => {
    let steps = 0
    for (let events = 100; events > 1; events = firstHalf(events)) steps++
    expect(steps).toBe(7)
  })

  it('leaves something to both halves', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10_000 }), events => {
        expect(firstHalf(events)).toBeGreaterThan(0)
        expect(firstHalf(events)).toBeLessThan(events)
      }),
    )
  })
})
