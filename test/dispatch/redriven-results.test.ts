import { afterEach, describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import type { OutgoingResult, Sink } from '../../src/sinks/sink.ts'
import type { RedriveProgress } from '../../src/store/dead-letters.ts'
import type { InvocationOutcome } from '../../src/workers/invocation.ts'
import { DispatchFixture, type FixtureOptions } from './dispatch-fixture.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise(resolve => setImmediate(resolve))
}

/** A far end that can be away. */
class FarEnd implements Sink {
  readonly kind = 'http'
  readonly name: string
  readonly got: OutgoingResult[] = []
  isAway = true

  constructor(name: string) {
    this.name = name
  }

  start = (): Promise<void> => Promise.resolve()
  health = () => ({ ready: !this.isAway })
  close = (): Promise<void> => Promise.resolve()

  deliver(result: OutgoingResult): Promise<void> {
    if (this.isAway) return Promise.reject(new SluiceError('SLUICE_SINKS_REJECTED', 'no'))
    this.got.push(result)
    return Promise.resolve()
  }
}

/** No text in any encoding. */
const odd = Buffer.from([0, 255, 128, 10, 200])
const made: InvocationOutcome = {
  kind: 'succeeded',
  results: [
    { meta: { subject: 's', extensions: { made: 1 } }, contentType: 'application/x-odd', data: odd },
    { meta: { sink: 'far', headers: { h: 'v' } }, contentType: 'text/plain', data: Buffer.from('second') },
  ],
  durationMs: 0.1,
}

const sinkRetry = { maxAttempts: 1, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 }

/** A trigger with one letter of stage `sink`: `far` is away, and `near` has the first result. */
async function withLetter(options: FixtureOptions = {}) {
  const near = new FarEnd('near')
  const far = new FarEnd('far')
  near.isAway = false
  const fixture = new DispatchFixture()
  fixtures.push(fixture)
  await fixture.open(() => made, { sinks: [near, far], sinkRetry, ...options })
  await fixture.append('a', 'bad')
  await fixture.untilDone(1)
  return { fixture, near, far }
}

async function take({ store }: DispatchFixture, version?: string): Promise<RedriveProgress> {
  const spec = { trigger: 't', filter: {}, upToId: 1_000, total: 1_000, guarded: 0, force: false }
  const { id } = await store.startRedrive({ ...spec, ...(version === undefined ? {} : { version }) }, 1)
  return (await store.advanceRedrive(id, { limit: 100, maxInFlight: 100, nowMs: 1 }))!
}

const letters = ({ store }: DispatchFixture) => store.listDeadLetters('t', 100)
const shown = ({ header: { time: _time, acceptedAtMs: _at, ...header }, value, meta }: OutgoingResult) => ({
  header,
  meta,
  data: value.toString('base64'),
})

