import { describe, expect, it } from 'vitest'
import { CallPermits } from '../../src/dispatch/call-permits.ts'
import type { Delivery } from '../../src/dispatch/delivery.ts'
import { DirectInvocation } from '../../src/dispatch/direct-invocation.ts'
import type { FrameSize } from '../../src/dispatch/frame-size.ts'
import type { FrameSource } from '../../src/dispatch/frame-source.ts'
import type { TriggerRoute } from '../../src/dispatch/trigger-route.ts'
import { VersionDispatch } from '../../src/dispatch/version-dispatch.ts'
import type { SluiceError } from '../../src/errors/sluice-error.ts'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { BatchOptions, CallLimits } from '../../src/functions/function-version.ts'
import type { Invocation, InvocationOutcome } from '../../src/workers/invocation.ts'
import { version } from './dispatch-fixture.ts'
import { ScriptedPool, succeeded } from './scripted-pool.ts'

const feed = { trigger: '', stream: '', reader: createHomeEventReader(), headerDefaults: {} }
const header = encodeEventHeader({ id: '1', source: '/t', type: 't', acceptedAtMs: 1, hops: 0 })
const direct = (value = 'direct'): DirectInvocation =>
  new DirectInvocation(
    feed,
    { offset: 0, timestampMs: 1, key: null, value: Buffer.from(value), header, headers: null },
    undefined,
  )
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Copies of a shadow that give their permit back, as those of shadow.ts do. */
function copiesOf(dispatch: VersionDispatch, count: number): FrameSource & { runnable: number } {
  return {
    runnable: count,
    runnableKeys: count,
    take(size, into) {
      for (; this.runnable > 0 && into.length < size.maxEvents; this.runnable--) {
        const copy = direct('copy')
        copy.taken(dispatch)
        into.push(copy)
      }
    },
  }
}

