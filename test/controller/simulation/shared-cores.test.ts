import { describe, expect, it } from 'vitest'
import { SharedCores } from '../../../src/controller/simulation/shared-cores.ts'

/** When each job ends; jobs are [start, CPU time]. */
function endsOf(cores: number, jobs: readonly (readonly [startMs: number, cpuMs: number])[]): number[] {
  const shared = new SharedCores(cores)
  const ends: number[] = []
  const waiting = jobs.map(([startMs, cpuMs], index) => ({ startMs, cpuMs, index }))
  for (;;) {
    const next = waiting[0]
    const nextMs = Math.min(next?.startMs ?? Infinity, shared.nextMs)
    if (nextMs === Infinity) return ends.map(ms => Math.round(ms * 1000) / 1000)
    if (next !== undefined && next.startMs <= shared.nextMs) {
      waiting.shift()
      shared.run(nextMs, next.cpuMs, () => (ends[next.index] = now))
    } else {
      now = nextMs
      shared.step(nextMs)
    }
  }
}
let now = 0

describe('SharedCores', () => {
  it('lets threads run at full speed while there are enough cores', () => {
    expect(endsOf(2, [[0, 10], [0, 20]])).toEqual([10, 20]) // prettier-ignore
  })

  it('shares evenly among more threads than cores', () => {
    expect(endsOf(1, [[0, 10], [0, 10]])).toEqual([20, 20]) // prettier-ignore
    expect(endsOf(2, [[0, 10], [0, 10], [0, 10]])).toEqual([15, 15, 15]) // prettier-ignore
  })

  it('gives the others more when one has ended', () => {
    expect(endsOf(1, [[0, 10], [0, 20]])).toEqual([20, 30]) // prettier-ignore
    expect(endsOf(1, [[0, 20], [10, 5]])).toEqual([25, 20]) // prettier-ignore
  })

  it('counts the CPU time that was used', () => {
    const shared = new SharedCores(2)
    for (let job = 0; job < 3; job++) shared.run(0, 100, () => {})
    shared.advance(30)
    expect(shared.usedMs).toBe(60)
  })
})
