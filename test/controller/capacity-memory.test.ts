import { describe, expect, it } from 'vitest'
import {
  ceilingNow,
  noCapacityMemory,
  observeCapacity,
  triedNext,
  type CapacityMemory,
  type CapacityObservation,
} from '../../src/controller/capacity-memory.ts'

/** Half a second at full load. */
const full: CapacityObservation = {
  clockMs: 0,
  elapsedMs: 500,
  workers: 1,
  ready: 1,
  isFull: true,
  isContended: false,
  completedPerS: 400,
  nominalPerS: 400,
  coldStartMs: 50,
  cores: 2,
}

/** Stays at each number of workers for so many intervals. */
function observe(
  stays: readonly (Partial<CapacityObservation> & { readonly workers: number; readonly intervals: number })[],
  from: { memory?: CapacityMemory; clockMs?: number } = {},
) {
  let { memory = noCapacityMemory, clockMs = 0 } = from
  for (const { intervals, ...seen } of stays) {
    for (let interval = 0; interval < intervals; interval++) {
      clockMs += 500
      memory = observeCapacity(memory, { ...full, ready: seen.workers, ...seen, clockMs })
    }
  }
  return { memory, clockMs }
}

describe('observeCapacity', () => {
  it('learns at full load what workers really do, and nothing while there is room', () => {
    const { memory } = observe([{ workers: 4, intervals: 10, completedPerS: 800 }])
    expect(memory.efficiency).toBeCloseTo(0.5, 1)
    const { memory: idle } = observe([{ workers: 4, intervals: 10, completedPerS: 10, isFull: false }])
    expect(idle.efficiency).toBe(1)
  })

  it('learns no efficiency from workers that wait for a core, and keeps what it knew', () => {
    const { memory: before } = observe([{ workers: 2, intervals: 10, completedPerS: 720 }])
    const { memory } = observe([{ workers: 2, intervals: 20, completedPerS: 200, isContended: true }], {
      memory: before,
    })
    expect(memory.efficiency).toBe(before.efficiency)
    const { memory: better } = observe([{ workers: 2, intervals: 20, completedPerS: 780, isContended: true }], {
      memory: before,
    })
    expect(better.efficiency).toBeGreaterThan(before.efficiency + 0.05)
  })

  it('learns from few calls a little, and from many at once', () => {
    const { memory: few } = observe([{ workers: 1, intervals: 2, completedPerS: 1, nominalPerS: 4 }])
    const { memory: many } = observe([{ workers: 1, intervals: 2, completedPerS: 100, nominalPerS: 400 }])
    expect(few.efficiency).toBeGreaterThan(0.8)
    expect(many.efficiency).toBeLessThan(0.4)
  })

  it('has nothing against growth that pays', () => {
    const { memory, clockMs } = observe([
      { workers: 2, intervals: 8, completedPerS: 800 },
      { workers: 4, intervals: 8, completedPerS: 1_500 },
    ])
    expect(ceilingNow(memory, clockMs)).toBeUndefined()
  })

  it('takes growth back that brought nothing, and says with which figures', () => {
    const { memory, clockMs } = observe([
      { workers: 2, intervals: 8, completedPerS: 500 },
      { workers: 8, intervals: 8, completedPerS: 500 },
    ])
    const ceiling = ceilingNow(memory, clockMs)
    expect(ceiling?.workers).toBe(2)
    expect(ceiling?.why).toBe('8 bring 500/s, 2 brought 500/s; held for 60 s')
  })

  it('goes back to as many as bring the same, not further', () => {
    const { memory, clockMs } = observe([
      { workers: 1, intervals: 8, completedPerS: 250 },
      { workers: 8, intervals: 8, completedPerS: 500 },
    ])
    expect(ceilingNow(memory, clockMs)?.workers).toBe(2)
  })

  it('judges nothing before there is enough to judge by', () => {
    const { memory, clockMs } = observe([
      { workers: 2, intervals: 8, completedPerS: 500 },
      { workers: 8, intervals: 2, completedPerS: 500 },
    ])
    expect(ceilingNow(memory, clockMs)).toBeUndefined()
  })

  it('judges nothing by what was seen long ago', () => {
    const before = observe([{ workers: 2, intervals: 8, completedPerS: 500 }])
    const { memory, clockMs } = observe([{ workers: 8, intervals: 8, completedPerS: 500 }], {
      memory: before.memory,
      clockMs: before.clockMs + 600_000,
    })
    expect(ceilingNow(memory, clockMs)).toBeUndefined()
  })

  it('forgets a ceiling after a while, tries one step, and holds longer when it turns out the same', () => {
    const first = observe([
      { workers: 2, intervals: 8, completedPerS: 500 },
      { workers: 8, intervals: 8, completedPerS: 500 },
    ])
    expect(triedNext(first.memory, first.clockMs)).toBe(2)
    const held = observe([{ workers: 2, intervals: 125, completedPerS: 500 }], first)
    expect(ceilingNow(held.memory, held.clockMs)).toBeUndefined()
    expect(triedNext(held.memory, held.clockMs)).toBe(3)
    const again = observe([{ workers: 3, intervals: 8, completedPerS: 500 }], held)
    expect(ceilingNow(again.memory, again.clockMs)).toMatchObject({ workers: 2, holdMs: 120_000 })
  })

  it('lets growth go on when a later try pays', () => {
    const first = observe([
      { workers: 2, intervals: 8, completedPerS: 500 },
      { workers: 8, intervals: 8, completedPerS: 500 },
    ])
    const held = observe([{ workers: 2, intervals: 125, completedPerS: 500 }], first)
    const better = observe([{ workers: 3, intervals: 8, completedPerS: 740 }], held)
    expect(triedNext(better.memory, better.clockMs)).toBe(Infinity)
  })
})
