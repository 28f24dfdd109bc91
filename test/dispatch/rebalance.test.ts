import { afterEach, describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { DispatchFixture } from './dispatch-fixture.ts'
import { ScriptedLog } from './scripted-log.ts'
import { failed, succeeded, type Script } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

async function open(script: Script, overrides: Parameters<DispatchFixture['open']>[1] = {}) {
  const log = new ScriptedLog()
  const fixture = new DispatchFixture()
  fixtures.push(fixture)
  await fixture.open(script, { log, ...overrides })
  return { log, fixture }
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await turn()
}

describe('a partition that is taken away and comes back', () => {
  it('is read on, although it was paused when it went because too much waited', async () => {
    const gate = Promise.withResolvers<void>()
    const { log, fixture } = await open(
      async () => {
        await gate.promise
        return succeeded
      },
      { window: { maxEvents: 5_000, maxBytes: 100_000_000 } },
    )
    const events = Array.from({ length: 22_000 }, (_, i) => [`k${i % 500}`, String(i)] as const)
    log.assign()
    log.add(...events)
    await until(() => log.paused.has(0))
    log.revoke()
    gate.resolve()
    await until(() => fixture.trigger.running === 0)
    log.assign()
    await until(() => log.commits.at(-1)?.offset === events.length)
  })

  it('runs no key of it twice at a time', async () => {
    const gates: PromiseWithResolvers<void>[] = []
    const { log, fixture } = await open(async () => {
      const gate = Promise.withResolvers<void>()
      gates.push(gate)
      await gate.promise
      return succeeded
    })
    log.assign()
    log.add(['a', '1'])
    await until(() => gates.length === 1)
    log.revoke()
    log.assign()
    for (let i = 0; i < 20; i++) await turn()
    expect(gates.length).toBe(1)
    gates[0]?.resolve()
    await until(() => gates.length === 2)
    gates[1]?.resolve()
    await until(() => log.commits.length > 0)
    expect(fixture.pool.overlaps).toBe(0)
    expect(log.commits).toEqual([{ epoch: 2, offset: 1 }])
  })

  it('parks nothing that is no longer ours', async () => {
    const { log, fixture } = await open(({ value }) => (value === '1' ? failed() : succeeded), { parkAfterMs: 0 })
    fixture.pool.beforeNotStarted = () => log.revoke()
    // One worker, so that both events go into one frame.
    fixture.pool.setWorkers(1)
    log.assign()
    log.add(['a', '1'], ['a', '2'])
    await until(() => fixture.trigger.partitions().length === 0 && fixture.trigger.running === 0)
    await fixture.trigger.stop(1_000)
    expect(fixture.trigger.counters.parked).toBe(0)
  })

  it('sends no result again that the new owner will make anew', async () => {
    let tries = 0
    const refused = Promise.withResolvers<void>()
    const sink: Sink = {
      name: 'out',
      kind: 'http',
      start: () => Promise.resolve(),
      close: () => Promise.resolve(),
      health: () => ({ ready: true }),
      deliver: () => {
        tries++
        refused.resolve()
        return Promise.reject(new SluiceError('SLUICE_LOG_FULL', 'not now'))
      },
    }
    const { log, fixture } = await open(
      () => ({
        kind: 'succeeded',
        durationMs: 1,
        results: [{ meta: {}, contentType: 'text/plain', data: Buffer.of(1) }],
      }),
      { sinks: [sink], sinkRetry: { maxAttempts: 100, initialDelayMs: 60_000, maxDelayMs: 60_000, jitter: 0 } },
    )
    log.assign()
    log.add(['a', '1'])
    await refused.promise
    log.revoke()
    expect(await fixture.trigger.stop(5_000)).toBe(true)
    expect(tries).toBe(1)
    expect(await fixture.store.countDeadLetters()).toEqual(new Map())
  })
})
