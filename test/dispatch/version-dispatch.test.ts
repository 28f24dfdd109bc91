import { describe, expect, it } from 'vitest'
import { DirectInvocation } from '../../src/dispatch/direct-invocation.ts'
import type { FrameSource } from '../../src/dispatch/frame-source.ts'
import type { TriggerRoute } from '../../src/dispatch/trigger-route.ts'
import { VersionDispatch } from '../../src/dispatch/version-dispatch.ts'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { Invocation, InvocationOutcome } from '../../src/workers/invocation.ts'
import { version } from './dispatch-fixture.ts'
import { failed, ScriptedPool, succeeded } from './scripted-pool.ts'

const feed = { trigger: '', stream: '', reader: createHomeEventReader(), headerDefaults: {} }
const header = encodeEventHeader({ id: '1', source: '/t', type: 't', acceptedAtMs: 1, hops: 0 })
const direct = (value: Buffer | string = 'direct'): DirectInvocation =>
  new DirectInvocation(
    feed,
    { offset: 0, timestampMs: 1, key: null, value: Buffer.from(value), header, headers: null },
    undefined,
  )

/** Copies of a shadow: `runnable` of them, each a frame of its own. */
function copies(count: number): FrameSource & { runnable: number } {
  return {
    runnable: count,
    runnableKeys: count,
    take(_size, into) {
      this.runnable--
      into.push(direct('copy'))
    },
  }
}

/** A route that always has `runnable` events and hands out one per frame. */
function endlessRoute(taken: () => void): TriggerRoute {
  const route = {
    runnable: 1,
    runnableKeys: 1,
    running: 0,
    take: (_size: unknown, into: Invocation[]) => {
      taken()
      const record = { offset: 0, timestampMs: 1, key: null, value: Buffer.from('event'), header, headers: null }
      into.push(new DirectInvocation(feed, record, undefined))
    },
  }
  return route as unknown as TriggerRoute
}