describe('VersionDispatch of a function with limits', () => {
  const limited = (limits: CallLimits, batch?: BatchOptions) => {
    const ends: (() => void)[] = []
    const script = (): Promise<InvocationOutcome> => new Promise(resolve => ends.push(() => resolve(succeeded)))
    const pool = new ScriptedPool({ ...version, limits, ...(batch === undefined ? {} : { batch }) }, script)
    const dispatch = new VersionDispatch({ pool, maxWaitingInvocations: 100, onStarved: () => undefined })
    pool.setWorkers(4)
    return { pool, dispatch, ends }
  }
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await turn()
  }

  it('begins no more direct invocations than it may, refuses what would wait for long, and goes on as they end', async () => {
    const { dispatch, pool, ends } = limited({ maxConcurrency: 2 })
    for (let i = 0; i < 4; i++) dispatch.invoke(direct())
    const refusal = expect.objectContaining({
      code: 'SLUICE_DISPATCH_LIMITED',
      message: expect.stringContaining('limited to 2 at once') as string,
      details: { retryAfterS: expect.any(Number) as number },
    })
    expect(() => dispatch.invoke(direct())).toThrow(refusal)
    await turns()
    expect(pool.seen).toHaveLength(2)
    expect(dispatch.limitedBy).toBe('limited to 2 at once')
    while (ends.length > 0) {
      ends.splice(0).forEach(end => end())
      await turns()
    }
    expect(pool.seen).toHaveLength(4)
    expect(dispatch.limitedBy).toBeUndefined()
  })

  it('gives back what a pause, a stop or a frame that never began had taken', async () => {
    const { dispatch, pool, ends } = limited({ maxConcurrency: 1 })
    const waiting = [direct(), direct()]
    for (const invocation of waiting) dispatch.invoke(invocation)
    await turns()
    expect(pool.seen).toHaveLength(1)
    const paused = dispatch.pause({ by: 'ada', reason: 'x', sinceMs: 1 })
    expect(await waiting[1]?.outcome).toEqual({ kind: 'not-started' })
    ends.splice(0).forEach(end => end())
    await paused
    expect(dispatch.limitedBy).toBeUndefined()
    dispatch.resume()
    dispatch.invoke(direct())
    await turns()
    expect(pool.seen).toHaveLength(2)
    dispatch.stop()
    ends.splice(0).forEach(end => end())
    await dispatch.retired()
  })

  it('counts a batch as one call', async () => {
    const { dispatch, pool, ends } = limited({ maxConcurrency: 2 }, { maxEvents: 10 })
    const copies = [1, 2, 3].map(() => direct('copy'))
    dispatch.attachShadow({
      get runnable() {
        return copies.length
      },
      get runnableKeys() {
        return copies.length
      },
      take: (size, into) => void into.push(...copies.splice(0, size.maxEvents)),
    })
    dispatch.schedule()
    await turns()
    expect(pool.frames).toEqual([3])
    ends.splice(0).forEach(end => end())
    await turns()
    expect(dispatch.permits.limits).toEqual({ maxConcurrency: 2 })
    expect(dispatch.limitedBy).toBeUndefined()
  })

  it('gives permits to events and direct invocations in turn, however many workers are free', async () => {
    const order: string[] = []
    const limits = { maxConcurrency: 1 }
    const pool = new ScriptedPool({ ...version, limits }, async ({ value }) => {
      order.push(value)
      // Somebody calls again before the next permit is free.
      if (value === 'direct') dispatch.invoke(direct())
      await turn()
      return succeeded
    })
    const dispatch = new VersionDispatch({ pool, maxWaitingInvocations: 100, onStarved: () => undefined })
    const route = {
      ...{ runnable: 1, runnableKeys: 1, running: 0 },
      trigger: { uid: '', log: { stream: '' } },
      take: (_size: unknown, into: Invocation[]) => {
        const event = direct('event')
        event.taken(dispatch)
        into.push(event)
      },
    } as unknown as TriggerRoute
    pool.setWorkers(4)
    dispatch.attach(route)
    dispatch.invoke(direct())
    while (order.length < 20) await turn()
    dispatch.detach(route)
    dispatch.stop()
    expect(order.filter(value => value === 'event').length).toBeGreaterThanOrEqual(8)
    expect(order.filter(value => value === 'direct').length).toBeGreaterThanOrEqual(8)
  })

  it('leaves the permits to the other version while its own work is only copies', async () => {
    const permits = new CallPermits()
    const ran: string[] = []
    const serve = () => {
      const pool = new ScriptedPool({ ...version, limits: { maxConcurrency: 2 } }, async ({ value }) => {
        ran.push(value)
        await turn()
        return succeeded
      })
      const dispatch = new VersionDispatch({ pool, permits, maxWaitingInvocations: 100, onStarved: () => undefined })
      pool.setWorkers(4)
      return dispatch
    }
    const [real, shadow] = [serve(), serve()]
    const waiting = copiesOf(shadow, 3)
    const invocations = [1, 2, 3, 4].map(() => direct())
    for (const invocation of invocations) real.invoke(invocation)
    shadow.attachShadow(waiting)
    shadow.schedule()
    await Promise.all(invocations.map(({ outcome }) => outcome))
    expect(ran.lastIndexOf('direct')).toBeLessThan(ran.includes('copy') ? ran.indexOf('copy') : Infinity)
    while (waiting.runnable > 0 || shadow.running > 0) await turn()
    expect(ran.filter(value => value === 'copy')).toHaveLength(3)
  })

  it('runs an event alone without waiting for the rate, and charges it', async () => {
    const { dispatch, pool } = limited({ ratePerSecond: 0.001, burst: 1 })
    const alone = (): Delivery => direct('alone') as unknown as Delivery
    dispatch.runAlone(alone())
    dispatch.runAlone(alone())
    await turns()
    expect(pool.seen).toHaveLength(2)
    expect(dispatch.permits.waitMs(1)).toBeGreaterThan(1_000_000)
    dispatch.stop()
  })

  it('lets callers wait for what a second brings, and tells the others when to come', async () => {
    const { dispatch, pool } = limited({ ratePerSecond: 2, burst: 3 })
    for (let i = 0; i < 5; i++) dispatch.invoke(direct())
    expect(() => dispatch.invoke(direct())).toThrow(expect.objectContaining({ code: 'SLUICE_DISPATCH_LIMITED' }))
    await turns()
    expect(pool.seen).toHaveLength(3)
    dispatch.stop()
    const { dispatch: slow } = limited({ ratePerSecond: 0.01, burst: 1 })
    slow.invoke(direct())
    // A hundred seconds, and up to half of it and a second more.
    const refusal = (): unknown => {
      try {
        return slow.invoke(direct())
      } catch (thrown) {
        return (thrown as SluiceError).details['retryAfterS']
      }
    }
    expect(refusal()).toBeGreaterThanOrEqual(99)
    expect(refusal()).toBeLessThanOrEqual(152)
    slow.stop()
  })

  it('runs an event alone only when it may run at the time', async () => {
    const { dispatch, pool, ends } = limited({ maxConcurrency: 1 })
    for (let i = 0; i < 2; i++) dispatch.runAlone(direct('alone') as unknown as Delivery)
    await turns()
    expect(pool.seen).toHaveLength(1)
    ends.splice(0).forEach(end => end())
    await turns()
    expect(pool.seen).toHaveLength(2)
    dispatch.stop()
  })

  it('gives back the events of a batch function that would make more calls than it may begin', async () => {
    const { dispatch, pool } = limited({ ratePerSecond: 0.001, burst: 2 }, { maxEvents: 10, maxBytes: 5 })
    const events = Array.from({ length: 6 }, () => direct('event'))
    const route = {
      ...{ runnable: 6, runnableKeys: 6, running: 0, trigger: { uid: '', log: { stream: '' } } },
      take: (size: FrameSize, into: Invocation[]) => void into.push(...events.slice(0, size.maxEvents)),
    } as unknown as TriggerRoute
    dispatch.attach(route)
    dispatch.schedule()
    await turns()
    dispatch.detach(route)
    expect(pool.frames).toEqual([2])
    for (const event of events.slice(2)) expect(await event.outcome).toEqual({ kind: 'not-started' })
    dispatch.stop()
  })

  it('misses no token, whenever it comes while somebody looks for it', async () => {
    for (let startMs = 985; startMs < 1_005; startMs++) {
      // The clock goes on with every look at it, as it does on a busy machine.
      let nowMs = 0
      let stepMs = 0
      const permits = new CallPermits(() => (nowMs += stepMs))
      const limits = { ratePerSecond: 1, burst: 1 }
      const pool = new ScriptedPool({ ...version, limits }, () => succeeded)
      const dispatch = new VersionDispatch({ pool, maxWaitingInvocations: 9, onStarved: () => undefined, permits })
      pool.setWorkers(1)
      dispatch.invoke(direct())
      await turns()
      nowMs = startMs
      stepMs = 1
      const second = direct()
      dispatch.invoke(second)
      const isRun = second.outcome.then(() => true)
      expect(await Promise.race([isRun, new Promise(resolve => setTimeout(resolve, 1_000, false))]), `${startMs}`).toBe(
        true,
      )
      dispatch.stop()
    }
  })
})
