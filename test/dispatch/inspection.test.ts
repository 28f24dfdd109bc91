import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InvocationOutcome } from '../../src/workers/invocation.ts'
import { DispatchFixture } from './dispatch-fixture.ts'
import { failed, succeeded } from './scripted-pool.ts'

let fixture: DispatchFixture
beforeEach(() => void (fixture = new DispatchFixture()))
afterEach(() => fixture.dispose())

/** What the script answers for an event, by its value, when the test says so; each event tells when it has begun. */
class Held {
  readonly #answers = new Map<string, PromiseWithResolvers<InvocationOutcome>>()
  readonly #begun = new Map<string, PromiseWithResolvers<void>>()

  run(value: string): Promise<InvocationOutcome> {
    entry(this.#begun, value).resolve()
    return entry(this.#answers, value).promise
  }

  begun(value: string): Promise<void> {
    return entry(this.#begun, value).promise
  }

  answer(value: string, outcome: InvocationOutcome): void {
    entry(this.#answers, value).resolve(outcome)
  }
}

function entry<T>(map: Map<string, PromiseWithResolvers<T>>, name: string): PromiseWithResolvers<T> {
  const known = map.get(name) ?? Promise.withResolvers<T>()
  map.set(name, known)
  return known
}

const look = (offset: number, key: string, partition = 0) => fixture.trigger.inspection.event(partition, offset, key)
/** Waits for something that no event tells, a turn of the loop at a time. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

describe('where an event stands', () => {
  it('is told from the log to the end of its attempt', async () => {
    const held = new Held()
    await fixture.open(({ value }) => held.run(value))
    await until(() => look(0, 'k').kind !== 'not-assigned')
    expect(look(0, 'k')).toMatchObject({ kind: 'not-taken', next: 0, isFull: false })
    await fixture.append('k', 'a')
    await fixture.append('k', 'b')
    await held.begun('a')
    expect(look(0, 'k')).toMatchObject({
      kind: 'in-lane',
      before: 0,
      isRunning: true,
      event: { offset: 0, attempt: 1 },
      lane: {
        key: 'k',
        state: 'running',
        version: 'fn@latest',
        maxAttempts: 3,
        runningSinceMs: expect.any(Number) as number,
      },
    })
    await until(() => look(1, 'k').kind === 'in-lane')
    expect(look(1, 'k')).toMatchObject({ kind: 'in-lane', before: 1, isRunning: false, lane: { head: { offset: 0 } } })
    expect(fixture.trigger.inspection.offsetsOf(0, 'k', 5)).toEqual([0, 1])
    expect(fixture.trigger.inspection.find('b')).toEqual([{ partition: 0, offset: 1 }])
    held.answer('a', succeeded)
    held.answer('b', succeeded)
    await fixture.untilDone(2)
    expect(look(0, 'k')).toEqual({ kind: 'complete' })
    expect(fixture.trigger.inspection.key('k')).toEqual([])
    expect(look(0, 'k', 7)).toEqual({ kind: 'not-assigned' })
  })

  it('tells when the next attempt of a failed one is due, of those with a key and of those without', async () => {
    const retry = { maxAttempts: 3, initialDelayMs: 30_000, maxDelayMs: 30_000, jitter: 0 }
    await fixture.open(() => failed('not today'), { retry })
    for (const key of ['k', '']) {
      const offset = await fixture.append(key, `of ${key}`)
      await until(() => fixture.trigger.counters.failed === offset + 1)
      const place = look(offset, key)
      expect(place).toMatchObject({
        kind: 'in-lane',
        isRunning: false,
        event: { attempt: 2, lastFailure: { reason: 'error', message: 'not today' } },
        lane: { state: 'waiting' },
      })
      const dueInMs = (place.kind === 'in-lane' ? (place.lane.dueAtMs ?? 0) : 0) - Date.now()
      expect(dueInMs).toBeGreaterThan(20_000)
      expect(fixture.trigger.inspection.find(`of ${key}`)).toEqual([{ partition: 0, offset }])
    }
  })

  it('tells of a parked key whether its oldest event runs', async () => {
    const held = new Held()
    let attempts = 0
    const retry = { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 }
    await fixture.open(({ value }) => (attempts++ === 0 ? failed() : held.run(value)), { retry, parkAfterMs: 0 })
    await fixture.append('k', 'a')
    await held.begun('a')
    expect(look(0, 'k')).toEqual({ kind: 'complete' })
    expect(fixture.trigger.inspection.parked(0, 'k', 0)).toMatchObject({
      stored: 1,
      lane: { state: 'running' },
      place: { kind: 'in-lane', isRunning: true, event: { attempt: 2 } },
    })
    expect(fixture.trigger.inspection.parked(0, 'other', 0)).toBeUndefined()
    held.answer('a', succeeded)
    await fixture.untilDone(1)
  })

  it('tells of an event that left its lane that something of it is on its way', async () => {
    const delivery = Promise.withResolvers<void>()
    const delivering = Promise.withResolvers<void>()
    const sink = {
      ...{ name: 'out', kind: 'http' as const, start: () => Promise.resolve(), close: () => Promise.resolve() },
      health: () => ({ ready: true }),
      deliver: () => {
        delivering.resolve()
        return delivery.promise
      },
    }
    const meta = {}
    const result = { meta, contentType: 'text/plain', data: Buffer.from('x') }
    const outcome: InvocationOutcome = { kind: 'succeeded', results: [result], durationMs: 1 }
    await fixture.open(() => outcome, { sinks: [sink] })
    await fixture.append('k', 'a')
    await delivering.promise
    expect(look(0, 'k')).toMatchObject({ kind: 'leaving', lane: { publications: 1, failingPublications: 0 } })
    delivery.resolve()
    await fixture.untilDone(1)
    expect(look(0, 'k')).toEqual({ kind: 'complete' })
  })

  it('tells that the window is full, and since which event', async () => {
    const held = new Held()
    await fixture.open(({ value }) => held.run(value), { window: { maxEvents: 2, maxBytes: 1_000_000 } })
    await fixture.appendAll(['a', 'b', 'c', 'd'].map(value => ['k', value] as const))
    await held.begun('a')
    expect(look(3, 'k')).toEqual({ kind: 'not-taken', next: 2, oldest: 0, isFull: true })
    for (const value of ['a', 'b', 'c', 'd']) held.answer(value, succeeded)
    await fixture.untilDone(4)
  })

  it('tells of a partition in order which event holds up the others, whatever their keys', async () => {
    const held = new Held()
    await fixture.open(({ value }) => held.run(value), { ordering: 'partition' })
    await fixture.appendAll(['a', 'b', 'c'].map(value => [`of ${value}`, value] as const))
    await held.begun('a')
    expect(look(0, 'of a')).toMatchObject({ kind: 'in-lane', before: 0, isRunning: true })
    expect(look(2, 'of c')).toMatchObject({
      kind: 'in-lane',
      before: 2,
      isRunning: false,
      lane: { head: { offset: 0 } },
    })
    expect(fixture.trigger.inspection.find('c')).toEqual([{ partition: 0, offset: 2 }])
    for (const value of ['a', 'b', 'c']) held.answer(value, succeeded)
    await fixture.untilDone(3)
    expect(look(2, 'of c')).toEqual({ kind: 'complete' })
  })

  it('tells of events without a version that they wait in their lanes', async () => {
    await fixture.open(() => succeeded)
    fixture.route({})
    await fixture.append('k', 'a')
    await fixture.append('', 'b')
    await until(() => fixture.trigger.unrouted === 2)
    expect(look(0, 'k')).toMatchObject({ kind: 'in-lane', lane: { state: 'unrouted' } })
    expect(look(1, '')).toMatchObject({ kind: 'in-lane', lane: { state: 'unrouted' } })
    expect(fixture.trigger.inspection.find('b')).toEqual([{ partition: 0, offset: 1 }])
  })
})
