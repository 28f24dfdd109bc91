import { afterEach, describe, expect, it } from 'vitest'
import type { RouteTarget } from '../../src/dispatch/route.ts'
import type { RedriveProgress, RedriveSpec } from '../../src/store/dead-letters.ts'
import { DispatchFixture, type FixtureOptions } from './dispatch-fixture.ts'
import { failed, succeeded, type Script } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

const retry = { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 }

async function open(script: Script, options: FixtureOptions = {}, dir?: string): Promise<DispatchFixture> {
  const fixture = new DispatchFixture(dir)
  fixtures.push(fixture)
  return fixture.open(script, { retry, ...options })
}

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise(resolve => setImmediate(resolve))
}

/** The store's part of a redrive: from here on the event is parked. */
async function park({ store }: DispatchFixture, more: Partial<RedriveSpec> = {}): Promise<RedriveProgress> {
  const spec = { trigger: 't', filter: {}, upToId: 1_000, total: 1_000, guarded: 0, force: false, ...more }
  const { id } = await store.startRedrive(spec, 1)
  return (await store.advanceRedrive(id, { limit: 100, maxInFlight: 100, nowMs: 1 }))!
}

const runs = ({ pool }: DispatchFixture): string[] => pool.seen.map(({ value, attempt }) => `${value}/${attempt}`)
const letters = ({ store }: DispatchFixture) => store.listDeadLetters('t', 100)

/** A trigger with one dead letter, of the event `bad` with the key `a`. */
async function withLetter(options: FixtureOptions = {}): Promise<DispatchFixture> {
  const fixture = await open(() => failed('not yet'), options)
  await fixture.append('a', 'bad')
  await fixture.untilDone(1)
  fixture.pool.seen.length = 0
  return fixture
}

describe('a dead letter that is redriven', () => {
  it('is run by its trigger with a fresh count of attempts, is gone then, and the stream has nothing new', async () => {
    const fixture = await withLetter()
    fixture.pool.script = () => succeeded
    const { inFlight } = await park(fixture)
    fixture.trigger.redrive(inFlight)
    await fixture.untilDone(2)
    await until(async () => (await letters(fixture)).length === 0)
    expect(runs(fixture)).toEqual(['bad/1'])
    expect((await fixture.log.ends())[0]?.end).toBe(1)
    expect(fixture.done.at(-1)?.record.value?.toString()).toBe('bad')
    expect((await fixture.store.redrives('t'))[0]).toMatchObject({ redriven: 1, succeeded: 1, failed: 0, inFlight: 0 })
    await until(() => fixture.trigger.parkedKeys === 0)
  })

  it('is the same letter again with its whole history when it fails again', async () => {
    const fixture = await withLetter()
    fixture.pool.script = () => failed('still not')
    fixture.trigger.redrive((await park(fixture)).inFlight)
    await fixture.untilDone(2)
    const [letter, ...others] = await letters(fixture)
    expect(others).toEqual([])
    expect(letter).toMatchObject({ id: 1, key: 'a', message: 'still not', redriveCount: 1, redrive: 0, attempts: 4 })
    expect(JSON.parse(letter?.failures ?? '')).toMatchObject([
      { attempt: 1, message: 'not yet' },
      { attempt: 2, message: 'not yet' },
      { attempt: 1, message: 'still not', redrive: 1 },
      { attempt: 2, message: 'still not', redrive: 1 },
    ])
  })

  it('goes past the filter, and neither waits for its key nor holds it up', async () => {
    const fixture = await withLetter()
    const first = Promise.withResolvers<typeof succeeded>()
    const again = Promise.withResolvers<typeof succeeded>()
    fixture.pool.script = ({ value }) => (value === 'a2' ? first.promise : value === 'bad' ? again.promise : succeeded)
    fixture.pool.setWorkers(4)
    await fixture.append('a', 'a2')
    await until(() => runs(fixture).includes('a2/1'))
    // Its key is busy, and it runs all the same.
    fixture.trigger.redrive((await park(fixture)).inFlight)
    await until(() => runs(fixture).includes('bad/1'))
    first.resolve(succeeded)
    await fixture.append('a', 'a3')
    await until(() => runs(fixture).includes('a3/1'))
    again.resolve(succeeded)
    await fixture.untilDone(4)
  })

  it('is run once, however often the trigger is told', async () => {
    const fixture = await withLetter()
    const running = Promise.withResolvers<typeof succeeded>()
    fixture.pool.script = () => running.promise
    const { inFlight } = await park(fixture)
    for (let turn = 0; turn < 3; turn++) fixture.trigger.redrive(inFlight)
    await until(() => runs(fixture).length > 0)
    fixture.trigger.redrive(inFlight)
    running.resolve(succeeded)
    await fixture.untilDone(2)
    await until(() => fixture.trigger.parkedKeys === 0)
    fixture.trigger.redrive(inFlight)
    await until(() => fixture.trigger.parkedKeys === 0)
    expect(runs(fixture)).toEqual(['bad/1'])
  })

  it('runs after a restart when the process died before the trigger was told', async () => {
    const first = await withLetter()
    await park(first)
    await first.stop()
    const second = await open(() => succeeded, {}, first.dir)
    await second.untilDone(1)
    await until(async () => (await letters(second)).length === 0)
    expect(runs(second)).toEqual(['bad/1'])
  })

  it('is not taken out by the end of its last life when another redrive takes it at once', async () => {
    const fixture = await withLetter()
    const { store } = fixture
    const put = store.putDeadLetter.bind(store)
    // The second redrive takes the letter right behind the write that makes it one again.
    let second: Promise<RedriveProgress> | undefined
    store.putDeadLetter = letter => {
      const written = put(letter)
      second ??= park(fixture)
      return written
    }
    fixture.trigger.redrive((await park(fixture)).inFlight)
    await fixture.untilDone(2)
    const { inFlight } = (await second)!
    expect(inFlight).toHaveLength(1)
    fixture.pool.script = () => succeeded
    fixture.trigger.redrive(inFlight)
    await fixture.untilDone(3)
    const jobs = async () => (await store.redrives('t')).map(({ succeeded: done, failed: back }) => [done, back])
    await until(async () => (await letters(fixture)).length === 0)
    expect(await jobs()).toEqual([
      [1, 0],
      [0, 1],
    ])
  })

  it('is run by the version that the redrive wants, for each of its attempts', async () => {
    const fixture = await withLetter()
    fixture.addVersion('4', ({ attempt }) => (attempt === 1 ? failed() : succeeded))
    const wanted: readonly RouteTarget[] = [fixture.target('4', 100)]
    fixture.routes.targetsOf = ({ wantedVersion }) => (wantedVersion === '4' ? wanted : fixture.routes.targets)
    fixture.trigger.redrive((await park(fixture, { version: '4' })).inFlight)
    await fixture.untilDone(2)
    expect(fixture.poolOf('4').seen.map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(runs(fixture)).toEqual([])
  })

  it('waits while its trigger is paused', async () => {
    const fixture = await withLetter()
    fixture.pool.script = () => succeeded
    await fixture.trigger.pause({ reason: 'r', by: 'b', sinceMs: 1 })
    fixture.trigger.redrive((await park(fixture)).inFlight)
    await until(() => fixture.trigger.parkedEvents === 1)
    expect(runs(fixture)).toEqual([])
    fixture.trigger.resume()
    await fixture.untilDone(2)
  })
})
