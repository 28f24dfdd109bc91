import { afterEach, describe, expect, it } from 'vitest'
import type { BreakerPolicy } from '../../src/dispatch/breaker.ts'
import type { BreakerKeeper } from '../../src/dispatch/trigger-breaker.ts'
import type { PauseRecord } from '../../src/store/home-store.ts'
import { DispatchFixture, type FixtureOptions } from './dispatch-fixture.ts'
import { failed, succeeded, type Script } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

const policy: BreakerPolicy = {
  failureRate: 0.5,
  minAttempts: 4,
  windowMs: 60_000,
  probeAfterMs: 3_600_000,
  maxProbeAfterMs: 3_600_000,
  probes: 2,
}
const retry = { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 1, jitter: 0 }
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await turn()
}

/** Keeps as the board does, in memory. */
class TestKeeper implements BreakerKeeper {
  readonly pauses: PauseRecord[] = []
  resume: () => void = () => undefined
  failures = 0

  opened(pause: PauseRecord): Promise<void> {
    this.pauses.push(pause)
    return Promise.resolve()
  }

  closed(): Promise<void> {
    if (this.failures-- > 0) return Promise.reject(new Error('the disk is full'))
    this.resume()
    return Promise.resolve()
  }
}

interface Opened {
  readonly fixture: DispatchFixture
  readonly keeper: TestKeeper
}

async function open(
  script: Script,
  more: Partial<BreakerPolicy> = {},
  options: FixtureOptions = {},
  pause?: PauseRecord,
  dir?: string,
): Promise<Opened> {
  const keeper = new TestKeeper()
  const fixture = new DispatchFixture(dir)
  fixtures.push(fixture)
  await fixture.open(script, { retry, breaker: { policy: { ...policy, ...more }, keeper }, ...options }, pause)
  keeper.resume = () => fixture.trigger.resume()
  return { fixture, keeper }
}

/** A downstream that is away until the test mends it. */
class Downstream {
  isAway = true
  readonly script: Script = () => (this.isAway ? failed('it is away') : succeeded)
}

const keys = (count: number): [string, string][] =>
  Array.from({ length: count }, (_, index) => [`k${index}`, `v${index}`])

/** A trigger whose breaker has opened, with nothing under way. */
async function openBroken(count = 20, more: Partial<BreakerPolicy> = {}, options: FixtureOptions = {}) {
  const downstream = new Downstream()
  const opened = await open(downstream.script, more, options)
  await opened.fixture.appendAll(keys(count))
  await until(() => opened.fixture.trigger.state === 'paused')
  return { downstream, ...opened }
}

