import { describe, expect, it } from 'vitest'
import type { RecyclePolicy } from '../../src/functions/function-version.ts'
import { WorkerLife } from '../../src/workers/worker-life.ts'

function lifeOf(recycle: Partial<RecyclePolicy> = {}, usedMiB = 10) {
  const state = { nowMs: 5_000, usedMiB }
  const life = new WorkerLife({
    recycle: { maxHeapShare: 0.85, ...recycle },
    memoryMiB: 100,
    now: () => state.nowMs,
    usedBytes: () => state.usedMiB * 2 ** 20,
  })
  return { life, state }
}

describe('the life of a worker', () => {
  it('has no end by itself', () => {
    const { life, state } = lifeOf()
    for (let call = 0; call < 10_000; call++) life.called()
    state.nowMs += 1e12
    life.collected()
    expect(life.end).toBeUndefined()
  })

  it('ends after a number of calls', () => {
    const { life } = lifeOf({ maxCalls: 3 })
    life.called()
    life.called()
    expect(life.end).toBeUndefined()
    life.called()
    expect(life.end).toBe('it has made 3 calls')
  })

  it('ends at an age', () => {
    const { life, state } = lifeOf({ maxAgeMs: 60_000 })
    state.nowMs += 59_999
    expect(life.end).toBeUndefined()
    state.nowMs += 1
    expect(life.end).toBe('it is 60 s old')
  })

  it('ends when its heap is full after a collection, and not for garbage', () => {
    const { life, state } = lifeOf()
    state.usedMiB = 90
    expect(life.end).toBeUndefined()
    life.collected()
    expect(life.end).toBe('its heap holds 90 MiB of 100 MiB after a garbage collection')
    state.usedMiB = 20
    life.collected()
    expect(life.end).toBeUndefined()
  })

  it('does not end for a heap that is full from the start: the next worker would be no better', () => {
    const { life, state } = lifeOf({}, 80)
    state.usedMiB = 95
    life.collected()
    expect(life.end).toBeUndefined()
  })
})
