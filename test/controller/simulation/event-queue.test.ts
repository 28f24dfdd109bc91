import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventQueue } from '../../../src/controller/simulation/event-queue.ts'

describe('EventQueue', () => {
  it('does what is due first, and at the same time what was planned first', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), times => {
        const queue = new EventQueue()
        const done: [number, number][] = []
        for (const [index, atMs] of times.entries()) queue.plan(atMs, () => done.push([atMs, index]))
        while (queue.nextMs < Infinity) queue.step()
        expect(done).toEqual(times.map((atMs, index) => [atMs, index]).sort(([a = 0, i = 0], [b = 0, j = 0]) => a - b || i - j)) // prettier-ignore
      }),
    )
  })

  it('takes plans while it works', () => {
    const queue = new EventQueue()
    const done: string[] = []
    queue.plan(1, () => {
      done.push('first')
      queue.plan(2, () => done.push('second'))
    })
    queue.plan(3, () => done.push('third'))
    while (queue.nextMs < Infinity) queue.step()
    expect(done).toEqual(['first', 'second', 'third'])
  })
})
