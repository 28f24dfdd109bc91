import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { DispatchFixture } from './dispatch-fixture.ts'
import { failed, succeeded, type Script, type Seen } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

const delayed = { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 1, jitter: 0, mode: 'delayed' } as const
/** An attempt that does not come before the test moves the clock on. */
const muchLater = { ...delayed, initialDelayMs: 60_000, maxDelayMs: 60_000 }
const laterOn = { now: () => Date.now() + 120_000 }

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await turn()
}

async function open(script: Script, overrides: Parameters<DispatchFixture['open']>[1] = {}, dir?: string) {
  const fixture = new DispatchFixture(dir)
  fixtures.push(fixture)
  return fixture.open(script, { retry: delayed, ...overrides })
}

const runs = ({ pool }: DispatchFixture): string[] => pool.seen.map(({ value, attempt }) => `${value}/${attempt}`)
const failing =
  (...values: string[]): Script =>
  ({ value }: Seen) =>
    values.includes(value) ? failed() : succeeded

describe('a failed event of a trigger with delayed retries', () => {
  it('is overtaken by the later events of its key, and its partition flows on', async () => {
    const fixture = await open(failing('a1'), { retry: muchLater })
    for (const value of ['a1', 'a2', 'a3', 'b1']) await fixture.append(value[0] as string, value)
    await fixture.untilDone(3)
    await until(async () => (await fixture.committed()) === 4)
    expect(runs(fixture).filter(run => run.startsWith('a'))).toEqual(['a1/1', 'a2/1', 'a3/1'])
    expect(fixture.trigger.counters).toMatchObject({ delayed: 1, retried: 1, succeeded: 3 })
    expect([fixture.trigger.parkedKeys, fixture.trigger.parkedEvents]).toEqual([1, 1])
    // What comes later does not wait for it either.
    await fixture.append('a', 'a4')
    await fixture.untilDone(4)
  })

  it('keeps its attempts across a restart, and ends as a dead letter of its key with all of them', async () => {
    const first = await open(failing('a1'), { retry: muchLater })
    await first.append('a', 'a1')
    await first.append('a', 'a2')
    await first.untilDone(1)
    await until(async () => (await first.committed()) === 2)
    await first.stop()
    const second = await open(failing('a1'), laterOn, first.dir)
    await second.untilDone(1)
    expect(runs(second)).toEqual(['a1/2', 'a1/3'])
    const [letter] = await second.store.listDeadLetters('t', 1)
    expect(letter).toMatchObject({ key: 'a', offset: 0, reason: 'error' })
    expect(JSON.parse(letter?.failures ?? '[]')).toMatchObject([{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }])
    await until(() => second.trigger.parkedKeys === 0)
    // It left its order once, however often it failed.
    expect(second.trigger.counters.delayed).toBe(0)
  })

  it('does not wait for a clock that was set back while the gateway was down', async () => {
    const first = await open(failing('a1'), { retry: { ...muchLater, initialDelayMs: 50, maxDelayMs: 50 } })
    await first.append('a', 'a1')
    await until(() => first.trigger.parkedEvents === 1)
    await first.stop()
    const dayBefore = { now: () => Date.now() - 86_400_000 }
    const second = await open(() => succeeded, dayBefore, first.dir)
    await second.untilDone(1)
    expect(runs(second)).toEqual(['a1/2'])
  })

  it('is not run from the log again when the process died before its offset was committed', async () => {
    const never = new Promise<never>(() => undefined)
    const first = await open(({ value }) => (value === 'slow' ? never : failed()), { retry: muchLater })
    first.pool.setWorkers(4)
    // It stands in front: nothing is committed.
    await first.append('b', 'slow')
    await first.append('a', 'a1')
    await until(() => first.trigger.parkedEvents === 1)
    await first.stop(0)
    const second = await open(() => succeeded, laterOn, first.dir)
    expect(await second.committed()).toBe(0)
    await second.untilDone(2)
    await until(async () => (await second.committed()) === 2)
    expect(runs(second).toSorted()).toEqual(['a1/2', 'slow/1'])
  })

  it('leaves a key that is parked, too', async () => {
    const parking = { parkAfterMs: 0, retry: { ...muchLater, mode: 'in-order' as const } }
    const first = await open(failing('a1'), parking)
    for (const value of ['a1', 'a2', 'a3']) await first.append('a', value)
    await until(async () => (await first.committed()) === 3)
    await first.stop()
    const second = await open(failing('a1'), { ...laterOn, retry: muchLater }, first.dir)
    await second.untilDone(2)
    expect(runs(second)).toEqual(['a1/2', 'a2/1', 'a3/1'])
    await until(() => second.trigger.parkedKeys === 1)
    expect(second.trigger.parkedEvents).toBe(1)
    expect(await second.store.parkedKeys('t')).toMatchObject([{ key: '\0' + '0', events: 1 }])
  })

  it('holds up its key all the same when too many are set aside already', async () => {
    const fixture = await open(failing('a1', 'b1'), { retry: muchLater, maxParkedKeys: 1, parkAfterMs: 0 })
    await fixture.append('a', 'a1')
    await until(() => fixture.trigger.parkedKeys === 1)
    await fixture.append('b', 'b1')
    await until(() => fixture.trigger.counters.retried === 2)
    for (const value of ['b2', 'a2', 'c1']) await fixture.append(value[0] as string, value)
    await fixture.untilDone(2)
    for (let i = 0; i < 20; i++) await turn()
    expect(runs(fixture).toSorted()).toEqual(['a1/1', 'a2/1', 'b1/1', 'c1/1'])
    expect(fixture.trigger.counters).toMatchObject({ delayed: 1, parked: 1 })
  })

  it('is run by the version that its key chooses', async () => {
    const fixture = await open(({ attempt }) => (attempt === 1 ? failed() : succeeded))
    fixture.addVersion('2', ({ attempt }) => (attempt === 1 ? failed() : succeeded))
    fixture.route({ latest: 50, 2: 50 })
    for (let i = 0; i < 20; i++) await fixture.append(`k${i}`, `v${i}`)
    await fixture.untilDone(20)
    const byKey = new Map<string, Set<string>>()
    for (const { key, version } of [...fixture.pool.seen, ...fixture.poolOf('2').seen])
      byKey.set(key, (byKey.get(key) ?? new Set()).add(version))
    expect([...byKey.values()].every(versions => versions.size === 1)).toBe(true)
    expect(new Set([...byKey.values()].flatMap(versions => [...versions])).size).toBe(2)
  })
})

