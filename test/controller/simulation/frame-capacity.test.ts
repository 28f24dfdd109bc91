import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameCapacity } from '../../../src/controller/simulation/frame-capacity.ts'
import { chooseFrameSize } from '../../../src/dispatch/frame-size.ts'

describe('frameCapacity', () => {
  it('is the rule of the dispatcher', () => {
    const facts = fc.record({
      serviceTimeMs: fc.option(fc.double({ min: 0, max: 1e5, noNaN: true }), { nil: undefined }),
      cpuShare: fc.double({ min: 0, max: 1, noNaN: true }),
      concurrency: fc.integer({ min: 1, max: 1000 }),
      runnable: fc.nat(1e6),
      freeSlots: fc.nat(64),
    })
    fc.assert(
      fc.property(facts, given => {
        expect(frameCapacity(given)).toEqual(chooseFrameSize(given))
      }),
    )
  })
})
