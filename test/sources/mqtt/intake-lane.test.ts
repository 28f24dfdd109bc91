import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { SluiceError } from '../../../src/errors/sluice-error.ts'
import { SluiceError as Failure } from '../../../src/errors/sluice-error.ts'
import { IntakeLane } from '../../../src/sources/mqtt/intake-lane.ts'
import type { IncomingEvent } from '../../../src/sources/source.ts'
import { ControlledIntake } from './controlled-intake.ts'

const event = (id: string): IncomingEvent => ({
  header: { id, source: '/s', type: 't', acceptedAtMs: 0, hops: 0 },
  value: Buffer.from(id),
})

let intake = new ControlledIntake()
afterEach(() => {
  intake.release()
  intake = new ControlledIntake()
})

function createLane(maxHeldBytes = 1_000_000): IntakeLane {
  return new IntakeLane(intake, { maxHeldBytes, stalled: () => {} })
}

function push(lane: IntakeLane, id: string, owner?: object, limitMs = 60_000): Promise<SluiceError | undefined> {
  return new Promise(resolve => lane.push(event(id), owner, limitMs, resolve))
}

describe('IntakeLane', () => {
  it('appends what arrives in one turn as one batch, in order', async () => {
    const lane = createLane()
    await Promise.all(['a', 'b', 'c'].map(id => push(lane, id)))
    expect(intake.values).toEqual(['a', 'b', 'c'])
    expect(intake.batchSizes).toEqual([3])
    expect(lane.heldBytes).toBe(0)
  })

  it('keeps its order over any sequence of refusals', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { maxLength: 4 }),
        fc.integer({ min: 1, max: 30 }),
        async (refusals, count) => {
          const values: string[] = []
          const left = [...refusals]
          const lane = new IntakeLane(
            {
              stream: 's',
              accept: async events => {
                await Promise.resolve()
                if (left.shift() === true) throw new Failure('SLUICE_LOG_FULL', 'full')
                for (const each of events) values.push(each.header.id)
                return events.map(() => ({ partition: 0, offset: 0, duplicate: false }))
              },
            },
            { maxHeldBytes: 1_000_000, stalled: () => {} },
          )
          const ids = Array.from({ length: count }, (_, index) => String(index))
          await Promise.all(ids.map(id => push(lane, id)))
          expect(values).toEqual(ids)
          expect(lane.heldBytes).toBe(0)
        },
      ),
      { numRuns: 15 },
    )
  })

  it('finds the one event a batch is rejected for, and appends the others', async () => {
    const lane = createLane()
    intake.isBad = each => each.header.id === 'bad'
    const outcomes = await Promise.all(['a', 'bad', 'b', 'c'].map(id => push(lane, id)))
    expect(outcomes.map(error => error?.code)).toEqual([undefined, 'SLUICE_EVENTS_TOO_LARGE', undefined, undefined])
    expect(intake.values).toEqual(['a', 'b', 'c'])
    expect(await push(lane, 'd')).toBeUndefined()
  })

  it('gives up an event at its limit, also when the log never answers', async () => {
    const lane = createLane()
    intake.mode = 'hold'
    const appending = push(lane, 'appending', undefined, 150)
    await intake.until(() => intake.calls === 1)
    const waiting = push(lane, 'waiting', undefined, 150)
    expect(await appending).toMatchObject({ code: 'SLUICE_MQTT_HOLD_EXPIRED' })
    expect(await waiting).toMatchObject({ code: 'SLUICE_MQTT_HOLD_EXPIRED' })
    intake.release()
    await lane.drain()
    expect(intake.values).toEqual(['appending'])
    expect(lane.heldBytes).toBe(0)
  })

  it('forgets what waits of an abandoned connection, and nothing else', async () => {
    const lane = createLane()
    const gone = {}
    intake.mode = 'hold'
    const first = push(lane, 'first')
    await intake.until(() => intake.calls === 1)
    void push(lane, 'gone', gone)
    const kept = push(lane, 'kept')
    lane.abandon(gone)
    intake.release()
    await Promise.all([first, kept])
    expect(intake.values).toEqual(['first', 'kept'])
    expect(lane.heldBytes).toBe(0)
  })

  it('does not repeat the refused events of an abandoned connection', async () => {
    const lane = createLane()
    const gone = {}
    intake.mode = 'refuse'
    void push(lane, 'gone', gone)
    await intake.until(() => intake.calls === 1)
    lane.abandon(gone)
    intake.mode = 'take'
    await push(lane, 'next')
    expect(intake.values).toEqual(['next'])
  })

  it('takes no more than its bound', async () => {
    const lane = createLane(1_200)
    intake.mode = 'hold'
    const first = push(lane, 'a')
    const second = push(lane, 'b')
    expect(await push(lane, 'c')).toMatchObject({ code: 'SLUICE_MQTT_OVERLOADED', retryable: true })
    await intake.until(() => intake.calls === 1)
    intake.release()
    expect(await Promise.all([first, second])).toEqual([undefined, undefined])
    expect(await push(lane, 'd')).toBeUndefined()
  })
})
