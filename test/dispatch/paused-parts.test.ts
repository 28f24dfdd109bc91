import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { DispatchFixture, type FixtureOptions } from './dispatch-fixture.ts'
import { succeeded, type Script } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

async function open(script: Script, options: FixtureOptions = {}): Promise<DispatchFixture> {
  const fixture = new DispatchFixture()
  fixtures.push(fixture)
  return fixture.open(script, options)
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await turn()
}
const why = { reason: 'test', by: 'me', sinceMs: 1 }
const succeeds: Script = () => Promise.resolve(succeeded)
const valuesOf = (fixture: DispatchFixture): readonly string[] => fixture.pool.seen.map(({ value }) => value)

describe('a paused key', () => {
  it('runs nothing while its partition flows on, and goes on in order where it stopped', async () => {
    const fixture = await open(succeeds)
    await fixture.trigger.pausePart({ kind: 'key', key: 'a' }, why)
    for (let i = 0; i < 50; i++) {
      await fixture.append('a', `a${i}`)
      await fixture.append('b', `b${i}`)
    }
    await fixture.untilDone(50)
    expect(valuesOf(fixture).every(value => value.startsWith('b'))).toBe(true)
    // Its events wait in the store, so that the offset of the partition passes them.
    await until(async () => (await fixture.committed()) === 100)
    expect(fixture.trigger.parkedEvents).toBe(50)
    expect(fixture.trigger.holds).toEqual([{ kind: 'key', key: 'a', pause: why }])
    fixture.trigger.resumePart({ kind: 'key', key: 'a' })
    await fixture.untilDone(100)
    const ran = valuesOf(fixture).filter(value => value.startsWith('a'))
    expect(ran).toEqual(Array.from({ length: 50 }, (_, i) => `a${i}`))
    await until(() => fixture.trigger.parkedKeys === 0)
  })

  it('is confirmed when its own event is through, whatever else runs', async () => {
    const gates = { a: Promise.withResolvers<void>(), b: Promise.withResolvers<void>() }
    const fixture = await open(async ({ key }) => {
      await gates[key as 'a' | 'b'].promise
      return succeeded
    })
    await fixture.append('a', '1')
    await until(() => fixture.trigger.running === 1)
    await fixture.append('b', '2')
    await until(() => fixture.trigger.running === 2)
    let isConfirmed = false
    const paused = fixture.trigger.pausePart({ kind: 'key', key: 'a' }, why).then(() => (isConfirmed = true))
    for (let i = 0; i < 20; i++) await turn()
    expect(isConfirmed).toBe(false)
    gates.a.resolve()
    await paused
    expect(fixture.trigger.running).toBe(1)
    gates.b.resolve()
    await fixture.untilDone(2)
  })

  it('keeps a bounded part of many events in memory, and the key behind them runs', async () => {
    const fixture = await open(succeeds, { window: { maxEvents: 100, maxBytes: 1_000_000 } })
    await fixture.trigger.pausePart({ kind: 'key', key: 'a' }, why)
    await fixture.appendAll(Array.from({ length: 1_000 }, (_, i) => ['a', String(i)] as const))
    await fixture.append('b', 'behind')
    await fixture.untilDone(1)
    expect(valuesOf(fixture)).toEqual(['behind'])
    expect(fixture.trigger.parkedKeys).toBe(1)
    expect(fixture.trigger.held).toBe(0)
    await until(() => fixture.trigger.parkedEvents === 1_000)
    expect(fixture.trigger.partitions()[0]?.inFlight).toBe(0)
  })

  it('is still paused after a restart, and so are the events that were parked before', async () => {
    const first = await open(succeeds)
    await first.trigger.pausePart({ kind: 'key', key: 'a' }, why)
    await first.append('a', '1')
    await until(() => first.trigger.parkedEvents === 1)
    await first.stop()
    const fixture = new DispatchFixture(first.dir)
    fixtures.push(fixture)
    fixtures.shift()
    await fixture.open(succeeds, {}, undefined, { partitions: new Map(), keys: new Map([['a', why]]) })
    await fixture.append('a', '2')
    await fixture.append('b', 'free')
    await fixture.untilDone(1)
    expect(valuesOf(fixture)).toEqual(['free'])
    fixture.trigger.resumePart({ kind: 'key', key: 'a' })
    await fixture.untilDone(3)
    expect(valuesOf(fixture)).toEqual(['free', '1', '2'])
  })

  it('holds its events without ordering, too', async () => {
    const fixture = await open(succeeds, { ordering: 'none' })
    await fixture.trigger.pausePart({ kind: 'key', key: 'a' }, why)
    await fixture.append('a', 'a1')
    await fixture.append('', 'none')
    await fixture.append('b', 'b1')
    await fixture.untilDone(2)
    expect([...valuesOf(fixture)].sort()).toEqual(['b1', 'none'])
    fixture.trigger.resumePart({ kind: 'key', key: 'a' })
    await fixture.untilDone(3)
  })
})

