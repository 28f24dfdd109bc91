import fc from 'fast-check'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import type { HomeStore } from '../../src/store/home-store.ts'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import type { OutgoingResult, Sink } from '../../src/sinks/sink.ts'
import { DispatchFixture } from './dispatch-fixture.ts'
import { failed, succeeded, type Script } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

async function open(
  script: Script,
  ...rest: [Parameters<DispatchFixture['open']>[1]?, Parameters<DispatchFixture['open']>[2]?]
) {
  const fixture = new DispatchFixture()
  fixtures.push(fixture)
  return fixture.open(script, ...rest)
}

const values = (fixture: DispatchFixture, key: string): string[] =>
  fixture.pool.seen.filter(seen => seen.key === key).map(seen => seen.value)

describe('TriggerDispatch', () => {
  it('runs every event once and commits what is complete', async () => {
    const fixture = await open(() => succeeded)
    for (let i = 0; i < 50; i++) await fixture.append(`k${i % 5}`, `v${i}`)
    await fixture.untilDone(50)
    await fixture.stop()
    expect(fixture.pool.seen.map(({ value }) => value).sort()).toEqual(
      Array.from({ length: 50 }, (_, i) => `v${i}`).sort(),
    )
    const reopened = await new DispatchFixtureReopened(fixture).open()
    expect(await reopened.committed()).toBe(50)
  })

  it('keeps the order of a key across retries while other keys go on', async () => {
    const fixture = await open(({ value, attempt }) => (value === 'a1' && attempt < 3 ? failed() : succeeded))
    for (const value of ['a1', 'b1', 'a2', 'b2', 'a3']) await fixture.append(value[0] as string, value)
    await fixture.untilDone(5)
    expect(values(fixture, 'a')).toEqual(['a1', 'a1', 'a1', 'a2', 'a3'])
    expect(values(fixture, 'b')).toEqual(['b1', 'b2'])
    expect(fixture.pool.overlaps).toBe(0)
  })

  it('never moves the committed offset past an event that is not complete', async () => {
    const gate = Promise.withResolvers<void>()
    const fixture = await open(async ({ value }) => {
      if (value === 'first') await gate.promise
      return succeeded
    })
    await fixture.append('a', 'first')
    for (let i = 0; i < 10; i++) await fixture.append('b', `b${i}`)
    await fixture.untilDone(10)
    expect(await fixture.committed()).toBe(0)
    gate.resolve()
    await fixture.untilDone(11)
    await fixture.trigger.stop(1_000)
    expect(await fixture.committed()).toBe(11)
  })

  it('makes an event that used up its attempts a dead letter with its bytes and its history', async () => {
    const fixture = await open(({ value }) => (value === 'poison' ? failed('broken') : succeeded))
    await fixture.append('a', 'poison')
    await fixture.append('a', 'after')
    await fixture.untilDone(2)
    const [letter] = await fixture.store.listDeadLetters('t', 10)
    expect(letter).toMatchObject({
      key: 'a',
      stage: 'handler',
      function: 'fn@latest',
      reason: 'error',
      message: 'broken',
      offset: 0,
    })
    expect(Buffer.from(letter?.value ?? []).toString()).toBe('poison')
    expect((JSON.parse(letter?.failures ?? '[]') as unknown[]).length).toBe(3)
    expect(values(fixture, 'a')).toEqual(['poison', 'poison', 'poison', 'after'])
  })

  it('blocks and says so while a dead letter cannot be written, and drops nothing', async () => {
    let refuse = true
    const fixture = new DispatchFixture()
    fixtures.push(fixture)
    const state = Promise.withResolvers<void>()
    const written = Promise.withResolvers<void>()
    const refusing = {
      parkedKeys: () => Promise.resolve([]),
      suspectsOf: () => Promise.resolve([]),
      putDeadLetter: () => {
        if (refuse) return Promise.reject(new SluiceError('SLUICE_STORE_WRITE', 'disk full'))
        written.resolve()
        return Promise.resolve()
      },
    } as unknown as HomeStore
    await fixture.open(() => failed(), { store: refusing, onState: next => next === 'blocked' && state.resolve() })
    await fixture.append('a', 'poison')
    await state.promise
    expect(fixture.trigger.problem).toContain('disk full')
    expect(await fixture.committed()).toBe(0)
    refuse = false
    await written.promise
    await fixture.untilDone(1)
    expect(fixture.trigger.state).toBe('running')
  })

  it('parks a key that is blocked too long, moves the partition on, and keeps its order', async () => {
    let broken = true
    const fixture = await open(({ value }) => (value.startsWith('a') && broken ? failed() : succeeded), {
      parkAfterMs: 0,
      retry: { maxAttempts: 1_000, initialDelayMs: 20, maxDelayMs: 20, jitter: 0 },
    })
    for (const value of ['a1', 'b1', 'a2', 'b2', 'a3']) await fixture.append(value[0] as string, value)
    await fixture.untilDone(2)
    while ((await fixture.committed()) < 5) await new Promise(resolve => setImmediate(resolve))
    expect(fixture.trigger.parkedKeys).toBe(1)
    await fixture.append('a', 'a4')
    broken = false
    await fixture.untilDone(6)
    const order = values(fixture, 'a').filter((value, index, all) => value !== all[index - 1])
    expect(order).toEqual(['a1', 'a2', 'a3', 'a4'])
    while (fixture.trigger.parkedKeys > 0) await new Promise(resolve => setImmediate(resolve))
    expect(await fixture.store.parkedKeys('t')).toEqual([])
  })

  it('goes on with parked events before live ones after a restart', async () => {
    const blocked = { parkAfterMs: 0, retry: { maxAttempts: 1_000, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 } }
    const fixture = await open(() => failed(), blocked)
    await fixture.append('a', 'a1')
    await fixture.append('a', 'a2')
    while ((await fixture.committed()) < 2) await new Promise(resolve => setImmediate(resolve))
    await fixture.stop()
    const seen: string[] = []
    const second = await new DispatchFixtureReopened(fixture).open(({ value }) => {
      seen.push(value)
      return succeeded
    }, blocked)
    await second.append('a', 'a3')
    await second.untilDone(3)
    expect(seen).toEqual(['a1', 'a2', 'a3'])
  })

  it('starts nothing once a pause is confirmed, keeps its place, and goes on where it stopped', async () => {
    const fixture = await open(() => succeeded)
    await fixture.append('a', 'before')
    await fixture.untilDone(1)
    await fixture.trigger.pause({ reason: 'test', by: 'me', sinceMs: 1 })
    for (let i = 0; i < 20; i++) await fixture.append('a', `during${i}`)
    await fixture.append('b', 'last', 1)
    expect(fixture.pool.seen.length).toBe(1)
    expect(fixture.trigger.state).toBe('paused')
    fixture.trigger.resume()
    await fixture.untilDone(22)
    expect(values(fixture, 'a')).toEqual(['before', ...Array.from({ length: 20 }, (_, i) => `during${i}`)])
  })

  it('confirms a pause only when the last running invocation has ended', async () => {
    const gate = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const fixture = await open(async () => {
      started.resolve()
      await gate.promise
      return succeeded
    })
    await fixture.append('a', 'slow')
    await started.promise
    let confirmed = false
    const pause = fixture.trigger.pause({ reason: 'r', by: 'b', sinceMs: 1 }).then(() => (confirmed = true))
    await new Promise(resolve => setImmediate(resolve))
    expect(confirmed).toBe(false)
    expect(fixture.trigger.state).toBe('pausing')
    gate.resolve()
    await pause
    expect(fixture.trigger.state).toBe('paused')
  })

  it('runs a suspect alone and charges it only when it is the cause', async () => {
    const suspect = { kind: 'suspect', error: { reason: 'crash', name: 'E', message: 'died' } } as const
    const attempts: string[] = []
    const fixture = await open(({ value, attempt }) => {
      attempts.push(`${value}/${attempt}`)
      return suspect
    })
    await fixture.append('a', 'killer')
    await fixture.untilDone(1)
    // Uncharged as a suspect, then alone and twice, whatever attempts it has left.
    expect(attempts).toEqual(['killer/1', 'killer/1', 'killer/2'])
    expect((await fixture.store.listDeadLetters('t', 10))[0]?.reason).toBe('SLUICE_WORKERS_HOST_CRASH')
  })

  it('filters before anything runs and counts it', async () => {
    const fixture = await open(() => succeeded, { filter: (reader, record) => reader.attribute(record, 'id') !== 'no' })
    await fixture.append('a', 'no')
    await fixture.append('a', 'yes')
    await fixture.untilDone(1)
    await fixture.trigger.stop(1_000)
    expect(fixture.trigger.counters).toMatchObject({ received: 2, filtered: 1, succeeded: 1 })
    expect(await fixture.committed()).toBe(2)
  })

  it('never takes more than its window beyond the committed offset', async () => {
    const gate = Promise.withResolvers<void>()
    const fixture = await open(
      async () => {
        await gate.promise
        return succeeded
      },
      { window: { maxEvents: 10, maxBytes: 1_000_000 } },
    )
    for (let i = 0; i < 100; i++) await fixture.append(`k${i}`, `v${i}`)
    while (fixture.trigger.partitions()[0]?.inFlight !== 10) await new Promise(resolve => setImmediate(resolve))
    expect(fixture.trigger.counters.received).toBe(10)
    gate.resolve()
    await fixture.untilDone(100)
  })

  it('keeps per-key order and loses nothing for any mix of failures', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', ''), failures: fc.nat(3) }), { maxLength: 40 }),
        fc.boolean(),
        async (events, parking) => {
          const fixture = new DispatchFixture()
          const first = new Map<string, number>()
          await fixture.open(
            ({ value, attempt }) => {
              const index = Number(value)
              if (!first.has(value)) first.set(value, first.size)
              return attempt <= (events[index]?.failures ?? 0) ? failed() : succeeded
            },
            { parkAfterMs: parking ? 0 : 60_000 },
          )
          try {
            for (const [index, { key }] of events.entries()) await fixture.append(key, String(index))
            await fixture.untilDone(events.length)
            expect(fixture.pool.overlaps).toBe(0)
            for (const key of ['a', 'b', 'c']) {
              const firsts = [...new Set(values(fixture, key))].map(Number)
              expect(firsts).toEqual(firsts.toSorted((x, y) => x - y))
            }
            const letters = await fixture.store.listDeadLetters('t', 1_000)
            expect(letters.length).toBe(events.filter(event => event.failures >= 3).length)
          } finally {
            await fixture.dispose()
          }
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('publication of results', () => {
  const result = (text: string) =>
    ({
      kind: 'succeeded',
      durationMs: 1,
      results: [{ meta: {}, contentType: 'text/plain', data: Buffer.from(text) }],
    }) as const

  function recordingSink(
    deliver: (result: OutgoingResult) => Promise<void> = () => Promise.resolve(),
  ): Sink & { delivered: string[] } {
    const delivered: string[] = []
    return {
      name: 'out',
      kind: 'http',
      delivered,
      start: () => Promise.resolve(),
      close: () => Promise.resolve(),
      health: () => ({ ready: true }),
      async deliver(outgoing) {
        await deliver(outgoing)
        delivered.push(outgoing.value.toString())
      },
    }
  }

  it('completes an event only when its results are out', async () => {
    const gate = Promise.withResolvers<void>()
    const sink = recordingSink(() => gate.promise)
    const fixture = await open(({ value }) => result(value), { sinks: [sink] })
    await fixture.append('a', 'v')
    while (fixture.trigger.counters.succeeded === 0) await new Promise(resolve => setImmediate(resolve))
    expect(await fixture.committed()).toBe(0)
    gate.resolve()
    await fixture.untilDone(1)
    expect(sink.delivered).toEqual(['v'])
  })

  it('repeats the result and not the handler, and blocks only the key meanwhile', async () => {
    let refusals = 2
    const sink = recordingSink(outgoing => {
      if (outgoing.value.toString() !== 'a1' || refusals-- <= 0) return Promise.resolve()
      return Promise.reject(new SluiceError('SLUICE_LOG_FULL', 'not now'))
    })
    const fixture = await open(({ value }) => result(value), { sinks: [sink] })
    for (const value of ['a1', 'b1', 'a2', 'b2']) await fixture.append(value[0] as string, value)
    await fixture.untilDone(4)
    expect(sink.delivered.filter(value => value.startsWith('a'))).toEqual(['a1', 'a2'])
    expect(values(fixture, 'a')).toEqual(['a1', 'a2'])
  })

  it('ends a result that no attempt delivers as a dead letter of stage sink, with its bytes', async () => {
    const sink = recordingSink(() => Promise.reject(new SluiceError('SLUICE_LOG_FULL', 'never')))
    const fixture = await open(({ value }) => result(`result of ${value}`), { sinks: [sink] })
    await fixture.append('a', 'v')
    await fixture.untilDone(1)
    const [letter] = await fixture.store.listDeadLetters('t', 1)
    expect(letter).toMatchObject({ stage: 'sink', reason: 'SLUICE_LOG_FULL' })
    const [kept] = JSON.parse(letter?.results ?? '[]') as { data: string }[]
    expect(Buffer.from(kept?.data ?? '', 'base64').toString()).toBe('result of v')
    expect(fixture.pool.seen.length).toBe(1)
  })

  it('keeps a result for a sink that is not there as a dead letter instead of losing it', async () => {
    const lost = { meta: { sink: 'nowhere' }, contentType: 'text/plain', data: Buffer.from('precious') }
    const fixture = await open(() => ({ kind: 'succeeded', durationMs: 1, results: [lost] }), {
      sinks: [recordingSink()],
    })
    await fixture.append('a', 'v')
    await fixture.untilDone(1)
    const [letter] = await fixture.store.listDeadLetters('t', 1)
    expect(letter).toMatchObject({ stage: 'sink', reason: 'SLUICE_SINKS_UNKNOWN' })
    expect(letter?.results).toContain(Buffer.from('precious').toString('base64'))
  })

  it('gives a result the same id when its event is run again', async () => {
    const ids: string[] = []
    const sink = recordingSink(outgoing => {
      ids.push(outgoing.header.id)
      return Promise.resolve()
    })
    const fixture = await open(({ value }) => result(value), { sinks: [sink] })
    await fixture.append('a', 'event-1')
    await fixture.untilDone(1)
    expect(ids).toEqual(['event-1.t.0'])
  })
})

/** A second run on the files of a first one. */
class DispatchFixtureReopened extends DispatchFixture {
  constructor(previous: DispatchFixture) {
    super(previous.dir)
  }

  override async open(
    script: Script = () => succeeded,
    overrides: Parameters<DispatchFixture['open']>[1] = {},
  ): Promise<this> {
    await super.open(script, overrides)
    onTestFinished(() => this.dispose())
    return this
  }
}
