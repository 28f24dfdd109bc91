import { afterEach, describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import type { OutgoingResult, Sink } from '../../src/sinks/sink.ts'
import type { HomeStore } from '../../src/store/home-store.ts'
import { DispatchFixture } from './dispatch-fixture.ts'
import { ScriptedLog } from './scripted-log.ts'
import { failed, succeeded, type Script } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

async function open(script: Script, overrides: Parameters<DispatchFixture['open']>[1] = {}) {
  const fixture = new DispatchFixture()
  fixtures.push(fixture)
  return fixture.open(script, overrides)
}

const resultOf = (text: string) =>
  ({
    kind: 'succeeded',
    durationMs: 1,
    results: [{ meta: {}, contentType: 'text/plain', data: Buffer.from(text) }],
  }) as const

const sinkTo = (deliver: (result: OutgoingResult) => Promise<void>): Sink => ({
  name: 'out',
  kind: 'http',
  start: () => Promise.resolve(),
  close: () => Promise.resolve(),
  health: () => ({ ready: true }),
  deliver,
})

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await turn()
}

describe('a key with a result on its way and a retry to come', () => {
  it('does not run the retry before it is due', async () => {
    const gate = Promise.withResolvers<void>()
    const fixture = await open(({ value }) => (value === 'a2' ? failed() : resultOf(value)), {
      retry: { maxAttempts: 3, initialDelayMs: 60_000, maxDelayMs: 60_000, jitter: 0 },
      parkAfterMs: 600_000,
      sinks: [sinkTo(() => gate.promise)],
    })
    await fixture.append('a', 'a1')
    await fixture.append('a', 'a2')
    await until(() => fixture.trigger.counters.retried === 1)
    gate.resolve()
    await fixture.untilDone(1)
    for (let i = 0; i < 20; i++) await turn()
    // Run now, it would be run once more by its timer, at the same time.
    expect(fixture.pool.seen.length).toBe(2)
    expect(fixture.trigger.runnable).toBe(0)
  })

  it('is not parked before its results are out, so that they leave in order', async () => {
    const gate = Promise.withResolvers<void>()
    const out: string[] = []
    const fixture = await open(({ value, attempt }) => (value === 'a2' && attempt === 1 ? failed() : resultOf(value)), {
      retry: { maxAttempts: 3, initialDelayMs: 5, maxDelayMs: 5, jitter: 0 },
      parkAfterMs: 0,
      sinks: [
        sinkTo(async ({ value }) => {
          if (value.toString() === 'a1') await gate.promise
          out.push(value.toString())
        }),
      ],
    })
    await fixture.append('a', 'a1')
    await fixture.append('a', 'a2')
    await until(() => fixture.trigger.counters.succeeded === 2)
    for (let i = 0; i < 20; i++) await turn()
    gate.resolve()
    await fixture.untilDone(2)
    expect(out).toEqual(['a1', 'a2'])
  })
})

describe('a parked key', () => {
  it('goes on behind events whose results no sink takes, up to the last one in the store', async () => {
    const refusing = sinkTo(() => Promise.reject(new SluiceError('SLUICE_SINKS_REJECTED', 'no')))
    const fixture = await open(({ value, attempt }) => (value === '0' && attempt === 1 ? failed() : resultOf(value)), {
      retry: { maxAttempts: 2, initialDelayMs: 50, maxDelayMs: 50, jitter: 0 },
      parkAfterMs: 0,
      sinks: [refusing],
    })
    // More than a parked key has in memory at a time.
    const values = Array.from({ length: 70 }, (_, index) => String(index))
    await fixture.appendAll(values.map(value => ['a', value] as const))
    await fixture.untilDone(values.length)
    expect(fixture.done.map(({ record }) => record.value?.toString())).toEqual(values)
    await until(() => fixture.trigger.parkedKeys === 0)
  })
})

