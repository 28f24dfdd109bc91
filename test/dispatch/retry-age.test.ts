import { afterEach, describe, expect, it } from 'vitest'
import { DispatchFixture } from './dispatch-fixture.ts'
import { failed, succeeded, type Script } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

/** A clock that a test moves on: as if the event had been accepted earlier. */
class Clock {
  aheadMs = 0
  readonly now = (): number => Date.now() + this.aheadMs
}

const retry = { maxAttempts: 4, initialDelayMs: 1, maxDelayMs: 1, jitter: 0, maxAgeMs: 60_000 }
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

async function open(script: Script, overrides: Parameters<DispatchFixture['open']>[1] = {}, dir?: string) {
  const fixture = new DispatchFixture(dir)
  fixtures.push(fixture)
  return fixture.open(script, { retry, ...overrides })
}

describe('an event that is older than retry.maxAgeMs', () => {
  it('gets its first attempt all the same, and no other one', async () => {
    const clock = new Clock()
    clock.aheadMs = 120_000
    const fixture = await open(({ value }) => (value === 'late' ? failed('no such item') : succeeded), {
      now: clock.now,
    })
    await fixture.append('a', 'late')
    await fixture.append('a', 'next')
    await fixture.untilDone(2)
    expect(fixture.pool.seen.map(({ value }) => value)).toEqual(['late', 'next'])
    const [letter] = await fixture.store.listDeadLetters('t', 1)
    expect(letter).toMatchObject({ stage: 'handler', reason: 'too-old', function: 'fn@latest' })
    expect(letter?.message).toContain('60000 ms')
    expect(letter?.message).toContain('no such item')
    expect(JSON.parse(letter?.failures ?? '[]')).toMatchObject([{ attempt: 1, message: 'no such item' }])
  })

  it('has all its attempts while it is young', async () => {
    const fixture = await open(() => failed())
    await fixture.append('a', 'young')
    await fixture.untilDone(1)
    expect(fixture.pool.seen.length).toBe(4)
    expect((await fixture.store.listDeadLetters('t', 1))[0]?.reason).toBe('error')
  })

  it('gets no attempt that was due before and is late because of a pause', async () => {
    const clock = new Clock()
    const began = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const fixture = await open(
      async ({ value }) => {
        if (value !== 'poison') return succeeded
        began.resolve()
        await gate.promise
        return failed()
      },
      { now: clock.now },
    )
    await fixture.append('a', 'poison')
    await fixture.append('a', 'behind')
    await began.promise
    const pausing = fixture.trigger.pause({ reason: 'r', by: 'b', sinceMs: 1 })
    gate.resolve()
    await pausing
    clock.aheadMs = 120_000
    fixture.trigger.resume()
    await fixture.untilDone(2)
    expect(fixture.pool.seen.map(({ value }) => value)).toEqual(['poison', 'behind'])
    expect((await fixture.store.listDeadLetters('t', 1))[0]?.reason).toBe('too-old')
  })

  it('gets no attempt after a restart either, and its parked key goes on', async () => {
    const parking = {
      parkAfterMs: 0,
      retry: { ...retry, initialDelayMs: 60_000, maxDelayMs: 60_000, maxAgeMs: 100_000 },
    }
    const first = await open(() => failed('before the restart'), parking)
    await first.append('a', 'poison')
    await first.append('a', 'behind')
    while ((await first.committed()) < 2) await turn()
    await first.stop()
    const clock = new Clock()
    clock.aheadMs = 120_000
    const second = await open(() => succeeded, { ...parking, now: clock.now }, first.dir)
    await second.untilDone(2)
    expect(second.pool.seen.map(({ value }) => value)).toEqual(['behind'])
    const [letter] = await second.store.listDeadLetters('t', 1)
    expect(letter).toMatchObject({ reason: 'too-old', function: 'fn@latest' })
    expect(letter?.message).toContain('before the restart')
  })
})
