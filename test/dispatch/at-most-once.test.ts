import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import type { OutgoingResult, Sink } from '../../src/sinks/sink.ts'
import { DispatchFixture } from './dispatch-fixture.ts'
import { ScriptedLog } from './scripted-log.ts'
import { failed, succeeded, type Script } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await turn()
}

type Overrides = Parameters<DispatchFixture['open']>[1]

async function open(script: Script, overrides: Overrides = {}, dir?: string) {
  const fixture = new DispatchFixture(dir)
  fixtures.push(fixture)
  return fixture.open(script, { delivery: 'at-most-once', ...overrides })
}

const values = ({ pool }: DispatchFixture): string[] => pool.seen.map(({ value }) => value)

describe('a trigger that delivers at most once', () => {
  it('runs an event only when a commit past it is durable', async () => {
    const committed: number[] = []
    const fixture: DispatchFixture = await open(async ({ offset }) => {
      committed.push((await fixture.committed()) - offset)
      return succeeded
    })
    for (let i = 0; i < 40; i++) await fixture.append(`k${i % 4}`, `v${i}`)
    await fixture.untilDone(40)
    expect(committed.every(ahead => ahead > 0)).toBe(true)
  })

  it('runs nothing while the log takes no commit, and everything once when it does again', async () => {
    const log = new ScriptedLog()
    const fixture = await open(() => succeeded, { log })
    let refusals = 3
    log.beforeCommit = () => {
      if (refusals === 0) return Promise.resolve()
      refusals--
      expect(values(fixture)).toEqual([])
      return Promise.reject(new Error('no coordinator'))
    }
    log.assign()
    log.add(['a', 'v0'], ['a', 'v1'], ['b', 'v2'])
    await fixture.untilDone(3)
    expect(refusals).toBe(0)
    expect(values(fixture).toSorted()).toEqual(['v0', 'v1', 'v2'])
  })

  it('runs what it has claimed to its end when its partition is taken away, and nothing of the next owner meanwhile', async () => {
    const log = new ScriptedLog()
    const gate = Promise.withResolvers<void>()
    const fixture = await open(
      async ({ value }) => {
        if (value === 'a0') await gate.promise
        return succeeded
      },
      { log },
    )
    log.assign()
    log.add(['a', 'a0'], ['a', 'a1'], ['b', 'b0'])
    await until(() => fixture.done.length === 1 && log.commits.at(-1)?.offset === 3)
    log.revoke()
    log.assign()
    log.add(['a', 'a2'], ['b', 'b1'])
    for (let i = 0; i < 20; i++) await turn()
    expect(values(fixture).toSorted()).toEqual(['a0', 'b0'])
    gate.resolve()
    await fixture.untilDone(5)
    expect(values(fixture).filter(value => value.startsWith('a'))).toEqual(['a0', 'a1', 'a2'])
    expect(values(fixture).length).toBe(5)
  })

  it('does not run what was being committed when its partition was taken away', async () => {
    const log = new ScriptedLog()
    const asked = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const fixture = await open(() => succeeded, { log })
    log.beforeCommit = () => {
      asked.resolve()
      return gate.promise
    }
    log.assign()
    log.add(['a', 'a0'])
    await asked.promise
    log.revoke()
    gate.resolve()
    for (let i = 0; i < 20; i++) await turn()
    expect(values(fixture)).toEqual([])
    expect(fixture.logged.join()).toContain('1 offsets were being committed')
  })

  it('tries nothing again: a failure is a dead letter, whatever the retry of the function says', async () => {
    const fixture = await open(({ value }) => (value === 'poison' ? failed('broken') : succeeded))
    for (const value of ['poison', 'next']) await fixture.append('a', value)
    await fixture.untilDone(2)
    expect(values(fixture)).toEqual(['poison', 'next'])
    const letters = await fixture.store.listDeadLetters('t', 10)
    expect(letters).toMatchObject([{ stage: 'handler', reason: 'error', message: 'broken', key: 'a' }])
  })

  it.each([
    ['a suspect', { kind: 'suspect', error: { reason: 'crash', name: 'E', message: 'died' } } as const],
    [
      'one of a batch that failed',
      {
        kind: 'batch-failed',
        error: { reason: 'crash', name: 'E', message: 'died' },
        durationMs: 1,
        part: { events: 1 },
      } as const,
    ],
    ['one that was interrupted', { kind: 'not-started', interrupted: true } as const],
  ])('does not run %s a second time: it is a dead letter', async (_what, outcome) => {
    const fixture = await open(({ value }) => (value === 'victim' ? outcome : succeeded))
    for (const value of ['victim', 'next']) await fixture.append('a', value)
    await fixture.untilDone(2)
    expect(values(fixture)).toEqual(['victim', 'next'])
    expect(await fixture.store.listDeadLetters('t', 10)).toMatchObject([{ stage: 'handler', reason: 'crash' }])
  })

  it('runs what has surely not started', async () => {
    let first = true
    const fixture = await open(() => {
      if (!first) return succeeded
      first = false
      return { kind: 'not-started' }
    })
    await fixture.append('a', 'v')
    await fixture.untilDone(1)
    expect(values(fixture)).toEqual(['v', 'v'])
  })

  it('never repeats after a crash, and loses no more than its window', async () => {
    const never = new Promise<never>(() => undefined)
    const first = await open(({ offset }) => (offset < 5 ? succeeded : never), {
      window: { maxEvents: 10, maxBytes: 1_000_000 },
    })
    first.pool.setWorkers(50)
    for (let i = 0; i < 50; i++) await first.append(`k${i}`, `v${i}`)
    await until(() => first.done.length === 5 && first.trigger.partitions()[0]?.inFlight === 10)
    await until(async () => (await first.committed()) === 15)
    await first.log.close()
    await first.store.close()
    const second = new DispatchFixture(first.dir)
    fixtures.splice(0, 1, second)
    await second.open(() => succeeded, { delivery: 'at-most-once' })
    await second.untilDone(35)
    await until(async () => (await second.committed()) === 50)
    const again = new Set(values(first))
    expect(values(second).filter(value => again.has(value))).toEqual([])
    expect(values(second).length).toBe(35)
  })

  it('keeps what it has taken and not run across a clean stop, in order, and runs it once', async () => {
    const began = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const first = await open(async ({ value }) => {
      if (value !== 'a0') return succeeded
      began.resolve()
      await gate.promise
      return succeeded
    })
    first.pool.setWorkers(1)
    for (const value of ['a0', 'a1', 'b0', 'a2', 'b1', '']) await first.append(value.slice(0, 1), value)
    await began.promise
    await until(async () => (await first.committed()) === 6)
    const stopping = first.trigger.stop(60_000)
    gate.resolve()
    expect(await stopping).toBe(true)
    await first.stop()
    const second = await open(() => succeeded, {}, first.dir)
    await second.append('a', 'a3')
    await second.untilDone(7 - first.done.length)
    const seen = [...values(first), ...values(second)]
    expect(seen.toSorted()).toEqual(['', 'a0', 'a1', 'a2', 'a3', 'b0', 'b1'])
    expect(seen.filter(value => value.startsWith('a'))).toEqual(['a0', 'a1', 'a2', 'a3'])
    expect(seen.filter(value => value.startsWith('b'))).toEqual(['b0', 'b1'])
    await until(() => second.trigger.parkedKeys === 0)
  })

  it('keeps what a stop without time to drain has not started', async () => {
    const never = new Promise<never>(() => undefined)
    const first = await open(({ value }) => (value === 'slow' ? never : succeeded))
    first.pool.setWorkers(1)
    await first.append('a', 'slow')
    await until(() => first.pool.seen.length === 1)
    await first.appendAll(['b', 'c', 'd'].map(key => [key, key]))
    await until(async () => (await first.committed()) === 4)
    expect(await first.trigger.stop(200)).toBe(false)
    await first.stop(0)
    const second = await open(() => succeeded, {}, first.dir)
    await second.untilDone(3)
    expect(values(second).toSorted()).toEqual(['b', 'c', 'd'])
  })

  it('takes a parked event out of the store before it runs it', async () => {
    const first = await open(() => succeeded)
    first.routes.targets = []
    first.trigger.reroute()
    await first.appendAll([
      ['a', 'a0'],
      ['a', 'a1'],
    ])
    await until(() => first.trigger.unrouted === 2)
    expect(await first.trigger.stop(5_000)).toBe(true)
    expect((await first.store.parkedOf('t', 's', 0, 'a', 10)).length).toBe(2)
    await first.stop()
    const stored: number[] = []
    const second = new DispatchFixture(first.dir)
    fixtures.push(second)
    await second.open(
      async () => {
        stored.push((await second.store.parkedOf('t', 's', 0, 'a', 10)).length)
        return succeeded
      },
      { delivery: 'at-most-once' },
    )
    await second.untilDone(2)
    expect(stored).toEqual([0, 0])
  })

  it('takes nothing while it is paused, so that a crash meanwhile loses nothing', async () => {
    const fixture = await open(() => succeeded)
    await fixture.trigger.pause({ reason: 'r', by: 'b', sinceMs: 1 })
    for (let i = 0; i < 20; i++) await fixture.append('a', `v${i}`)
    for (let i = 0; i < 20; i++) await turn()
    expect(await fixture.committed()).toBe(0)
    expect(fixture.trigger.counters.received).toBe(0)
    fixture.trigger.resume()
    await fixture.untilDone(20)
    expect(values(fixture)).toEqual(Array.from({ length: 20 }, (_, i) => `v${i}`))
  })

  it('keeps a paused key in the store until the pause is over, and runs its events once then', async () => {
    const fixture = await open(() => succeeded)
    await fixture.trigger.pausePart({ kind: 'key', key: 'a' }, { reason: 'r', by: 'b', sinceMs: 1 })
    for (const value of ['a0', 'b0', 'a1']) await fixture.append(value[0] as string, value)
    await fixture.untilDone(1)
    await until(() => fixture.trigger.parkedEvents === 2)
    for (let i = 0; i < 50; i++) await turn()
    expect((await fixture.store.parkedOf('t', 's', 0, 'a', 10)).length).toBe(2)
    fixture.trigger.resumePart({ kind: 'key', key: 'a' })
    await fixture.untilDone(3)
    expect(values(fixture)).toEqual(['b0', 'a0', 'a1'])
    await until(() => fixture.trigger.parkedKeys === 0)
  })

  it('repeats a result that a sink does not take, never the handler', async () => {
    let refusals = 2
    const sink: Sink = {
      name: 'out',
      kind: 'http',
      start: () => Promise.resolve(),
      close: () => Promise.resolve(),
      health: () => ({ ready: true }),
      deliver: (_result: OutgoingResult) =>
        refusals-- > 0 ? Promise.reject(new SluiceError('SLUICE_LOG_FULL', 'not now')) : Promise.resolve(),
    }
    const results = [{ meta: {}, contentType: 'text/plain', data: Buffer.from('r') }]
    const fixture = await open(() => ({ kind: 'succeeded', durationMs: 1, results }), { sinks: [sink] })
    await fixture.append('a', 'v')
    await fixture.untilDone(1)
    expect(values(fixture)).toEqual(['v'])
  })

  it.each(['key', 'partition', 'none'] as const)(
    'keeps the order %s across a stop, and loses nothing',
    async ordering => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 30 }),
          fc.nat(20),
          async (keys, turns) => {
            const settings = { delivery: 'at-most-once', ordering } as const
            const first = new DispatchFixture()
            await first.open(async () => {
              await turn()
              return succeeded
            }, settings)
            await first.appendAll(keys.map((key, index) => [key, String(index)]))
            for (let i = 0; i < turns; i++) await turn()
            expect(await first.trigger.stop(60_000)).toBe(true)
            await first.stop()
            const second = new DispatchFixture(first.dir)
            await second.open(() => succeeded, settings)
            try {
              await second.untilDone(keys.length - first.done.length)
              const seen = [...first.pool.seen, ...second.pool.seen]
              expect(seen.map(({ value }) => Number(value)).toSorted((x, y) => x - y)).toEqual(keys.map((_, i) => i))
              for (const key of ordering === 'none' ? [] : ['a', 'b', 'c']) {
                const offsets = seen.filter(event => event.key === key).map(({ offset }) => offset)
                expect(offsets).toEqual(offsets.toSorted((x, y) => x - y))
              }
              if (ordering === 'partition') expect(seen.map(({ offset }) => offset)).toEqual(keys.map((_, i) => i))
            } finally {
              await second.dispose()
            }
          },
        ),
        { numRuns: 8 },
      )
    },
  )
})
