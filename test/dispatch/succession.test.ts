import { afterEach, describe, expect, it } from 'vitest'
import type { OutgoingResult, Sink } from '../../src/sinks/sink.ts'
import { DispatchFixture, type FixtureOptions } from './dispatch-fixture.ts'
import { failed, succeeded, type Script, type Seen } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

async function open(script: Script, options: FixtureOptions = {}) {
  const seen: Seen[] = []
  const fixture = new DispatchFixture()
  fixtures.push(fixture)
  await fixture.open(script, { ...options, onSeen: each => seen.push(each) })
  return { fixture, seen }
}

/** Another trigger with the same group and uid takes the place of the one that was stopped. */
async function succeed(fixture: DispatchFixture): Promise<void> {
  fixture.trigger = fixture.createTrigger()
  await fixture.trigger.start(undefined)
}

/** What a key has parked first may run at once: the test need not wait. */
async function makeDue({ store }: DispatchFixture, key: string): Promise<void> {
  const [row] = await store.parkedOf('t', 's', 0, key, 1)
  if (row !== undefined) await store.park([{ ...row, dueAtMs: 0 }])
}

const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await turn()
}
const patient = { maxAttempts: 1_000, initialDelayMs: 60_000, maxDelayMs: 60_000, jitter: 0 }

describe('a trigger that is stopped while the gateway goes on', () => {
  it('leaves no timer and no route behind, whatever its keys wait for', async () => {
    const { fixture } = await open(({ key }) => (key.startsWith('bad') ? failed() : succeeded), { retry: patient })
    const parking = await open(() => failed(), { retry: patient, parkAfterMs: 0 })
    // Those of logs and stores, and of the test itself; a trigger that has nothing to do has none.
    const before = timers()
    await fixture.append('bad', '1')
    await fixture.append('good', '2')
    await parking.fixture.append('bad', '1')
    await until(() => fixture.trigger.counters.retried === 1 && parking.fixture.trigger.parkedKeys === 1)
    fixture.routes.targetsOf = () => []
    await fixture.append('lost', '3')
    await until(() => fixture.trigger.unrouted === 1)
    expect(await fixture.trigger.stop(1_000)).toBe(true)
    expect(await parking.fixture.trigger.stop(1_000)).toBe(true)
    expect(fixture.dispatch.routes).toEqual([])
    expect(fixture.dispatch.isIdle).toBe(true)
    expect(fixture.trigger.routes).toEqual([])
    await until(() => timers() === before)
  })

  it('is followed by another one with the same group, which goes on where it stopped', async () => {
    const { fixture, seen } = await open(() => succeeded)
    for (let i = 0; i < 40; i++) {
      await fixture.append(`k${i % 4}`, String(i))
      if (i % 10 !== 9) continue
      expect(await fixture.trigger.stop(5_000)).toBe(true)
      await succeed(fixture)
    }
    await fixture.untilDone(40)
    expect(seen.map(({ value }) => value).sort()).toEqual(Array.from({ length: 40 }, (_, i) => String(i)).sort())
  })

  it('hands its parked keys to the one that follows, with their attempts and before what came later', async () => {
    let isBroken = true
    const { fixture, seen } = await open(() => (isBroken ? failed() : succeeded), { retry: patient, parkAfterMs: 0 })
    for (const value of ['a1', 'a2']) await fixture.append('a', value)
    await until(() => fixture.trigger.parkedEvents === 2)
    await fixture.append('a', 'a3')
    await until(() => fixture.trigger.parkedEvents === 3)
    expect(await fixture.trigger.stop(5_000)).toBe(true)
    await makeDue(fixture, 'a')
    isBroken = false
    await succeed(fixture)
    await fixture.append('a', 'a4')
    await fixture.untilDone(4)
    const order = seen.slice(-4).map(({ value, attempt }) => `${value}/${attempt}`)
    expect(order).toEqual(['a1/2', 'a2/1', 'a3/1', 'a4/1'])
  })

  it('repeats nothing, although a key waits in front of what is finished', async () => {
    const script: Script = ({ offset, attempt }) => (offset === 0 && attempt === 1 ? failed() : succeeded)
    const { fixture, seen } = await open(script, { retry: patient, parkAtStop: true, parkAfterMs: 600_000 })
    fixture.routes.targetsOf = ({ record }) => (record.key?.toString() === 'lost' ? [] : fixture.routes.targets)
    for (const key of ['bad', 'lost', '', 'good', 'good', 'bad', 'lost']) await fixture.append(key, key)
    await until(() => fixture.trigger.counters.succeeded === 3 && fixture.trigger.counters.retried === 1)
    expect(await fixture.trigger.stop(5_000)).toBe(true)
    // What stands behind the newest finished event stays in the log.
    expect(await fixture.committed()).toBe(5)
    expect((await fixture.store.parkedKeys('t')).map(({ key, events }) => `${key} ${events}`).sort()).toEqual([
      'bad 1',
      'lost 1',
    ])
    fixture.routes.targetsOf = () => fixture.routes.targets
    await makeDue(fixture, 'bad')
    await succeed(fixture)
    await fixture.untilDone(7)
    expect(seen.map(({ key }) => key).sort()).toEqual(['', 'bad', 'bad', 'bad', 'good', 'good', 'lost', 'lost'])
    expect(seen.filter(({ key }) => key === 'bad').map(({ offset, attempt }) => `${offset}/${attempt}`)).toEqual([
      '0/1',
      '0/2',
      '5/1',
    ])
  })

  it('tells after a forced stop when its last run has left the workers, so that no key runs twice at a time', async () => {
    const gate = Promise.withResolvers<void>()
    const { fixture, seen } = await open(async () => {
      if (seen.length === 1) await gate.promise
      return succeeded
    })
    await fixture.append('a', 'a1')
    await until(() => seen.length === 1)
    const old = fixture.trigger
    expect(await old.stop(1)).toBe(false)
    expect(fixture.dispatch.isIdle).toBe(false)
    let hasEnded = false
    const ended = old.ended().then(() => (hasEnded = true))
    await turn()
    expect(hasEnded).toBe(false)
    gate.resolve()
    await ended
    await succeed(fixture)
    await fixture.untilDone(1)
    expect(seen.map(({ value }) => value)).toEqual(['a1', 'a1'])
    expect(fixture.pool.overlaps).toBe(0)
  })

  it('sends no result after a forced stop that the one that follows sends again', async () => {
    const gate = Promise.withResolvers<void>()
    const sent: string[] = []
    const sink: Sink = {
      name: 'out',
      kind: 'http',
      start: () => Promise.resolve(),
      close: () => Promise.resolve(),
      health: () => ({ ready: true }),
      async deliver({ value }: OutgoingResult) {
        sent.push(value.toString())
        if (sent.length === 1) await gate.promise
      },
    }
    const resultOf = (text: string) => ({ meta: {}, contentType: 'text/plain', data: Buffer.from(text) })
    const { fixture } = await open(
      ({ value }) => ({
        kind: 'succeeded',
        durationMs: 1,
        results: [resultOf(`${value}.1`), resultOf(`${value}.2`)],
      }),
      { sinks: [sink] },
    )
    await fixture.append('a', 'a')
    await until(() => sent.length === 1)
    expect(await fixture.trigger.stop(1)).toBe(false)
    gate.resolve()
    await fixture.trigger.ended()
    expect(sent).toEqual(['a.1'])
    await succeed(fixture)
    await fixture.untilDone(1)
    expect(sent).toEqual(['a.1', 'a.1', 'a.2'])
  })
})
