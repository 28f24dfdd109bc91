import { describe, expect, it } from 'vitest'
import { KeyQueues } from '../../../src/controller/simulation/key-queues.ts'

const queues = (keys: readonly (number | undefined)[]): KeyQueues => {
  const made = new KeyQueues()
  for (const [index, key] of keys.entries()) made.push({ arrivedAtMs: index, key })
  return made
}
const shown = (made: KeyQueues, maxEvents: number, maxPerKey: number) =>
  made.take(maxEvents, maxPerKey).map(({ events }) => events.map(({ arrivedAtMs }) => arrivedAtMs))

describe('KeyQueues', () => {
  it('takes keys in the order of their first event, and of each only its oldest', () => {
    const made = queues([1, 1, 2, 1, 3])
    expect(shown(made, 10, 2)).toEqual([[0, 1], [2], [4]])
    expect(made.waiting).toBe(1)
  })

  it('gives no key out again before its run came back', () => {
    const made = queues([1, 1])
    const [run] = made.take(10, 1)
    expect([made.runnableKeys, made.take(10, 1)]).toEqual([0, []])
    made.push({ arrivedAtMs: 9, key: 1 })
    expect(made.runnableKeys).toBe(0)
    if (run !== undefined) made.release(run)
    expect(shown(made, 10, 5)).toEqual([[1, 9]])
  })

  it('treats every event without a key as its own', () => {
    const made = queues([undefined, undefined, undefined])
    expect(made.runnableKeys).toBe(3)
    expect(shown(made, 2, 1)).toEqual([[0], [1]])
    expect(made.waiting).toBe(1)
  })
})