const open = (script: (value: string) => InvocationOutcome | Promise<InvocationOutcome>, permits: number) => {
  const pool = new ScriptedPool(version, ({ value }) => script(value))
  const starved: number[] = []
  const dispatch = new VersionDispatch({ pool, maxWaitingInvocations: 3, onStarved: () => starved.push(1) })
  pool.setWorkers(permits)
  return { pool, dispatch, starved }
}
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('VersionDispatch', () => {
  it('answers direct invocations', async () => {
    const { dispatch } = open(() => succeeded, 1)
    const invocation = direct()
    dispatch.invoke(invocation)
    expect(await invocation.outcome).toBe(succeeded)
    while (dispatch.running > 0) await turn()
  })

  it('refuses direct invocations beyond its bound, and what waits when it stops', async () => {
    const { dispatch } = open(() => succeeded, 0)
    const waiting = [direct(), direct(), direct()]
    for (const invocation of waiting) dispatch.invoke(invocation)
    expect(() => dispatch.invoke(direct())).toThrow(expect.objectContaining({ code: 'SLUICE_DISPATCH_OVERLOADED' }))
    dispatch.stop()
    for (const { outcome } of waiting) expect(await outcome).toEqual({ kind: 'not-started' })
    expect(() => dispatch.invoke(direct())).toThrow(expect.objectContaining({ code: 'SLUICE_DISPATCH_STOPPED' }))
  })

  it('tells that work waits without a worker, and goes on when one is permitted', async () => {
    const { dispatch, pool, starved } = open(() => succeeded, 0)
    const invocation = direct()
    dispatch.invoke(invocation)
    await turn()
    expect(starved.length).toBe(1)
    pool.setWorkers(1)
    expect(await invocation.outcome).toBe(succeeded)
  })

  it('leaves half of the workers to events that wait', async () => {
    const gate = Promise.withResolvers<void>()
    const running: string[] = []
    const { dispatch } = open(async value => {
      running.push(value)
      await gate.promise
      return succeeded
    }, 2)
    let taken = 0
    const route = endlessRoute(() => taken++)
    dispatch.attach(route)
    for (let i = 0; i < 3; i++) dispatch.invoke(direct())
    await turn()
    await turn()
    expect(running.filter(value => value === 'event').length).toBe(1)
    expect(taken).toBe(1)
    gate.resolve()
    dispatch.detach(route)
    while (dispatch.running > 0) await turn()
  })

  it('gives a single worker to events and direct invocations in turn', async () => {
    const order: string[] = []
    const { dispatch } = open(async value => {
      order.push(value)
      await turn()
      // Somebody calls again as soon as the worker is free.
      if (value === 'direct' && order.length < 8) dispatch.invoke(direct())
      return succeeded
    }, 1)
    const route = endlessRoute(() => undefined)
    dispatch.attach(route)
    dispatch.invoke(direct())
    while (order.length < 8) await turn()
    dispatch.detach(route)
    expect(order.filter(value => value === 'event').length).toBeGreaterThanOrEqual(3)
    expect(order.filter(value => value === 'direct').length).toBeGreaterThanOrEqual(3)
  })

  it('refuses direct invocations beyond its bytes, but one that is large by itself', async () => {
    const pool = new ScriptedPool(version, () => succeeded)
    pool.setWorkers(0)
    const dispatch = new VersionDispatch({
      pool,
      maxWaitingInvocations: 100,
      maxWaitingBytes: 1_000,
      onStarved: () => undefined,
    })
    const large = direct(Buffer.alloc(5_000))
    dispatch.invoke(large)
    expect(() => dispatch.invoke(direct())).toThrow(expect.objectContaining({ code: 'SLUICE_DISPATCH_OVERLOADED' }))
    pool.setWorkers(1)
    expect(await large.outcome).toBe(succeeded)
    pool.setWorkers(0)
    const waiting = Array.from({ length: 4 }, () => direct(Buffer.alloc(200)))
    for (const invocation of waiting) dispatch.invoke(invocation)
    expect(() => dispatch.invoke(direct(Buffer.alloc(200)))).toThrow('4 invocations')
    pool.setWorkers(1)
    await Promise.all(waiting.map(({ outcome }) => outcome))
    dispatch.invoke(direct(Buffer.alloc(200)))
    await dispatch.retired()
  })

  it('counts direct invocations in the statistics of the version', async () => {
    const { dispatch } = open(value => (value === 'bad' ? failed() : succeeded), 1)
    const invocations = [direct('good'), direct('bad')]
    for (const invocation of invocations) dispatch.invoke(invocation)
    await Promise.all(invocations.map(({ outcome }) => outcome))
    expect(dispatch.stats.counts).toMatchObject({ invocations: 2, succeeded: 1, failures: 1 })
    await dispatch.retired()
  })

  it('is retired when nothing is attached, waits or runs any more', async () => {
    const gate = Promise.withResolvers<void>()
    const { dispatch } = open(async () => {
      await gate.promise
      return succeeded
    }, 1)
    await dispatch.retired()
    const route = endlessRoute(() => undefined)
    const shadow = copies(0)
    dispatch.attach(route)
    dispatch.attachShadow(shadow)
    const steps: string[] = []
    const retired = dispatch.retired().then(() => steps.push('retired'))
    dispatch.detach(route)
    await turn()
    steps.push('no route')
    dispatch.invoke(direct())
    dispatch.detachShadow(shadow)
    await turn()
    steps.push('no shadow')
    gate.resolve()
    await retired
    expect(steps).toEqual(['no route', 'no shadow', 'retired'])
    expect(dispatch.isIdle).toBe(true)
  })

  it('runs copies of a shadow only when neither events nor direct invocations wait', async () => {
    const order: string[] = []
    const { dispatch, pool } = open(async value => {
      order.push(value)
      await turn()
      return succeeded
    }, 0)
    const shadow = copies(3)
    dispatch.attachShadow(shadow)
    const invocations = [direct(), direct(), direct()]
    for (const invocation of invocations) dispatch.invoke(invocation)
    expect(dispatch.runnable).toBe(6)
    pool.setWorkers(1)
    await Promise.all(invocations.map(({ outcome }) => outcome))
    while (shadow.runnable > 0 || dispatch.running > 0) await turn()
    expect(order.filter(value => value === 'copy').length).toBe(3)
    expect(order.lastIndexOf('direct')).toBeLessThan(order.indexOf('copy'))
  })

  it('keeps a worker free of copies while triggers feed the version', async () => {
    const running: string[] = []
    const { dispatch } = open(async value => {
      running.push(value)
      await new Promise(() => undefined)
      return succeeded
    }, 2)
    const idle = { ...endlessRoute(() => undefined), runnable: 0, runnableKeys: 0 } as TriggerRoute
    dispatch.attach(idle)
    dispatch.attachShadow(copies(5))
    dispatch.schedule()
    for (let i = 0; i < 5; i++) await turn()
    expect(running).toEqual(['copy'])
  })
})