describe('a trigger with a circuit breaker', () => {
  it('pauses by itself when the failures of the window reach the bound, and says why', async () => {
    const { fixture, keeper } = await openBroken()
    expect(fixture.trigger.pauseRecord).toMatchObject({ by: 'breaker', failedProbes: 0 })
    expect(fixture.trigger.pauseRecord?.reason).toMatch(/^4 of 4 attempts failed within 60 s: it is away$/)
    expect(keeper.pauses).toEqual([fixture.trigger.pauseRecord])
    expect(fixture.logged.filter(line => line.includes('has paused trigger t')).length).toBe(1)
    const seen = fixture.pool.seen.length
    await fixture.appendAll(keys(20))
    for (let index = 0; index < 20; index++) await turn()
    expect(fixture.pool.seen.length).toBe(seen)
  })

  it('stays closed while failures are below the bound, and while there are few attempts', async () => {
    const { fixture, keeper } = await open(({ value }) => (Number(value.slice(1)) % 3 === 0 ? failed() : succeeded), {
      failureRate: 0.9,
    })
    await fixture.appendAll(keys(40))
    await fixture.untilDone(40)
    expect(keeper.pauses).toEqual([])
    const few = await open(() => failed(), { minAttempts: 100 })
    await few.fixture.appendAll(keys(10))
    await few.fixture.untilDone(10)
    expect(few.keeper.pauses).toEqual([])
  })

  it('lets so many probes start and no more, of different keys, and goes on when all of them succeed', async () => {
    const { downstream, fixture, keeper } = await openBroken()
    const before = fixture.pool.seen.length
    const gate = Promise.withResolvers<void>()
    fixture.pool.script = async () => {
      await gate.promise
      return succeeded
    }
    downstream.isAway = false
    fixture.trigger.breaker?.hasten()
    await until(() => fixture.pool.seen.length === before + 2)
    for (let index = 0; index < 20; index++) await turn()
    const probes = fixture.pool.seen.slice(before)
    expect(probes.length).toBe(2)
    expect(new Set(probes.map(({ key }) => key)).size).toBe(2)
    expect([fixture.trigger.state, fixture.trigger.breaker?.status.state]).toEqual(['probing', 'half-open'])
    // The pause is in force until it is durable that it ended.
    expect(fixture.trigger.pauseRecord?.by).toBe('breaker')
    gate.resolve()
    await fixture.untilDone(20)
    expect([fixture.trigger.state, fixture.trigger.pauseRecord]).toEqual(['running', undefined])
    expect(fixture.trigger.deadLettered).toBe(0)
    expect(keeper.pauses.length).toBe(1)
    expect(fixture.logged.filter(line => line.includes('has resumed trigger t')).length).toBe(1)
  })

  it('asks for at most one worker while it probes', async () => {
    const { fixture } = await openBroken(20, { probes: 5 })
    fixture.pool.setWorkers(0)
    fixture.trigger.breaker?.hasten()
    await until(() => fixture.trigger.state === 'probing')
    expect([fixture.dispatch.runnable, fixture.dispatch.runnableKeys]).toEqual([5, 1])
  })

  it('pauses again with one probe that failed, and tells how often probing has failed', async () => {
    const { fixture, keeper } = await openBroken()
    for (let times = 1; times <= 3; times++) {
      fixture.trigger.breaker?.hasten()
      await until(() => keeper.pauses.length === times + 1 && fixture.trigger.state === 'paused')
    }
    const [first, , , last] = keeper.pauses
    expect(last).toMatchObject({ by: 'breaker', failedProbes: 3, sinceMs: first?.sinceMs })
    expect(last?.reason).toBe('4 of 4 attempts failed within 60 s: it is away; probing has failed 3 times: it is away')
  })

  it('charges no attempt to its probes, nor to what was under way when it opened: an outage makes no dead letters', async () => {
    const { downstream, fixture, keeper } = await openBroken(12)
    for (let times = 1; times <= 25; times++) {
      fixture.trigger.breaker?.hasten()
      await until(() => keeper.pauses.length === times + 1 && fixture.trigger.state === 'paused')
    }
    expect(fixture.trigger.deadLettered).toBe(0)
    downstream.isAway = false
    fixture.trigger.breaker?.hasten()
    await fixture.untilDone(12)
    expect(fixture.trigger.deadLettered).toBe(0)
    expect(Math.max(...fixture.pool.seen.map(({ attempt }) => attempt))).toBeLessThanOrEqual(2)
    expect(fixture.pool.overlaps).toBe(0)
  })

  it('probes with other keys the next time, so that one poison key cannot keep it open', async () => {
    const { fixture, keeper } = await openBroken(6, { failureRate: 0.9 })
    const poison = new Set<string>()
    const gate: Script = ({ key }) => {
      if (poison.size === 0) poison.add(key)
      return poison.has(key) ? failed('poison') : succeeded
    }
    fixture.pool.script = gate
    // The others may not have become ready yet when it is the first time.
    while (fixture.trigger.state === 'paused') {
      fixture.trigger.breaker?.hasten()
      await until(() => fixture.trigger.state === 'paused' || fixture.trigger.state === 'running')
    }
    expect(keeper.pauses.length).toBeGreaterThan(1)
    await fixture.untilDone(6)
    expect(fixture.trigger.deadLettered).toBe(1)
  })

  it('keeps the order of a key through opening, probing and closing', async () => {
    const downstream = new Downstream()
    const { fixture, keeper } = await open(downstream.script)
    const events = Array.from({ length: 30 }, (_, index): [string, string] => [`k${index % 3}`, `${index}`])
    await fixture.appendAll(events)
    await until(() => fixture.trigger.state === 'paused')
    fixture.trigger.breaker?.hasten()
    await until(() => keeper.pauses.length === 2 && fixture.trigger.state === 'paused')
    downstream.isAway = false
    fixture.trigger.breaker?.hasten()
    await fixture.untilDone(30)
    for (const key of ['k0', 'k1', 'k2']) {
      const done = fixture.done.filter(({ lane }) => lane.key === key).map(({ record }) => record.offset)
      expect(done).toEqual([...done].sort((a, b) => a - b))
    }
    expect(fixture.pool.overlaps).toBe(0)
  })

  it('runs events at most once even if a probe fails: that one is a dead letter', async () => {
    const { downstream, fixture, keeper } = await openBroken(20, {}, { delivery: 'at-most-once' })
    const lettered = fixture.trigger.deadLettered
    await fixture.appendAll(keys(20))
    fixture.trigger.breaker?.hasten()
    await until(() => keeper.pauses.length === 2 && fixture.trigger.state === 'paused')
    downstream.isAway = false
    fixture.trigger.breaker?.hasten()
    await fixture.untilDone(40)
    expect(fixture.trigger.deadLettered).toBeGreaterThan(lettered)
    expect(fixture.pool.seen.every(({ attempt }) => attempt === 1)).toBe(true)
    expect(new Set(fixture.pool.seen.map(({ offset }) => offset)).size).toBe(fixture.pool.seen.length)
  })

  it('does not take what a batch or a worker lost with another event for a failure', async () => {
    const error = { reason: 'error', name: 'Error', message: 'no' } as const
    const part = { events: 1 }
    const parts = new Set<number>()
    const { fixture, keeper } = await open(({ offset }) => {
      if (parts.has(offset)) return succeeded
      parts.add(offset)
      return offset % 2 === 0 ? { kind: 'not-started' } : { kind: 'batch-failed', error, durationMs: 1, part }
    })
    await fixture.appendAll(keys(40))
    await fixture.untilDone(40)
    expect(keeper.pauses).toEqual([])
  })

  it('gives the place of a probe that did not run to another one', async () => {
    const { fixture } = await openBroken(6)
    let lost = 0
    fixture.pool.script = () => (lost++ < 3 ? { kind: 'not-started' } : succeeded)
    fixture.trigger.breaker?.hasten()
    await fixture.untilDone(6)
    expect(fixture.trigger.state).toBe('running')
  })

  it('goes on probing when its pause becomes durable only meanwhile', async () => {
    const { fixture, keeper } = await openBroken()
    const gate = Promise.withResolvers<void>()
    fixture.pool.script = async () => {
      await gate.promise
      return succeeded
    }
    fixture.trigger.breaker?.hasten()
    await until(() => fixture.trigger.running === 2)
    await fixture.trigger.pause({ ...(keeper.pauses[0] as PauseRecord) })
    expect(fixture.trigger.state).toBe('probing')
    gate.resolve()
    await fixture.untilDone(20)
  })

  it('is tried again when the end of the pause could not be kept, and starts nothing meanwhile', async () => {
    const { downstream, fixture, keeper } = await openBroken(6)
    keeper.failures = 1
    downstream.isAway = false
    const before = fixture.pool.seen.length
    fixture.trigger.breaker?.hasten()
    await until(() => fixture.logged.some(line => line.includes('could not be resumed: the disk is full')))
    expect(fixture.pool.seen.length).toBe(before + 2)
    expect(fixture.trigger.breaker?.status.state).toBe('half-open')
    await fixture.untilDone(6)
  })
})