describe('a dead letter of stage sink that is redriven', () => {
  it('goes to the sinks that do not have it, with the bytes and ids that it had, and runs no handler', async () => {
    const { fixture, near, far } = await withLetter()
    expect(await letters(fixture)).toMatchObject([{ stage: 'sink', function: 'fn@latest' }])
    far.isAway = false
    fixture.trigger.redrive((await take(fixture)).inFlight)
    await until(async () => (await letters(fixture)).length === 0)
    expect(fixture.pool.seen).toHaveLength(1)
    expect(near.got.map(shown)).toHaveLength(1)
    expect(far.got.map(shown)).toEqual([
      shown(near.got[0]!),
      expect.objectContaining({
        data: Buffer.from('second').toString('base64'),
        meta: { sink: 'far', headers: { h: 'v' } },
      }),
    ])
    expect(far.got.map(({ header: { id, source, type } }) => [id, source, type])).toEqual([
      ['bad.t.0', '/functions/fn', 'sluice.fn.result'],
      ['bad.t.1', '/functions/fn', 'sluice.fn.result'],
    ])
    expect((await fixture.store.redrives('t'))[0]).toMatchObject({ succeeded: 1, failed: 0, inFlight: 0 })
    await until(() => fixture.trigger.parkedKeys === 0)
  })

  it('is the same letter with the same results and a longer history while the sink is away', async () => {
    const { fixture, far } = await withLetter()
    const [before] = await letters(fixture)
    fixture.trigger.redrive((await take(fixture)).inFlight)
    await fixture.untilDone(2)
    const [letter] = await letters(fixture)
    expect(letter).toMatchObject({ stage: 'sink', function: 'fn@latest', redriveCount: 1, redrive: 0 })
    expect(letter?.results).toBe(before?.results)
    expect(JSON.parse(letter?.failures ?? '')).toMatchObject([
      { attempt: 1, stage: 'sink', version: 'latest' },
      { attempt: 1, stage: 'sink', version: 'latest', redrive: 1 },
    ])
    far.isAway = false
    fixture.trigger.redrive((await take(fixture)).inFlight)
    await until(() => far.got.length === 2)
    expect(fixture.pool.seen).toHaveLength(1)
  })

  it('goes out after a restart when the process died before the trigger was told', async () => {
    const { fixture: first, near, far } = await withLetter()
    await take(first)
    await first.stop()
    far.isAway = false
    const second = new DispatchFixture(first.dir)
    fixtures.push(second)
    await second.open(() => made, { sinks: [near, far], sinkRetry })
    await until(async () => (await letters(second)).length === 0)
    expect(second.pool.seen).toEqual([])
    expect(far.got).toHaveLength(2)
  })

  it('waits while its trigger, its key or its version is paused, and needs no worker then', async () => {
    const { fixture, far } = await withLetter()
    far.isAway = false
    fixture.pool.setWorkers(0)
    const pause = { reason: 'r', by: 'b', sinceMs: 1 }
    const { trigger, dispatch } = fixture
    await trigger.pause(pause)
    await trigger.pausePart({ kind: 'key', key: 'a' }, pause)
    await dispatch.pause(pause)
    trigger.reroute()
    trigger.redrive((await take(fixture)).inFlight)
    const rest = async (): Promise<void> => {
      // What the store was asked for before is answered before.
      await fixture.store.redrives('t')
      await new Promise(resolve => setImmediate(resolve))
      expect([far.got.length, trigger.parkedEvents, trigger.detail]).toEqual([0, 1, undefined])
    }
    await rest()
    trigger.resumePart({ kind: 'key', key: 'a' })
    await rest()
    dispatch.resume()
    trigger.reroute()
    await rest()
    trigger.resume()
    await until(() => far.got.length === 2)
  })

  it('stays of stage sink when no version is there that may say what it reaches', async () => {
    const { fixture, far } = await withLetter()
    fixture.routes.targetsOf = ({ wantedVersion }) => {
      if (wantedVersion === undefined) return fixture.routes.targets
      throw new SluiceError('SLUICE_DISPATCH_UNRESOLVED', 'gone')
    }
    fixture.trigger.redrive((await take(fixture, '9')).inFlight)
    await fixture.untilDone(2)
    expect(await letters(fixture)).toMatchObject([{ stage: 'sink', message: 'gone', function: 'fn@latest' }])
    far.isAway = false
    fixture.trigger.redrive((await take(fixture)).inFlight)
    await until(() => far.got.length === 2)
    expect(fixture.pool.seen).toHaveLength(1)
  })

  it('is kept when the trigger has no sink any more', async () => {
    const { fixture: first } = await withLetter()
    await first.stop()
    const second = new DispatchFixture(first.dir)
    fixtures.push(second)
    await second.open(() => made)
    second.trigger.redrive((await take(second)).inFlight)
    await second.untilDone(1)
    expect(await letters(second)).toMatchObject([{ stage: 'sink', reason: 'SLUICE_SINKS_UNKNOWN' }])
  })

  it('of a trigger that runs each event at most once is lost by no stop', async () => {
    const { fixture: first, near, far } = await withLetter({ delivery: 'at-most-once', sinkRetry })
    const pause = { reason: 'r', by: 'b', sinceMs: 1 }
    await first.trigger.pause(pause)
    first.trigger.redrive((await take(first)).inFlight)
    await until(() => first.trigger.parkedEvents === 1)
    await first.stop()
    far.isAway = false
    const second = new DispatchFixture(first.dir)
    fixtures.push(second)
    await second.open(() => made, { sinks: [near, far], sinkRetry, delivery: 'at-most-once' })
    await until(async () => (await letters(second)).length === 0)
    expect([second.pool.seen.length, far.got.length]).toEqual([0, 2])
  })
})
