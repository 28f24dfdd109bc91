import { afterEach, describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import { DispatchFixture, type FixtureOptions } from './dispatch-fixture.ts'
import { ScriptedLog } from './scripted-log.ts'
import { succeeded, type Script } from './scripted-pool.ts'

const fixtures: DispatchFixture[] = []
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose()
})

async function open(script: Script, options: FixtureOptions = {}) {
  const fixture = new DispatchFixture()
  fixtures.push(fixture)
  return fixture.open(script, options)
}

/** One event runs until `gate` opens. */
async function openBusy(options: FixtureOptions = {}) {
  const gate = Promise.withResolvers<void>()
  const states: string[] = []
  const fixture = await open(
    async ({ value }) => {
      if (value === 'slow') await gate.promise
      return succeeded
    },
    { onState: state => states.push(state), ...options },
  )
  await fixture.append('a', 'slow')
  await until(() => fixture.trigger.running === 1)
  return { fixture, gate, states }
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await turn()
}
const pause = { reason: 'test', by: 'me', sinceMs: 1 }

describe('a hold', () => {
  it('starts nothing, is confirmed when nothing runs any more, and keeps every event in its place', async () => {
    const { fixture, gate } = await openBusy()
    let isConfirmed = false
    const held = fixture.trigger.hold('function fn is disabled').then(() => (isConfirmed = true))
    expect(fixture.trigger.state).toBe('disabled')
    expect(fixture.trigger.detail).toBe('function fn is disabled')
    expect(fixture.trigger.problem).toBeUndefined()
    for (let i = 0; i < 10; i++) await fixture.append('a', String(i))
    expect(isConfirmed).toBe(false)
    gate.resolve()
    await held
    for (let i = 10; i < 20; i++) await fixture.append('a', String(i))
    await turn()
    expect(fixture.pool.seen.length).toBe(1)
    expect(fixture.trigger.runnable).toBe(0)
    fixture.trigger.release()
    await fixture.untilDone(21)
    expect(fixture.pool.seen.map(({ value }) => value)).toEqual([
      'slow',
      ...Array.from({ length: 20 }, (_, i) => String(i)),
    ])
  })

  it('lets nobody wait for one that was taken back', async () => {
    const { fixture, gate } = await openBusy()
    const held = fixture.trigger.hold('for a moment')
    fixture.trigger.release()
    await held
    expect(fixture.trigger.state).toBe('running')
    gate.resolve()
    await fixture.untilDone(1)
  })

  it('and a pause hinder each for itself', async () => {
    const { fixture, gate, states } = await openBusy()
    const held = fixture.trigger.hold('disabled')
    const paused = fixture.trigger.pause(pause)
    expect(fixture.trigger.state).toBe('pausing')
    gate.resolve()
    await Promise.all([held, paused])
    expect(fixture.trigger.state).toBe('paused')
    fixture.trigger.resume()
    expect(fixture.trigger.state).toBe('disabled')
    await fixture.trigger.pause(pause)
    fixture.trigger.release()
    await fixture.append('a', 'next')
    await turn()
    expect(fixture.pool.seen.length).toBe(1)
    expect(fixture.trigger.state).toBe('paused')
    fixture.trigger.resume()
    await fixture.untilDone(2)
    expect(states).toEqual(['running', 'disabled', 'pausing', 'paused', 'disabled', 'paused', 'running'])
  })

  it('may be set before the trigger starts', async () => {
    const fixture = new DispatchFixture()
    fixtures.push(fixture)
    await fixture.open(() => succeeded)
    await fixture.trigger.stop(1_000)
    fixture.trigger = fixture.createTrigger()
    await fixture.trigger.hold('function fn is disabled')
    expect(fixture.trigger.state).toBe('stopped')
    await fixture.trigger.start(undefined)
    expect(fixture.trigger.state).toBe('disabled')
    await fixture.append('a', '1')
    await turn()
    expect(fixture.pool.seen).toEqual([])
    fixture.trigger.release()
    await fixture.untilDone(1)
  })

  it('says nothing about a fault, which is still there when it is released', async () => {
    const log = new ScriptedLog()
    const fixture = await open(() => succeeded, { log })
    log.fail(new SluiceError('SLUICE_INTERNAL', 'no right to read'))
    expect(fixture.trigger.state).toBe('blocked')
    await fixture.trigger.hold('disabled')
    expect(fixture.trigger.state).toBe('disabled')
    fixture.trigger.release()
    expect(fixture.trigger.state).toBe('blocked')
    expect(fixture.trigger.detail).toContain('no right to read')
  })

  it('does not outlive a stop', async () => {
    const { fixture, gate } = await openBusy()
    const held = fixture.trigger.hold('disabled')
    const stopped = fixture.trigger.stop(Infinity)
    expect(fixture.trigger.state).toBe('stopping')
    gate.resolve()
    expect(await stopped).toBe(true)
    await held
    expect(fixture.trigger.state).toBe('stopped')
  })
})