describe('a paused key where whole partitions are in order', () => {
  it('holds up its partition, in the log', async () => {
    const fixture = await open(succeeds, { ordering: 'partition', parkAfterMs: 0 })
    await fixture.trigger.pausePart({ kind: 'key', key: 'b' }, why)
    await fixture.appendAll(['a1', 'a2', 'b1', 'a3'].map(value => [value.charAt(0), value] as const))
    await fixture.untilDone(2)
    await until(() => fixture.trigger.held === 2)
    for (let i = 0; i < 50; i++) await turn()
    expect(valuesOf(fixture)).toEqual(['a1', 'a2'])
    expect(fixture.trigger.parkedKeys).toBe(0)
    fixture.trigger.resumePart({ kind: 'key', key: 'b' })
    await fixture.untilDone(4)
    expect(valuesOf(fixture)).toEqual(['a1', 'a2', 'b1', 'a3'])
  })

  it('is confirmed only when the run that it is part of is through', async () => {
    const gate = Promise.withResolvers<void>()
    const fixture = await open(
      async () => {
        await gate.promise
        return succeeded
      },
      { ordering: 'partition' },
    )
    // One worker takes all of them at once.
    fixture.pool.setWorkers(1)
    await fixture.appendAll(['a1', 'b1'].map(value => [value.charAt(0), value] as const))
    await until(() => fixture.trigger.running > 0)
    expect(fixture.trigger.running).toBe(2)
    let isConfirmed = false
    const paused = fixture.trigger.pausePart({ kind: 'key', key: 'b' }, why).then(() => (isConfirmed = true))
    for (let i = 0; i < 20; i++) await turn()
    expect(isConfirmed).toBe(false)
    gate.resolve()
    await paused
    expect(fixture.trigger.running).toBe(0)
    fixture.trigger.resumePart({ kind: 'key', key: 'b' })
    await fixture.untilDone(2)
  })
})

describe('a paused partition', () => {
  it('keeps its place in the log while the other one runs', async () => {
    const fixture = await open(succeeds)
    await fixture.trigger.pausePart({ kind: 'partition', partition: 0 }, why)
    for (let i = 0; i < 20; i++) {
      await fixture.append(`k${i}`, `zero${i}`, 0)
      await fixture.append(`k${i}`, `one${i}`, 1)
    }
    await fixture.untilDone(20)
    expect(valuesOf(fixture).every(value => value.startsWith('one'))).toBe(true)
    expect(await fixture.committed(0)).toBe(0)
    expect(fixture.trigger.parkedKeys).toBe(0)
    expect(fixture.trigger.held).toBe(20)
    fixture.trigger.resumePart({ kind: 'partition', partition: 0 })
    await fixture.untilDone(40)
    await until(async () => (await fixture.committed(0)) === 20)
  })
})