describe('results of different events', () => {
  it('are never taken for repeats of each other, even if the events share their id', async () => {
    const ids: (string | undefined)[] = []
    const fixture = await open(({ value }) => resultOf(value), {
      sinks: [
        sinkTo(({ header }) => {
          ids.push(header.dedupId)
          return Promise.resolve()
        }),
      ],
    })
    await fixture.append('a', 'same')
    await fixture.append('b', 'same')
    await fixture.untilDone(2)
    expect(new Set(ids).size).toBe(2)
  })
})

describe('a trigger', () => {
  it('confirms no pause that was taken back, and lets nobody wait for it', async () => {
    const gate = Promise.withResolvers<void>()
    const fixture = await open(async () => {
      await gate.promise
      return succeeded
    })
    await fixture.append('a', '1')
    await until(() => fixture.trigger.running === 1)
    const pausing = fixture.trigger.pause({ reason: 'r', by: 'b', sinceMs: 1 })
    fixture.trigger.resume()
    await pausing
    expect(fixture.trigger.state).toBe('running')
    gate.resolve()
    await fixture.untilDone(1)
  })

  it('tells at its stop whether all was finished', async () => {
    const unwilling = sinkTo(() => Promise.reject(new SluiceError('SLUICE_LOG_FULL', 'not now')))
    const fixture = await open(({ value }) => resultOf(value), {
      sinks: [unwilling],
      sinkRetry: { maxAttempts: 100, initialDelayMs: 60_000, maxDelayMs: 60_000, jitter: 0 },
    })
    await fixture.append('a', '1')
    await until(() => fixture.trigger.counters.succeeded === 1)
    expect(await fixture.trigger.stop(20)).toBe(false)
    expect(await fixture.committed()).toBe(0)
  })

  it('stays blocked until the last of its problems is gone', async () => {
    const log = new ScriptedLog()
    const refused = Promise.withResolvers<void>()
    let takesLetters = false
    const store = {
      parkedKeys: () => Promise.resolve([]),
      suspectsOf: () => Promise.resolve([]),
      putDeadLetter: () => {
        if (takesLetters) return Promise.resolve()
        refused.resolve()
        return Promise.reject(new SluiceError('SLUICE_STORE_WRITE', 'disk full'))
      },
    } as unknown as HomeStore
    const fixture = await open(() => failed(), { log, store })
    log.assign()
    log.add(['a', 'poison'])
    await refused.promise
    await until(() => fixture.trigger.state === 'blocked')
    log.fail(new SluiceError('SLUICE_INTERNAL', 'no right to read'))
    takesLetters = true
    await fixture.untilDone(1)
    await turn()
    expect(fixture.trigger.state).toBe('blocked')
    expect(fixture.trigger.problem).toContain('no right to read')
  })

  it('keeps a record that cannot be read as a dead letter and goes on', async () => {
    const fixture = await open(() => succeeded, {
      filter: (_reader, record) => {
        if (record.value?.toString() === 'odd') throw new Error('cannot be read')
        return true
      },
    })
    await fixture.append('a', 'odd')
    await fixture.append('a', 'even')
    await fixture.untilDone(2)
    const [letter] = await fixture.store.listDeadLetters('t', 1)
    expect(letter).toMatchObject({ stage: 'source', reason: 'unreadable', message: 'cannot be read' })
    expect(fixture.trigger.state).toBe('running')
  })

  it('fills a window of bytes again before its oldest event is done', async () => {
    const gate = Promise.withResolvers<void>()
    const fixture = await open(
      async ({ value }) => {
        if (value.startsWith('slow')) await gate.promise
        return succeeded
      },
      { window: { maxEvents: 1_000, maxBytes: 4_000 } },
    )
    fixture.pool.setWorkers(8)
    const names = ['slow', ...Array.from({ length: 20 }, (_, i) => `k${i}`)]
    await Promise.all(names.map(name => fixture.append(name, name.padEnd(900, 'x'))))
    await fixture.untilDone(20)
    expect(await fixture.committed()).toBe(0)
    gate.resolve()
    await fixture.untilDone(21)
  })
})
