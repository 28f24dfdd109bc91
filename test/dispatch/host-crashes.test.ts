import { rmSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import type { InvocationOutcome } from '../../src/workers/invocation.ts'
import { DispatchFixture } from './dispatch-fixture.ts'
import { succeeded, type Seen } from './scripted-pool.ts'

const error = { reason: 'crash', name: 'WorkerExit', message: 'the worker ended' } as const
const suspect: InvocationOutcome = { kind: 'suspect', error }
const retry = { maxAttempts: 1, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 }

let fixture: DispatchFixture
afterEach(() => {
  rmSync(fixture.dir, { recursive: true, force: true })
})

const suspects = (): ReturnType<DispatchFixture['store']['suspectsOf']> =>
  fixture.store.suspectsOf('t', 's', Date.now())

describe('an event that may have ended its worker', () => {
  it('is in the store before it runs alone, and no more when it came to an end; neighbours are not charged', async () => {
    const known: number[] = []
    const runs = new Map<string, number>()
    fixture = await new DispatchFixture().open(
      async ({ value }: Seen) => {
        const run = (runs.get(value) ?? 0) + 1
        runs.set(value, run)
        if (run === 1) return suspect
        const rows = await suspects()
        known.push(rows.filter(row => row.isRunning).length)
        return succeeded
      },
      { retry },
    )
    await fixture.appendAll(['a', 'b', 'c'].map(key => [key, `${key}1`] as const))
    await fixture.untilDone(3)
    expect(known.every(rows => rows >= 1)).toBe(true)
    expect(known).toHaveLength(3)
    expect(fixture.trigger.counters).toMatchObject({ succeeded: 3, failed: 0 })
    await fixture.trigger.stop(5_000)
    expect(await suspects()).toEqual([])
    await fixture.stop()
  })

  it('runs in a frame of its own while the others go on', async () => {
    let died = false
    fixture = await new DispatchFixture().open(({ value }) => {
      if (value !== 'b1' || died) return succeeded
      died = true
      return suspect
    })
    const frames: string[][] = []
    fixture.pool.onFrame = frame => frames.push(frame.map(({ record }) => String(record.value)))
    await fixture.appendAll(['a', 'b', 'c'].map(key => [key, `${key}1`] as const))
    await fixture.untilDone(3)
    expect(frames.filter(frame => frame.includes('b1')).at(-1)).toEqual(['b1'])
    await fixture.stop()
  })

  it('is counted across restarts: a second crash makes it a dead letter with its whole history', async () => {
    const crashed = Promise.withResolvers<void>()
    const options = { retry: { ...retry, initialDelayMs: 30_000, maxAttempts: 9 } }
    const failing: InvocationOutcome = { kind: 'failed', error, durationMs: 1, endedHost: true }
    fixture = await new DispatchFixture().open(({ value }) => {
      if (value !== 'killer') return succeeded
      crashed.resolve()
      return failing
    }, options)
    const { dir } = fixture
    await fixture.appendAll([
      ['k', 'killer'],
      ['k', 'behind'],
      ['other', 'x'],
    ])
    await crashed.promise
    while ((await suspects()).length === 0) await new Promise(resolve => setImmediate(resolve))
    await fixture.stop()

    fixture = await new DispatchFixture(dir).open(({ value }) => (value === 'killer' ? failing : succeeded), {
      retry: { ...retry, initialDelayMs: 1, maxAttempts: 9 },
    })
    // The other key comes again, because the offset behind the killer could not be committed.
    await fixture.untilDone(3)
    const [letter] = await fixture.store.listDeadLetters('t', 10)
    expect(letter).toMatchObject({ eventId: 'killer', reason: 'SLUICE_WORKERS_HOST_CRASH' })
    expect(JSON.parse(letter!.failures)).toMatchObject([{ attempt: 1 }, { attempt: 2 }])
    expect(fixture.pool.seen.filter(({ key }) => key === 'k').map(({ value }) => value)).toEqual(['killer', 'behind'])
    await fixture.stop()
  })
})

describe('an event that a worker had when the process ended', () => {
  const row = { trigger: 't', stream: 's', partition: 0, offset: 0, attempt: 1, failures: '[]', sinceMs: Date.now() }

  /** Starts a trigger on a store that knew the first event like this when the process ended. */
  async function openWith(known: { crashes: number; isRunning: boolean; isExclusive: boolean } | undefined) {
    fixture = await new DispatchFixture().open(() => succeeded)
    await fixture.trigger.stop(0)
    if (known !== undefined) await fixture.store.putSuspect({ ...row, ...known })
    await fixture.store.processEnded([row], Date.now())
    // The process after it may end before it has begun.
    await fixture.store.processEnded([row], Date.now())
    await fixture.appendAll([
      ['a', 'first'],
      ['b', 'second'],
    ])
    fixture.trigger = fixture.createTrigger({ quarantineMs: 20 })
    await fixture.trigger.start(undefined)
    await fixture.untilDone(2)
    const letters = await fixture.store.listDeadLetters('t', 10)
    await fixture.stop()
    return letters
  }

  it('has ended it when it ran with nothing beside it: the second time it does not run again', async () => {
    const letters = await openWith({ crashes: 1, isRunning: true, isExclusive: true })
    expect(letters).toMatchObject([{ eventId: 'first', reason: 'SLUICE_WORKERS_HOST_CRASH' }])
    expect(JSON.parse(letters[0]!.failures)).toMatchObject([
      { attempt: 1, stage: 'handler', message: 'the gateway process ended while the event ran alone in it' },
    ])
    expect(fixture.pool.seen.map(({ value }) => value)).toEqual(['second'])
  })

  it('runs once more after the first time, behind the others: they have got on when it does it again', async () => {
    expect(await openWith({ crashes: 0, isRunning: true, isExclusive: true })).toEqual([])
    expect(fixture.pool.seen).toMatchObject([
      { value: 'second', attempt: 1 },
      { value: 'first', attempt: 2 },
    ])
  })

  it.each([
    ['it had run beside others', { crashes: 1, isRunning: true, isExclusive: false }],
    ['it was not running alone', { crashes: 1, isRunning: false, isExclusive: true }],
    ['nothing was known of it', undefined],
  ])('is not charged for it when %s', async (_why, known) => {
    expect(await openWith(known)).toEqual([])
    expect(fixture.pool.seen.map(({ value }) => value).toSorted()).toEqual(['first', 'second'])
    expect(fixture.pool.seen.map(({ attempt }) => attempt)).toEqual([1, 1])
  })

  it('holds up no stop while it waits for its turn', async () => {
    fixture = await new DispatchFixture().open(() => succeeded)
    await fixture.trigger.stop(0)
    await fixture.store.putSuspect({ ...row, crashes: 0, isRunning: true, isExclusive: true })
    await fixture.store.processEnded([row], Date.now())
    await fixture.append('a', 'first')
    fixture.trigger = fixture.createTrigger({ quarantineMs: 600_000 })
    await fixture.trigger.start(undefined)
    while (fixture.trigger.running === 0) await new Promise(resolve => setImmediate(resolve))
    await fixture.trigger.stop(50)
    expect(fixture.pool.seen).toEqual([])
    await fixture.stop()
  })
})