describe('a paused version', () => {
  it('waits with its keys, which go to no other version, and is passed by those of the other one', async () => {
    const fixture = await open(succeeds, { parkAfterMs: 1 })
    fixture.addVersion('2', succeeds)
    fixture.route({ latest: 50, 2: 50 })
    const paused = fixture.engines.get('2')?.pause(why)
    fixture.trigger.reroute()
    await paused
    const keys = Array.from({ length: 100 }, (_, i) => `k${i}`)
    await fixture.appendAll(keys.map(key => [key, key] as const))
    // Those that wait for long leave their places: the offset passes them.
    await until(async () => (await fixture.committed()) === 100)
    const ofLatest = valuesOf(fixture)
    expect(ofLatest.length).toBeGreaterThan(20)
    expect(ofLatest.length).toBeLessThan(80)
    expect(fixture.poolOf('2').seen).toEqual([])
    expect(fixture.trigger.parkedEvents).toBe(100 - ofLatest.length)
    fixture.engines.get('2')?.resume()
    fixture.trigger.reroute()
    await fixture.untilDone(100)
    const ofSecond = fixture.poolOf('2').seen.map(({ value }) => value)
    expect([...ofSecond, ...ofLatest].sort()).toEqual([...keys].sort())
  })

  it('parks nothing when it is the only one: all of it keeps its place in the log', async () => {
    const fixture = await open(succeeds, { parkAfterMs: 1, window: { maxEvents: 10, maxBytes: 1_000_000 } })
    const paused = fixture.dispatch.pause(why)
    fixture.trigger.reroute()
    await paused
    await fixture.appendAll(Array.from({ length: 30 }, (_, i) => [`k${i}`, String(i)] as const))
    await until(() => fixture.trigger.held === 10)
    for (let i = 0; i < 50; i++) await turn()
    expect(fixture.trigger.parkedKeys).toBe(0)
    expect(await fixture.committed()).toBe(0)
    expect(fixture.dispatch.runnable).toBe(0)
    fixture.dispatch.resume()
    fixture.trigger.reroute()
    await fixture.untilDone(30)
  })

  it('frees its keys when the routes leave it', async () => {
    const fixture = await open(succeeds, { parkAfterMs: 1 })
    fixture.addVersion('2', succeeds)
    fixture.route({ latest: 50, 2: 50 })
    void fixture.engines.get('2')?.pause(why)
    fixture.trigger.reroute()
    await fixture.appendAll(Array.from({ length: 40 }, (_, i) => [`k${i}`, String(i)] as const))
    await until(async () => (await fixture.committed()) === 40)
    fixture.route({ latest: 100 })
    await fixture.untilDone(40)
    expect(fixture.poolOf('2').seen).toEqual([])
  })

  it('refuses direct invocations, and settles those that wait as not started', async () => {
    const fixture = await open(succeeds)
    const paused = fixture.dispatch.pause(why)
    await paused
    expect(() => fixture.dispatch.invoke({} as never)).toThrow('function fn@latest is paused: test (me)')
  })
})

describe('pauses and resumptions in any order', () => {
  it('run every event once, in the order of its key, and none while its key or partition is paused', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('append' as const), key: fc.nat(3), partition: fc.nat(1) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('key' as const), key: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('partition' as const), partition: fc.nat(1) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
        const confirmed = new Set<string>()
        const wrong: string[] = []
        const fixture = new DispatchFixture()
        await fixture.open(
          async ({ key, value }) => {
            const [partition] = value.split('/')
            if (confirmed.has(`key ${key}`) || confirmed.has(`partition ${partition}`)) wrong.push(value)
            await turn()
            return succeeded
          },
          { parkAfterMs: 0 },
        )
        try {
          const sent = new Map<string, string[]>()
          let count = 0
          const toggle = async (name: string, part: Parameters<typeof fixture.trigger.resumePart>[0]) => {
            if (confirmed.delete(name)) fixture.trigger.resumePart(part)
            else {
              await fixture.trigger.pausePart(part, why)
              confirmed.add(name)
            }
          }
          for (const each of steps) {
            if (each.do === 'append') {
              const name = `${each.partition}/k${each.key}`
              const value = `${name}/${count++}`
              sent.set(name, [...(sent.get(name) ?? []), value])
              await fixture.append(`k${each.key}`, value, each.partition)
            } else if (each.do === 'key') await toggle(`key k${each.key}`, { kind: 'key', key: `k${each.key}` })
            else if (each.do === 'partition')
              await toggle(`partition ${each.partition}`, { kind: 'partition', partition: each.partition })
            else for (let i = 0; i < 5; i++) await turn()
          }
          for (const name of [...confirmed]) {
            const [kind, what] = name.split(' ') as ['key' | 'partition', string]
            await toggle(name, kind === 'key' ? { kind, key: what } : { kind, partition: Number(what) })
          }
          await fixture.untilDone(count)
          expect(wrong).toEqual([])
          const ran = new Map<string, string[]>()
          for (const { value } of fixture.pool.seen) {
            const name = value.slice(0, value.lastIndexOf('/'))
            ran.set(name, [...(ran.get(name) ?? []), value])
          }
          expect(Object.fromEntries(ran)).toEqual(Object.fromEntries(sent))
        } finally {
          await fixture.dispose()
        }
      }),
      { numRuns: 25 },
    )
  }, 120_000)
})
