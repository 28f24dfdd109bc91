import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planSeek } from '../../../src/gateway/pauses/seek-plan.ts'

const partitions = fc.array(
  fc.record({
    low: fc.nat(1_000),
    length: fc.nat(1_000),
    committed: fc.option(fc.nat(3_000), { nil: undefined }),
    to: fc.option(fc.nat(3_000), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 5 },
)

describe('a move of the place of a trigger', () => {
  it('stays within the log, leaves what nobody named, and counts every event between the places', () => {
    fc.assert(
      fc.property(partitions, given => {
        const ends = given.map(({ low, length }) => ({ low, end: low + length }))
        const mapOf = (field: 'committed' | 'to') =>
          new Map(
            given.flatMap((one, partition) => (one[field] === undefined ? [] : [[partition, one[field]] as const])),
          )
        const plan = planSeek(ends, mapOf('committed'), mapOf('to'))
        let moved = 0
        for (const { partition, from, to } of plan.partitions) {
          const { low, end } = ends[partition]!
          expect(from >= low && from <= end && to >= low && to <= end).toBe(true)
          if (given[partition]!.to === undefined) expect(to).toBe(from)
          moved += to - from
        }
        expect(plan.skipped - plan.repeated).toBe(moved)
        expect(plan.skipped >= 0 && plan.repeated >= 0).toBe(true)
      }),
    )
  })

  it('counts a partition that goes forward apart from one that goes back', () => {
    const ends = [
      { low: 0, end: 100 },
      { low: 10, end: 100 },
    ]
    const plan = planSeek(ends, new Map([[0, 20]]), new Map([...[[0, 50] as const], [1, 5]]))
    expect(plan).toEqual({
      skipped: 30,
      repeated: 0,
      partitions: [
        { partition: 0, from: 20, to: 50 },
        { partition: 1, from: 10, to: 10 },
      ],
    })
    expect(planSeek(ends, new Map([[0, 20]]), new Map([[0, 5]]))).toMatchObject({ skipped: 0, repeated: 15 })
  })
})
