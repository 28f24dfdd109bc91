import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameCapacity, joinCapacity } from '../../../src/controller/simulation/frame-capacity.ts'
import { chooseFrameSize } from '../../../src/dispatch/frame-size.ts'
import { FrameNonces } from '../../../src/workers/frame-nonces.ts'
import { FrameSession } from '../../../src/workers/frame-session.ts'
import { encodeWaiting, type WaitingFrame } from '../../../src/workers/waiting-frame.ts'
import { PoolTally } from '../../../src/workers/pool-tally.ts'
import { SessionRoom } from '../../../src/workers/session-room.ts'
import { WorkerSlot } from '../../../src/workers/worker-slot.ts'
import { invocationOf, versionOf } from '../../workers/worker-fixtures.ts'

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

describe('joinCapacity', () => {
  it('is the rule of the pool', () => {
    const facts = fc.record({
      serviceTimeMs: fc.option(fc.double({ min: 0, max: 20, noNaN: true }), { nil: undefined }),
      handlerMs: fc.integer({ min: 0, max: 1_000 }),
      activeMs: fc.integer({ min: 0, max: 1_000 }),
      concurrency: fc.integer({ min: 1, max: 32 }),
      activeShare: fc.double({ min: 0, max: 1, noNaN: true }),
      open: fc.integer({ min: 1, max: 40 }),
    })
    fc.assert(
      fc.property(facts, given => {
        const { serviceTimeMs, handlerMs, activeMs, activeShare, concurrency, open } = given
        const tally = Object.assign(new PoolTally(), {
          serviceTimeMs,
          ...{ recentHandlerMs: handlerMs, recentActiveMs: activeMs, loopShare: activeShare },
        })
        const version = versionOf('echo.mjs', { concurrency })
        const slot = new WorkerSlot(() => undefined)
        slot.session = sessionOf(open, tally)
        const room = new SessionRoom(version, tally).in(slot)
        slot.closePort()
        expect(joinCapacity(given)).toBe(room)
      }),
    )
  })
})

/** With a frame of so many events that have not ended. */
function sessionOf(events: number, tally: PoolTally): FrameSession {
  const invocations = Array.from({ length: events }, (_, n) => invocationOf({ n }))
  const waiting: WaitingFrame = {
    invocations,
    done: () => undefined,
    onBegin: undefined,
    alone: false,
    sinceMs: 0,
    encoded: undefined,
  }
  return new FrameSession(encodeWaiting(waiting, { nonces: new FrameNonces(), careful: false, tally })!.frame, waiting)
}
