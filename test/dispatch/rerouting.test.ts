import { afterEach, describe, expect, it } from 'vitest'
import type { FailedAttempt } from '../../src/dispatch/delivery.ts'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { DispatchFixture, type FixtureOptions } from './dispatch-fixture.ts'
import { failed, succeeded, type Script, type Seen } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

/** Versions 1, 2 and 3 with one script; all events go to version 1. */
async function open(script: Script, options: FixtureOptions = {}) {
  const seen: Seen[] = []
  const fixture = new DispatchFixture()
  fixtures.push(fixture)
  await fixture.open(script, { ...options, onSeen: each => seen.push(each) })
  for (const name of ['1', '2', '3']) fixture.addVersion(name, script)
  fixture.route({ 1: 100 })
  return { fixture, seen }
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await turn()
}
const ranOn = (seen: readonly Seen[], value: string): string[] =>
  seen.filter(each => each.value === value).map(({ version }) => version)

describe('a trigger of several versions', () => {
  it('gives all events of a key to one version, and each version its share of the keys', async () => {
    const { fixture, seen } = await open(() => succeeded)
    fixture.route({ 1: 50, 2: 30, 3: 20 })
    await Promise.all(Array.from({ length: 300 }, (_, i) => fixture.append(`k${i % 100}`, String(i))))
    await fixture.untilDone(300)
    const versions = new Map<string, Set<string>>()
    for (const { key, version } of seen) versions.set(key, (versions.get(key) ?? new Set()).add(version))
    expect([...versions.values()].every(({ size }) => size === 1)).toBe(true)
    expect(new Set(seen.map(({ version }) => version))).toEqual(new Set(['1', '2', '3']))
    expect([...fixture.engines.values()].map(({ stats }) => stats.counts.succeeded)).toEqual([
      0,
      ...['1', '2', '3'].map(name => seen.filter(({ version }) => version === name).length),
    ])
  })

  it('runs what waits for a worker on the version that the routes name now', async () => {
    const { fixture, seen } = await open(() => succeeded)
    fixture.poolOf('1').setWorkers(0)
    for (let i = 0; i < 10; i++) await fixture.append(`k${i % 3}`, String(i))
    await until(() => fixture.engines.get('1')?.runnable === 10)
    fixture.route({ 2: 100 })
    await fixture.untilDone(10)
    expect(new Set(seen.map(({ version }) => version))).toEqual(new Set(['2']))
    expect(seen.filter(({ key }) => key === 'k0').map(({ value }) => value)).toEqual(['0', '3', '6', '9'])
    expect(fixture.engines.get('1')?.routes).toEqual([])
  })

  it('ends on its version what runs there, and only then goes on with the key elsewhere', async () => {
    const gate = Promise.withResolvers<void>()
    const { fixture, seen } = await open(async ({ value }) => {
      if (value === 'a1') await gate.promise
      return succeeded
    })
    await fixture.append('a', 'a1')
    await until(() => seen.length === 1)
    fixture.route({ 2: 100 })
    await fixture.append('a', 'a2')
    await fixture.append('b', 'b1')
    await fixture.untilDone(1)
    expect(seen.map(({ value }) => value)).toEqual(['a1', 'b1'])
    const old = fixture.engines.get('1')
    let isRetired = false
    const retired = old?.retired().then(() => (isRetired = true))
    await turn()
    expect(isRetired).toBe(false)
    gate.resolve()
    await retired
    await fixture.untilDone(3)
    expect([...ranOn(seen, 'a1'), ...ranOn(seen, 'a2'), ...ranOn(seen, 'b1')]).toEqual(['1', '2', '2'])
    expect(old?.isIdle).toBe(true)
  })

  it('repeats a failed attempt on the version that is there now, by the retry of the one that failed', async () => {
    const { fixture, seen } = await open(() => failed(), {
      retry: { maxAttempts: 1_000, initialDelayMs: 60_000, maxDelayMs: 60_000, jitter: 0 },
      parkAfterMs: 600_000,
    })
    const target = fixture.target('1', 100)
    fixture.routes.targets = [{ ...target, retry: { ...target.retry, initialDelayMs: 1, maxDelayMs: 1 } }]
    fixture.trigger.reroute()
    fixture.poolOf('1').script = ({ attempt }) => {
      // Two attempts here, then the version is gone; the new one allows five.
      if (attempt === 2) {
        const fresh = fixture.target('2', 100)
        fixture.routes.targets = [
          { ...fresh, retry: { ...fresh.retry, maxAttempts: 5, initialDelayMs: 1, maxDelayMs: 1 } },
        ]
        fixture.trigger.reroute()
      }
      return failed()
    }
    await fixture.append('a', 'poison')
    await fixture.untilDone(1)
    expect(seen.map(({ version, attempt }) => `${version}/${attempt}`)).toEqual(['1/1', '1/2', '2/3', '2/4', '2/5'])
    const [letter] = await fixture.store.listDeadLetters('t', 1)
    expect(letter?.function).toBe('fn@2')
    const failures = JSON.parse(letter?.failures ?? '[]') as FailedAttempt[]
    expect(failures.map(({ version }) => version)).toEqual(['1', '1', '2', '2', '2'])
    const [first, second] = ['1', '2'].map(name => fixture.engines.get(name)?.stats.counts)
    expect(first).toMatchObject({ failures: 2, retries: 2, deadLetters: 0 })
    expect(second).toMatchObject({ failures: 3, retries: 2, deadLetters: 1 })
  })

  it('chooses anew for a key that comes back from the parked store', async () => {
    const { fixture, seen } = await open(({ version }) => (version === '1' ? failed() : succeeded), {
      parkAfterMs: 0,
      retry: { maxAttempts: 1_000, initialDelayMs: 20, maxDelayMs: 20, jitter: 0 },
    })
    for (const value of ['a1', 'a2']) await fixture.append('a', value)
    await until(() => fixture.trigger.parkedKeys === 1)
    fixture.route({ 2: 100 })
    await fixture.untilDone(2)
    const last = seen.slice(-2)
    expect(last.map(({ value, version }) => `${value} on ${version}`)).toEqual(['a1 on 2', 'a2 on 2'])
  })

  it('gives an event without a key to the same version again, and one without ordering by its key, also from the store', async () => {
    const versions = new Map<string, Set<string>>()
    const { fixture, seen } = await open(({ attempt }) => (attempt < 3 ? failed() : succeeded), {
      ordering: 'none',
      parkAfterMs: 0,
      retry: { maxAttempts: 5, initialDelayMs: 5, maxDelayMs: 5, jitter: 0 },
    })
    fixture.route({ 1: 34, 2: 33, 3: 33 })
    for (let i = 0; i < 30; i++) await fixture.append(i < 20 ? '' : `k${i % 3}`, String(i))
    await fixture.untilDone(30)
    expect(fixture.trigger.counters.parked).toBeGreaterThan(0)
    for (const { value, key, version } of seen) {
      const name = key === '' ? `event ${value}` : key
      versions.set(name, (versions.get(name) ?? new Set()).add(version))
    }
    expect(versions.size).toBe(23)
    expect([...versions.values()].every(({ size }) => size === 1)).toBe(true)
    expect(new Set(seen.map(({ version }) => version)).size).toBe(3)
  })

  it('lets results reach what the role of the version that made them allows', async () => {
    const delivered: string[] = []
    const sink: Sink = {
      name: 'out',
      kind: 'http',
      start: () => Promise.resolve(),
      close: () => Promise.resolve(),
      health: () => ({ ready: true }),
      deliver: ({ policy, header }) => {
        if (policy.role?.sinks?.length === 0) return Promise.reject(new SluiceError('SLUICE_SINKS_FORBIDDEN', 'no'))
        delivered.push(header.source)
        return Promise.resolve()
      },
    }
    const { fixture } = await open(
      ({ value }) => ({
        kind: 'succeeded',
        durationMs: 1,
        results: [{ meta: {}, contentType: 'text/plain', data: Buffer.from(`result of ${value}`) }],
      }),
      { sinks: [sink] },
    )
    await fixture.append('a', 'allowed')
    await fixture.untilDone(1)
    const policy = { role: { sinks: [] }, network: undefined }
    fixture.routes.targets = [{ ...fixture.target('2', 100), policy }]
    fixture.trigger.reroute()
    await fixture.append('a', 'denied')
    await fixture.untilDone(2)
    expect(delivered).toEqual(['/functions/fn'])
    const [letter] = await fixture.store.listDeadLetters('t', 2)
    expect(letter).toMatchObject({ stage: 'sink', reason: 'SLUICE_SINKS_FORBIDDEN', function: 'fn@2' })
    const [kept] = JSON.parse(letter?.results ?? '[]') as { data: string }[]
    expect(Buffer.from(kept?.data ?? '', 'base64').toString()).toBe('result of denied')
    expect(fixture.engines.get('2')?.stats.counts).toMatchObject({ succeeded: 1, deadLetters: 1 })
  })
})

