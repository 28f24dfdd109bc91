import { describe, expect, it } from 'vitest'
import { DirectInvocation } from '../../src/dispatch/direct-invocation.ts'
import type { TriggerRoute } from '../../src/dispatch/trigger-route.ts'
import { VersionDispatch } from '../../src/dispatch/version-dispatch.ts'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { Invocation, InvocationOutcome } from '../../src/workers/invocation.ts'
import { version } from './dispatch-fixture.ts'
import { ScriptedPool, succeeded } from './scripted-pool.ts'

const feed = { trigger: '', stream: '', reader: createHomeEventReader(), headerDefaults: {} }
const header = encodeEventHeader({ id: '1', source: '/t', type: 't', acceptedAtMs: 1, hops: 0 })
const direct = (): DirectInvocation =>
  new DirectInvocation(
    feed,
    { offset: 0, timestampMs: 1, key: null, value: Buffer.from('direct'), header, headers: null },
    undefined,
  )

/** A route that always has `runnable` events and hands out one per frame. */
function endlessRoute(taken: () => void): TriggerRoute {
  const route = {
    runnable: 1,
    runnableKeys: 1,
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
})
