import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { DispatchFixture } from './dispatch-fixture.ts'
import { failed, succeeded, type Script, type Seen } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await turn()
}

async function open(script: Script, overrides: Parameters<DispatchFixture['open']>[1] = {}, dir?: string) {
  const fixture = new DispatchFixture(dir)
  fixtures.push(fixture)
  return fixture.open(script, { ordering: 'partition', ...overrides })
}

const offsets = (seen: readonly Seen[]): number[] => seen.map(({ offset }) => offset)
const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b)

describe('a trigger with the order of partitions', () => {
  it('runs a partition one event after the other, whatever their keys, and repeats a failed one in its place', async () => {
    let running = 0
    let most = 0
    const fixture = await open(async ({ value, attempt }) => {
      most = Math.max(most, ++running)
      await turn()
      running--
      return value === 'b1' && attempt < 3 ? failed() : succeeded
    })
    fixture.pool.setWorkers(8)
    await fixture.appendAll(['a1', 'b1', 'c1', '1', 'a2', 'd1'].map(value => [value.replace(/\d/, ''), value]))
    await fixture.untilDone(6)
    expect(fixture.pool.seen.map(({ value }) => value)).toEqual(['a1', 'b1', 'b1', 'b1', 'c1', '1', 'a2', 'd1'])
    expect(most).toBe(1)
  })

  it('keeps a blocked partition in the log, and the other partitions flow on', async () => {
    let broken = true
    const fixture = await open(({ value }) => (value === 'poison' && broken ? failed() : succeeded), {
      parkAfterMs: 0,
      retry: { maxAttempts: 1_000, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 },
      window: { maxEvents: 10, maxBytes: 1_000_000 },
    })
    await fixture.append('a', 'poison')
    for (let i = 1; i < 30; i++) await fixture.append(`k${i}`, `v${i}`)
    for (let i = 0; i < 30; i++) await fixture.append(`k${i}`, `w${i}`, 1)
    await fixture.untilDone(30)
    await until(() => fixture.trigger.counters.retried >= 5)
    expect(fixture.done.every(({ partition }) => partition === 1)).toBe(true)
    expect(fixture.trigger.parkedKeys).toBe(0)
    expect(fixture.trigger.partitions()[0]).toMatchObject({ completed: 0, inFlight: 10 })
    broken = false
    await fixture.untilDone(60)
    const first = fixture.done.filter(({ partition }) => partition === 0).map(({ record }) => record.offset)
    expect(first).toEqual(ascending(first))
  })

  it('goes on in order behind a dead letter', async () => {
    const fixture = await open(({ value }) => (value === 'poison' ? failed() : succeeded))
    for (const value of ['first', 'poison', 'last']) await fixture.append(value, value)
    await fixture.untilDone(3)
    expect(fixture.pool.seen.map(({ value }) => value)).toEqual(['first', 'poison', 'poison', 'poison', 'last'])
    expect(await fixture.store.listDeadLetters('t', 1)).toMatchObject([{ key: 'poison', offset: 1 }])
  })

  it('goes on where it stopped, with what was filtered behind that, and parks nothing', async () => {
    const settings = {
      parkAtStop: true,
      retry: { maxAttempts: 9, initialDelayMs: 60_000, maxDelayMs: 60_000, jitter: 0 },
      filter: (reader, record) => reader.attribute(record, 'id') !== 'no',
    } satisfies Parameters<DispatchFixture['open']>[1]
    const first = await open(({ value }) => (value === 'b' ? failed() : succeeded), settings)
    for (const value of ['a', 'b', 'no', 'c']) await first.append(value, value)
    await until(() => first.trigger.counters.retried === 1 && first.trigger.counters.filtered === 1)
    await first.stop()
    const second = await open(() => succeeded, settings, first.dir)
    expect(await second.store.parkedKeys('t')).toEqual([])
    await second.untilDone(2)
    expect(second.pool.seen.map(({ value }) => value)).toEqual(['b', 'c'])
  })

  it('keeps the order across the versions of an alias, and each key at its version', async () => {
    const order: number[] = []
    const versions = new Map<string, Set<string>>()
    const fixture = await open(() => succeeded, {
      onSeen: ({ offset, key, version }) => {
        order.push(offset)
        versions.set(key, (versions.get(key) ?? new Set()).add(version))
      },
    })
    fixture.addVersion('2', async () => {
      await turn()
      return succeeded
    })
    fixture.route({ latest: 50, 2: 50 })
    await fixture.appendAll(Array.from({ length: 100 }, (_, i) => [`k${i % 10}`, `v${i}`]))
    await fixture.untilDone(100)
    expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect([...versions.values()].every(({ size }) => size === 1)).toBe(true)
    expect(fixture.poolOf('2').seen.length).toBeGreaterThan(0)
    expect(fixture.pool.seen.length).toBeGreaterThan(0)
  })

  it('gives its order up for what delayed retries set aside', async () => {
    const fixture = await open(({ value }) => (value === 'a' ? failed() : succeeded), {
      retry: { maxAttempts: 3, initialDelayMs: 60_000, maxDelayMs: 60_000, jitter: 0, mode: 'delayed' },
    })
    for (const value of ['a', 'b', 'c']) await fixture.append(value, value)
    await fixture.untilDone(2)
    await until(async () => (await fixture.committed()) === 3)
    expect(offsets(fixture.pool.seen)).toEqual([0, 1, 2])
    expect(fixture.trigger.counters.delayed).toBe(1)
  })
})

it('the order of partitions holds for any mix of keys, failures and dying workers', async () => {
  const died = { kind: 'suspect', error: { reason: 'crash', name: 'E', message: 'died' } } as const
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          key: fc.constantFrom('a', 'b', ''),
          partition: fc.nat(1),
          failures: fc.nat(3),
          dies: fc.boolean(),
        }),
        { maxLength: 40 },
      ),
      async events => {
        const fixture = new DispatchFixture()
        const dead = new Set<string>()
        await fixture.open(
          ({ value, attempt }) => {
            const event = events[Number(value)]
            if (event?.dies === true && !dead.has(value)) {
              dead.add(value)
              return died
            }
            return attempt <= (event?.failures ?? 0) ? failed() : succeeded
          },
          { ordering: 'partition', parkAfterMs: 0 },
        )
        try {
          for (const [index, { key, partition }] of events.entries())
            await fixture.append(key, String(index), partition)
          await fixture.untilDone(events.length)
          for (const partition of [0, 1]) {
            const seen = fixture.pool.seen.filter(({ value }) => events[Number(value)]?.partition === partition)
            expect(offsets(seen)).toEqual(ascending(offsets(seen)))
          }
          const letters = await fixture.store.listDeadLetters('t', 1_000)
          expect(letters.length).toBe(events.filter(({ failures }) => failures >= 3).length)
          expect(fixture.trigger.counters.parked).toBe(0)
        } finally {
          await fixture.dispose()
        }
      },
    ),
    { numRuns: 20 },
  )
})
