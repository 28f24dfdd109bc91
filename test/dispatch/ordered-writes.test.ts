import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OrderedWrites } from '../../src/dispatch/ordered-writes.ts'

describe('writes of one key', () => {
  it('go one at a time: what comes while one is under way goes together with the next', async () => {
    const written: number[][] = []
    const gates: PromiseWithResolvers<void>[] = []
    const writes = new OrderedWrites<number>(async rows => {
      const gate = Promise.withResolvers<void>()
      gates.push(gate)
      await gate.promise
      written.push([...rows])
      return true
    })
    const answers = [[1], [2, 3], [4]].map(rows => writes.write(rows))
    // A refused write is under way until it is taken.
    expect(gates).toHaveLength(1)
    gates[0]?.resolve()
    expect(await answers[0]).toBe(true)
    expect(written).toEqual([[1]])
    while (gates.length < 2) await Promise.resolve()
    gates[1]?.resolve()
    expect(await Promise.all(answers)).toEqual([true, true, true])
    expect(written).toEqual([[1], [2, 3, 4]])
  })

  it('tell those that came with a write that failed, and only those', async () => {
    const writes = new OrderedWrites<number>(rows => Promise.resolve(!rows.includes(2)))
    expect(await Promise.all([writes.write([1]), writes.write([2]), writes.write([3])])).toEqual([true, false, false])
    expect(await writes.write([4])).toBe(true)
  })

  it('are in the order in which they were asked for, whatever each of them takes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(4), { maxLength: 30 }), async turns => {
        const written: number[] = []
        const writes = new OrderedWrites<number>(async rows => {
          for (let turn = turns[rows[0]!]!; turn > 0; turn--) await Promise.resolve()
          written.push(...rows)
          return true
        })
        await Promise.all(turns.map((_turn, index) => writes.write([index])))
        expect(written).toEqual(turns.map((_turn, index) => index))
      }),
    )
  })
})