it('delayed retries lose nothing, and events that do not fail keep the order of their key', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', ''), failures: fc.nat(3) }), { maxLength: 40 }),
      async events => {
        const fixture = new DispatchFixture()
        await fixture.open(
          ({ value, attempt }) => (attempt <= (events[Number(value)]?.failures ?? 0) ? failed() : succeeded),
          { retry: delayed },
        )
        try {
          await fixture.appendAll(events.map(({ key }, index) => [key, String(index)]))
          await fixture.untilDone(events.length)
          await until(async () => (await fixture.committed()) === events.length)
          const letters = await fixture.store.listDeadLetters('t', 1_000)
          expect(letters.length).toBe(events.filter(({ failures }) => failures >= 3).length)
          for (const [index, { failures }] of events.entries()) {
            const attempts = fixture.pool.seen.filter(({ value }) => value === String(index))
            expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3].slice(0, failures + 1))
          }
          for (const key of ['a', 'b', 'c']) {
            const sound = fixture.pool.seen.filter(
              seen => seen.key === key && events[Number(seen.value)]?.failures === 0,
            )
            expect(sound.map(({ offset }) => offset)).toEqual(
              sound.map(({ offset }) => offset).toSorted((x, y) => x - y),
            )
          }
          await until(() => fixture.trigger.parkedKeys === 0)
          expect(await fixture.store.parkedKeys('t')).toEqual([])
        } finally {
          await fixture.dispose()
        }
      },
    ),
    { numRuns: 20 },
  )
})