describe('a person and the circuit breaker', () => {
  const by = (reason: string): PauseRecord => ({ reason, by: 'ada', sinceMs: 1 })

  it('resumes over an open breaker, which is closed and has forgotten its window', async () => {
    const { fixture, keeper } = await openBroken()
    fixture.pool.script = ({ attempt }) => (attempt === 1 ? failed('once more') : succeeded)
    fixture.trigger.resume()
    expect(fixture.trigger.breaker?.status).toMatchObject({ state: 'closed', attempts: 0, probeAtMs: undefined })
    await until(() => keeper.pauses.length === 2)
    expect(keeper.pauses[1]?.reason).toMatch(/^4 of \d attempts failed within 60 s: once more$|^4 of 4/)
  })

  it('pauses over an open breaker, which never resumes that', async () => {
    const { downstream, fixture } = await openBroken()
    await fixture.trigger.pause(by('hands off'))
    downstream.isAway = false
    const seen = fixture.pool.seen.length
    fixture.trigger.breaker?.hasten()
    for (let index = 0; index < 20; index++) await turn()
    expect(fixture.pool.seen.length).toBe(seen)
    expect(fixture.trigger.pauseRecord).toEqual(by('hands off'))
    fixture.trigger.resume()
    await fixture.untilDone(20)
  })

  it('pauses in the middle of probing: what is under way ends, and neither success nor failure changes the pause', async () => {
    for (const outcome of [succeeded, failed('late')]) {
      const { fixture, keeper } = await openBroken()
      const gate = Promise.withResolvers<void>()
      fixture.pool.script = async () => {
        await gate.promise
        return outcome
      }
      fixture.trigger.breaker?.hasten()
      await until(() => fixture.trigger.running === 2)
      const pausing = fixture.trigger.pause(by('stop'))
      expect(fixture.trigger.state).toBe('pausing')
      gate.resolve()
      await pausing
      for (let index = 0; index < 20; index++) await turn()
      expect([fixture.trigger.state, fixture.trigger.pauseRecord?.by]).toEqual(['paused', 'ada'])
      expect(keeper.pauses.length).toBe(1)
    }
  })

  it('is not disturbed by what fails while a pause of a person is being confirmed', async () => {
    const gate = Promise.withResolvers<void>()
    const { fixture, keeper } = await open(async () => {
      await gate.promise
      return failed()
    })
    await fixture.appendAll(keys(10))
    await until(() => fixture.trigger.running > 0)
    const pausing = fixture.trigger.pause(by('stop'))
    gate.resolve()
    await pausing
    expect(keeper.pauses).toEqual([])
    expect(fixture.trigger.pauseRecord?.by).toBe('ada')
  })
})

describe('a trigger that was paused by its breaker when the gateway stopped', () => {
  const pause: PauseRecord = { reason: '4 of 4 attempts failed', by: 'breaker', sinceMs: 7, failedProbes: 2 }

  it('is paused after the start, probes when its wait is over, and goes on', async () => {
    const { fixture } = await open(() => succeeded, { probeAfterMs: 5, maxProbeAfterMs: 100 }, {}, pause)
    expect(fixture.trigger.pauseRecord).toEqual(pause)
    await fixture.appendAll(keys(5))
    await fixture.untilDone(5)
    expect(fixture.trigger.pauseRecord).toBeUndefined()
  })

  it('counts on from the probes that have failed before, with the reason of then', async () => {
    const { fixture, keeper } = await open(() => failed('still away'), {}, {}, pause)
    await fixture.appendAll(keys(5))
    for (let index = 0; index < 20; index++) await turn()
    expect(fixture.pool.seen).toEqual([])
    fixture.trigger.breaker?.hasten()
    await until(() => keeper.pauses.length === 1)
    expect(keeper.pauses[0]).toMatchObject({
      reason: '4 of 4 attempts failed; probing has failed 3 times: still away',
      failedProbes: 3,
      sinceMs: 7,
    })
  })
})
