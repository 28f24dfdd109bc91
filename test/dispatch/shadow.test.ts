import { afterEach, describe, expect, it } from 'vitest'
import { AssignedWindow } from '../../src/dispatch/assigned-window.ts'
import { Delivery } from '../../src/dispatch/delivery.ts'
import { Lane } from '../../src/dispatch/lane.ts'
import { Shadow, type ShadowOptions } from '../../src/dispatch/shadow.ts'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { FunctionResult } from '../../src/sinks/function-result.ts'
import type { OutgoingResult, Sink } from '../../src/sinks/sink.ts'
import type { InvocationOutcome } from '../../src/workers/invocation.ts'
import { DispatchFixture, type FixtureOptions } from './dispatch-fixture.ts'
import { failed, succeeded, type Script } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

/** A trigger whose events are copied to version 2. */
async function open(
  real: Script,
  shadowScript: Script,
  shadowOptions: Partial<ShadowOptions> = {},
  options: FixtureOptions = {},
) {
  const fixture = new DispatchFixture()
  fixtures.push(fixture)
  await fixture.open(real, { ...options, onSettled: (delivery, outcome) => shadow.offer(delivery, outcome) })
  const engine = fixture.addVersion('2', shadowScript)
  const shadow = new Shadow({ engine, percent: 100, ...shadowOptions })
  return { fixture, engine, shadow, pool: fixture.poolOf('2') }
}

const resultOf = (value: unknown): InvocationOutcome => ({
  kind: 'succeeded',
  durationMs: 1,
  results: [{ meta: {}, contentType: 'application/json', data: Buffer.from(JSON.stringify(value)) }],
})
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await turn()
}

