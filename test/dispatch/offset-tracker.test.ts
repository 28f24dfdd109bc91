import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OffsetTracker } from '../../src/dispatch/offset-tracker.ts'

/** Some offset from the position on that was registered or skipped. */
const chosenOf = (pick: number, position: number, nextOffset: number): number =>
  position + (pick % (nextOffset - position))

describe('OffsetTracker', () => {
  it('commits nothing beyond the oldest record that is not complete', () => {
    const tracker = new OffsetTracker(10)
    const [first, second, third] = [tracker.add(10), tracker.add(11), tracker.add(12)]
    tracker.complete(third)
    tracker.complete(second)
    expect(tracker.committable).toBe(10)
    expect(tracker.complete(first)).toBe(true)
    expect(tracker.committable).toBe(13)
  })

  it('registers a record once, however often it is fetched', () => {
    const tracker = new OffsetTracker(0)
    expect(tracker.add(0)).toBe(0)
    expect(tracker.add(1)).toBe(1)
    expect(tracker.add(0)).toBe(-1)
    expect(tracker.add(1)).toBe(-1)
    expect(tracker.next).toBe(2)
  })

  it('steps over gaps that compaction left', () => {
    const tracker = new OffsetTracker(0)
    const first = tracker.add(5)
    const second = tracker.add(900)
    tracker.complete(first)
    expect(tracker.committable).toBe(900)
    tracker.complete(second)
    expect(tracker.committable).toBe(901)
  })

  it('knows since when the oldest record waits, in any order of completions and beyond its first size', () => {
    const order = fc.integer({ min: 1, max: 300 }).chain(records =>
      fc.shuffledSubarray(Array.from({ length: records }, (_, index) => index), { minLength: records }),
    ) // prettier-ignore
    fc.assert(
      fc.property(order, completions => {
        const tracker = new OffsetTracker(0)
        for (const index of completions.keys()) tracker.add(index, 1_000 + index)
        const open = new Set(completions.keys())
        for (const sequence of completions) {
          expect(tracker.oldestTimestampMs).toBe(1_000 + Math.min(...open))
          open.delete(sequence)
          tracker.complete(sequence)
        }
        expect(tracker.oldestTimestampMs).toBeUndefined()
      }),
      { numRuns: 30 },
    )
  })

  it('tells of every offset whether it is complete, and nothing of those that were not registered', () => {
    const tracker = new OffsetTracker(2)
    for (const offset of [5, 6, 900]) tracker.add(offset)
    tracker.complete(1)
    expect([1, 4, 5, 6, 7, 900, 901].map(offset => tracker.isComplete(offset))).toEqual([
      ...[true, true, false, true, true, false, undefined],
    ])
  })

  it('ignores a completion that comes twice or was never registered', () => {
    const tracker = new OffsetTracker(0)
    const first = tracker.add(0)
    tracker.add(1)
    tracker.complete(first)
    expect(tracker.complete(first)).toBe(false)
    expect(tracker.complete(7)).toBe(false)
    expect(tracker.committable).toBe(1)
  })

  it('agrees with a set of completed offsets in any order of completions', () => {
    const step = fc.record({ gap: fc.integer({ min: 0, max: 3 }), completeNow: fc.boolean(), pick: fc.nat() })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.array(step, { maxLength: 300 }), (position, steps) => {
        const tracker = new OffsetTracker(position)
        const open = new Map<number, number>()
        let offset = position
        let nextOffset = position
        let previous = tracker.committable
        for (const { gap, completeNow, pick } of steps) {
          offset = nextOffset + gap
          nextOffset = offset + 1
          open.set(offset, tracker.add(offset))
          if (completeNow) {
            const chosen = [...open.keys()][pick % open.size] as number
            tracker.complete(open.get(chosen) as number)
            open.delete(chosen)
          }
          const expected = open.size === 0 ? nextOffset : Math.min(...open.keys())
          expect(tracker.committable).toBe(expected)
          expect(tracker.committable).toBeGreaterThanOrEqual(previous)
          previous = tracker.committable
          expect(tracker.isComplete(chosenOf(pick, position, nextOffset))).toBe(
            !open.has(chosenOf(pick, position, nextOffset)),
          )
        }
      }),
    )
  })
})