describe('events that no version can run', () => {
  it('wait in their order, bounded by the window, and say why', async () => {
    const { fixture, seen } = await open(() => succeeded, { window: { maxEvents: 5, maxBytes: 1_000_000 } })
    fixture.routes.problem = 'fn@4 is not there'
    fixture.route({})
    for (let i = 0; i < 20; i++) await fixture.append('a', String(i))
    await until(() => fixture.trigger.unrouted === 5)
    expect(fixture.trigger.detail).toBe('5 events wait: fn@4 is not there')
    expect(fixture.trigger.problem).toBeUndefined()
    expect(fixture.trigger.state).toBe('running')
    expect(fixture.trigger.counters.received).toBe(5)
    expect(await fixture.committed()).toBe(0)
    fixture.route({ 3: 100 })
    await fixture.untilDone(20)
    expect(seen.map(({ value }) => value)).toEqual(Array.from({ length: 20 }, (_, i) => String(i)))
    expect(fixture.trigger.detail).toBeUndefined()
  })

  it('are dead letters when no version ever will, and their key goes on', async () => {
    const { fixture, seen } = await open(() => succeeded)
    fixture.routes.targetsOf = ({ record }) => {
      if (record.value?.toString().startsWith('lost'))
        throw new SluiceError('SLUICE_DISPATCH_UNRESOLVED', 'function fn has no alias nowhere')
      return fixture.routes.targets
    }
    // One worker that is busy, so that what comes in between stands inside of a run.
    for (const value of ['a1', 'lost1', 'lost2', 'a2']) await fixture.append('a', value)
    await fixture.untilDone(4)
    expect(seen.map(({ value }) => value)).toEqual(['a1', 'a2'])
    const letters = await fixture.store.listDeadLetters('t', 10)
    expect(letters.length).toBe(2)
    expect(letters[0]).toMatchObject({
      stage: 'handler',
      function: '',
      reason: 'SLUICE_DISPATCH_UNRESOLVED',
      message: 'function fn has no alias nowhere',
      failures: '[]',
    })
    await fixture.trigger.stop(1_000)
    expect(await fixture.committed()).toBe(4)
  })

  it('are not given up while the trigger is paused', async () => {
    const { fixture, seen } = await open(() => succeeded)
    await fixture.trigger.pause({ reason: 'the version comes soon', by: 'me', sinceMs: 1 })
    let isThere = false
    fixture.routes.targetsOf = () => {
      if (!isThere) throw new SluiceError('SLUICE_DISPATCH_UNRESOLVED', 'not there')
      return fixture.routes.targets
    }
    await fixture.append('a', 'early')
    await until(() => fixture.trigger.unrouted === 1)
    isThere = true
    fixture.trigger.resume()
    await fixture.untilDone(1)
    expect(seen.map(({ value }) => value)).toEqual(['early'])
    expect(await fixture.store.countDeadLetters()).toEqual(new Map())
  })

  it('hold back later events of their key that another version could run', async () => {
    const { fixture, seen } = await open(() => succeeded)
    // As asynchronous invocations: each event says which version it wants.
    fixture.routes.targetsOf = ({ record }) => {
      const wanted = record.value?.toString().at(-1) as string
      return fixture.routes.targets.filter(({ engine }) => engine.pool.version.version === wanted)
    }
    fixture.route({ 1: 50, 2: 50 })
    for (const value of ['x1', 'y3', 'z1', 'z2', 'u2']) await fixture.append('a', value)
    await fixture.append('b', 'v2')
    await fixture.untilDone(2)
    await turn()
    expect(seen.map(({ value }) => value).sort()).toEqual(['v2', 'x1'])
    fixture.route({ 1: 40, 2: 30, 3: 30 })
    await fixture.untilDone(6)
    const order = seen.filter(({ key }) => key === 'a')
    expect(order.map(({ value }) => value)).toEqual(['x1', 'y3', 'z1', 'z2', 'u2'])
    expect(order.every(({ value, version }) => value.endsWith(version))).toBe(true)
  })
})