describe('a shadow', () => {
  it('tells where the versions agree and where not', async () => {
    const { fixture, shadow, engine } = await open(
      ({ value }) =>
        value.startsWith('real-fails') || value === 'both-fail' ? failed('real') : resultOf({ value, price: 11 }),
      ({ value }) => {
        if (value.startsWith('shadow-fails') || value === 'both-fail') return failed('shadow')
        return resultOf(value === 'other' ? { value, price: 12 } : { price: 11, value })
      },
      {},
      { retry: { maxAttempts: 1, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 } },
    )
    for (const value of ['same', 'other', 'shadow-fails', 'real-fails', 'both-fail']) await fixture.append('a', value)
    await fixture.untilDone(5)
    await until(() => shadow.report().compared === 5)
    const { examples, ...counts } = shadow.report()
    expect(counts).toEqual({
      compared: 5,
      same: 2,
      different: 1,
      failedOnlyInShadow: 1,
      failedOnlyInReal: 1,
      dropped: 0,
    })
    expect(examples.map(({ eventId }) => eventId).sort()).toEqual(['other', 'real-fails', 'shadow-fails'])
    expect(examples.find(({ eventId }) => eventId === 'other')).toEqual({
      eventId: 'other',
      key: 'a',
      difference: 'the result: /price is 12 instead of 11',
      real: '{"value":"other","price":11}',
      shadow: '{"value":"other","price":12}',
    })
    expect(examples.find(({ eventId }) => eventId === 'shadow-fails')).toMatchObject({
      difference: 'failed only in the shadow version',
      shadow: 'failed: shadow',
    })
    expect(engine.stats.counts).toMatchObject({ invocations: 0, shadowed: 5 })
    expect(fixture.dispatch.stats.counts).toMatchObject({ invocations: 5, shadowed: 0 })
  })

  it('copies an event when its version is through with it, not for every attempt', async () => {
    const { fixture, shadow, pool } = await open(
      ({ attempt }) => (attempt < 3 ? failed() : succeeded),
      () => succeeded,
    )
    await fixture.append('a', '1')
    await fixture.untilDone(1)
    await until(() => shadow.report().compared === 1)
    expect(pool.seen.map(({ value, attempt }) => `${value}/${attempt}`)).toEqual(['1/1'])
    expect(shadow.report().same).toBe(1)
  })

  it('sends its results nowhere, and does not keep a key or a trigger from going on', async () => {
    const gate = Promise.withResolvers<void>()
    const sent: string[] = []
    const sink: Sink = {
      name: 'out',
      kind: 'http',
      start: () => Promise.resolve(),
      close: () => Promise.resolve(),
      health: () => ({ ready: true }),
      deliver({ value }: OutgoingResult) {
        sent.push(value.toString())
        return Promise.resolve()
      },
    }
    const { fixture, shadow } = await open(
      ({ value }) => resultOf(`real ${value}`),
      async ({ value }) => {
        await gate.promise
        return resultOf(`shadow ${value}`)
      },
      {},
      { sinks: [sink] },
    )
    for (let i = 0; i < 20; i++) await fixture.append('a', String(i))
    await fixture.untilDone(20)
    await fixture.trigger.stop(1_000)
    expect(await fixture.committed()).toBe(20)
    expect(sent).toEqual(Array.from({ length: 20 }, (_, i) => `"real ${i}"`))
    expect(shadow.report().compared).toBe(0)
    gate.resolve()
    await until(() => shadow.report().different === 20)
    expect(sent.length).toBe(20)
  })

  it('drops and counts what it has no room for, by events and by bytes', async () => {
    const few = await open(
      () => succeeded,
      () => succeeded,
      { maxEvents: 3 },
    )
    few.pool.setWorkers(0)
    for (let i = 0; i < 10; i++) await few.fixture.append(`k${i}`, String(i))
    await few.fixture.untilDone(10)
    expect(few.engine.runnable).toBe(3)
    expect(few.shadow.report().dropped).toBe(7)
    few.pool.setWorkers(1)
    await until(() => few.shadow.report().compared === 3)
    await few.fixture.append('k', 'room again')
    await until(() => few.shadow.report().compared === 4)

    const small = await open(
      ({ value }) => resultOf(value.repeat(50)),
      () => succeeded,
      { maxBytes: 5_000 },
    )
    small.pool.setWorkers(0)
    for (let i = 0; i < 10; i++) await small.fixture.append(`k${i}`, String(i).repeat(20))
    await small.fixture.untilDone(10)
    // Some 1,100 bytes each, most of them the result.
    expect(small.engine.runnable).toBe(4)
    expect(small.shadow.report().dropped).toBe(6)
  })

  it('copies the events of its share of the keys', async () => {
    const { fixture, shadow, pool } = await open(
      () => succeeded,
      () => succeeded,
      { percent: 30, maxEvents: 1_000 },
    )
    await Promise.all(Array.from({ length: 300 }, (_, i) => fixture.append(`k${i % 100}`, String(i))))
    await fixture.untilDone(300)
    await until(
      () =>
        pool.seen.length > 0 &&
        shadow.report().compared === pool.seen.length &&
        fixture.engines.get('2')?.runnable === 0,
    )
    const keys = new Set(pool.seen.map(({ key }) => key))
    expect(pool.seen.length).toBe(keys.size * 3)
    expect(keys.size).toBeGreaterThan(15)
    expect(keys.size).toBeLessThan(45)
  })

  it('runs a copy alone that may have ended its worker, and blames only the one that does', async () => {
    const suspect = { kind: 'suspect', error: { reason: 'crash', name: 'Error', message: 'died' } } as const
    const frames: number[] = []
    const { fixture, shadow, pool } = await open(
      () => succeeded,
      ({ value }) => {
        const size = pool.frames.at(-1) as number
        frames.push(size)
        return value === 'killer' || size > 1 ? suspect : succeeded
      },
    )
    pool.setWorkers(0)
    for (const value of ['killer', 'bystander', 'other']) await fixture.append(value, value)
    await fixture.untilDone(3)
    await until(() => fixture.engines.get('2')?.runnable === 3)
    pool.setWorkers(1)
    await until(() => shadow.report().compared === 3)
    expect(shadow.report()).toMatchObject({ same: 2, failedOnlyInShadow: 1 })
    expect(shadow.report().examples[0]).toMatchObject({ eventId: 'killer', shadow: 'failed: died' })
  })

  it('keeps the newest 50 differences, with short excerpts', async () => {
    const { fixture, shadow } = await open(
      () => resultOf('r'.repeat(2_000)),
      ({ value }) => resultOf(value + 's'.repeat(2_000)),
    )
    for (let i = 0; i < 60; i++) {
      await fixture.append('a', String(i))
      await until(() => shadow.report().different === i + 1)
    }
    const { examples } = shadow.report()
    expect(examples.length).toBe(50)
    expect(examples[0]?.eventId).toBe('59')
    expect(examples.every(({ real, shadow: other }) => real.length === 500 && other.length === 500)).toBe(true)
  })

  it('forgets what waits when it is stopped, and lets its version retire', async () => {
    const gate = Promise.withResolvers<void>()
    const { fixture, shadow, engine, pool } = await open(
      () => succeeded,
      async () => {
        await gate.promise
        return succeeded
      },
    )
    pool.setWorkers(1)
    for (let i = 0; i < 5; i++) {
      await fixture.append(`k${i}`, String(i))
      await until(() => pool.seen.length > 0)
    }
    await fixture.untilDone(5)
    shadow.stop()
    expect(engine.runnable).toBe(0)
    expect(engine.isIdle).toBe(false)
    const retired = engine.retired()
    gate.resolve()
    await retired
    await fixture.append('late', 'late')
    await fixture.untilDone(6)
    expect(shadow.report()).toMatchObject({ compared: 0, dropped: 0 })
    expect(engine.runnable).toBe(0)
  })

  it('keeps copies, for the bytes of an event and of its results do not last', async () => {
    const { shadow, pool } = await open(
      () => succeeded,
      ({ value }) => resultOf(value),
    )
    pool.setWorkers(0)
    const header = encodeEventHeader({ id: 'e1', source: '/t', type: 't', acceptedAtMs: 1, hops: 0 })
    const record = {
      offset: 0,
      timestampMs: 1,
      key: Buffer.from('key'),
      value: Buffer.from('"v"'),
      header,
      headers: null,
    }
    const window = new AssignedWindow(0, 1, 0, { maxEvents: 1, maxBytes: 1 })
    const feed = { trigger: 't', stream: 's', reader: createHomeEventReader(), headerDefaults: {} }
    const owner = { settled: () => undefined }
    const result: FunctionResult = { meta: {}, contentType: 'application/json', data: Buffer.from('"other"') }
    shadow.offer(new Delivery(owner, new Lane('key', window), feed, record, 0, 1, 0), {
      kind: 'succeeded',
      durationMs: 1,
      results: [result],
    })
    for (const bytes of [record.key, record.value, record.header, result.data]) bytes.fill(0x21)
    pool.setWorkers(1)
    await until(() => shadow.report().compared === 1)
    expect(pool.seen).toMatchObject([{ key: 'key', value: '"v"' }])
    expect(shadow.report().examples).toMatchObject([{ eventId: 'e1', key: 'key', real: '"other"' }])
  })
})
