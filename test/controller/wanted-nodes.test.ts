import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wantedNodes } from '../../src/controller/wanted-nodes.ts'

const machine = { cores: 4, memoryMiB: 8_192 }
const claim = {
  workers: 4,
  cores: 1,
  coresPerWorker: 0.25,
  memoryMiBPerWorker: 128,
  weight: 1,
  minWorkers: 0,
  maxWorkers: 8,
}

describe('the number of nodes that the load would fill', () => {
  it('is nothing when nothing is to be done', () => {
    expect(wantedNodes([], machine).nodes).toBe(0)
    expect(wantedNodes([{ ...claim, workers: 0, cores: 0 }], machine).nodes).toBe(0)
  })

  it('follows the cores, with room for a burst', () => {
    const { nodes, reason } = wantedNodes(
      [
        { ...claim, cores: 6 },
        { ...claim, cores: 0.4 },
      ],
      machine,
    )
    expect(nodes).toBeCloseTo(2)
    expect(reason).toBe('the load takes 6.4 cores, of 80 % of 4 cores on each node')
  })

  it('follows the memory where that is scarcer', () => {
    const { nodes, reason } = wantedNodes([{ ...claim, workers: 8, memoryMiBPerWorker: 2_048 }], machine)
    expect(nodes).toBe(2)
    expect(reason).toBe('the workers take 16,384 MiB of heap, of 8,192 MiB on each node')
  })

  it('never falls when there is more to do', () => {
    const claims = fc.array(
      fc.record({ workers: fc.integer({ min: 0, max: 64 }), cores: fc.double({ min: 0, max: 64, noNaN: true }) }),
    )
    fc.assert(
      fc.property(claims, claims, (some, more) => {
        const all = [...some, ...more].map(part => ({ ...claim, ...part }))
        const few = some.map(part => ({ ...claim, ...part }))
        expect(wantedNodes(all, machine).nodes).toBeGreaterThanOrEqual(wantedNodes(few, machine).nodes)
      }),
    )
  })
})
