import { describe, expect, it, onTestFinished } from 'vitest'
import { Controller } from '../../src/controller/controller.ts'
import type { LagSource } from '../../src/controller/lag.ts'
import type { FunctionVersion, ScalingPolicy } from '../../src/functions/function-version.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'

const stats = {
  state: 'ready',
  workers: 1,
  busy: 0,
  succeeded: 0,
  failed: 0,
  cpuMs: 0,
  handlerMs: 0,
  serviceTimeMs: undefined,
}

function controlled(
  lag: Omit<LagSource, 'notTaken'>,
  scaling: Partial<ScalingPolicy> = {},
  notTaken: () => Promise<number | undefined> = () => Promise.resolve(0),
  seen: { readonly serviceTimeMs?: number } = {},
) {
  let permits = 0
  const pool = {
    version: {
      name: 'fn',
      version: 'latest',
      concurrency: 1,
      memoryMiB: 64,
      scaling: { minWorkers: 0, maxWorkers: 4, targetDrainMs: 1_000, scaleToZeroAfterMs: 0, ...scaling },
    } as FunctionVersion,
    setWorkers: (count: number) => (permits = count),
    stats: () => ({ ...stats, ...seen, permits }),
  } as unknown as WorkerPool
  let ticks = 0
  const ticked: (() => void)[] = []
  const controller = new Controller({ intervalMs: 1, cores: 2, onDecision: () => undefined })
  const source: LagSource = Object.assign(lag, {
    notTaken: () => {
      ticks++
      for (const wake of ticked.splice(0)) wake()
      return notTaken()
    },
  })
  controller.add(pool, source)
  onTestFinished(() => controller.stop())
  const untilTicks = async (count: number): Promise<void> => {
    while (ticks < count) await new Promise<void>(resolve => ticked.push(resolve))
  }
  return { controller, pool, untilTicks }
}

describe('Controller', () => {
  it('takes no permit from a frame that waits in the pool for a worker to start', async () => {
    const { controller, pool, untilTicks } = controlled({ runnable: 0, runnableKeys: 0, received: 0, running: 1 })
    controller.wake(pool)
    controller.start()
    await untilTicks(5)
    expect(pool.stats().permits).toBe(1)
  })

  it('goes to zero when nothing waits and nothing runs', async () => {
    const { controller, pool, untilTicks } = controlled({ runnable: 0, runnableKeys: 0, received: 0, running: 0 })
    controller.wake(pool)
    expect(pool.stats().permits).toBe(1)
    controller.start()
    await untilTicks(5)
    expect(pool.stats().permits).toBe(0)
    expect(controller.history.events().map(({ to }) => to)).toEqual([0, 1])
  })

  it('gives each of those that compute its share of the cores, also to one that is added later', async () => {
    const lag = () => ({ runnable: 1_000, runnableKeys: 1_000, received: 1_000, running: 1 })
    const { controller, pool, untilTicks } = controlled(lag(), {}, undefined, { serviceTimeMs: 100 })
    controller.start()
    await untilTicks(10)
    expect(pool.stats().permits).toBe(2)
    const other = controlled(lag(), {}, undefined, { serviceTimeMs: 100 })
    controller.add(other.pool, { ...lag(), notTaken: () => Promise.resolve(0) })
    await untilTicks(30)
    expect([pool.stats().permits, other.pool.stats().permits]).toEqual([1, 1])
    expect(controller.statuses().map(({ reason }) => reason)).toEqual(
      Array(2).fill(expect.stringContaining('its share of 2 cores beside 1 other')),
    )
  })

  it('never touches a removed pool again, also not by the tick that was asking for its lag', async () => {
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<number>()
    const touched: string[] = []
    const pool = {
      version: {
        name: 'fn',
        version: 'latest',
        concurrency: 1,
        scaling: { minWorkers: 0, maxWorkers: 4, targetDrainMs: 1_000, scaleToZeroAfterMs: 0 },
      } as FunctionVersion,
      setWorkers: () => touched.push('setWorkers'),
      stats: () => {
        touched.push('stats')
        return { ...stats, permits: 0 }
      },
    } as unknown as WorkerPool
    const controller = new Controller({ intervalMs: 1, cores: 2, onDecision: () => undefined })
    onTestFinished(() => controller.stop())
    controller.add(pool, {
      runnable: 9,
      runnableKeys: 9,
      received: 9,
      running: 0,
      notTaken: () => {
        asked.resolve()
        return answer.promise
      },
    })
    controller.start()
    await asked.promise
    controller.remove(pool)
    touched.length = 0
    answer.resolve(1_000)
    await answer.promise
    await new Promise<void>(resolve => setImmediate(resolve))
    controller.wake(pool)
    expect(touched).toEqual([])
    expect(controller.statuses()).toEqual([])
  })

  it('leaves a version at zero while no more events wait than activationLagThreshold says', () => {
    const lag = { runnable: 5, runnableKeys: 5, received: 0, running: 0 }
    const { controller, pool } = controlled(lag, { activationLagThreshold: 5 })
    controller.wake(pool)
    expect(pool.stats().permits).toBe(0)
    lag.runnable = 6
    controller.wake(pool)
    expect(pool.stats().permits).toBe(1)
  })

  it('holds while a lag cannot be told, and says so', async () => {
    const told: (number | undefined)[] = []
    const lag = { runnable: 0, runnableKeys: 0, received: 0, running: 0 }
    const { controller, pool, untilTicks } = controlled(lag, {}, () => {
      told.push(undefined)
      return told.length % 2 === 0 ? Promise.resolve(undefined) : Promise.reject(new Error('the broker is away'))
    })
    controller.wake(pool)
    controller.start()
    await untilTicks(6)
    expect(pool.stats().permits).toBe(1)
    expect(controller.statuses()).toMatchObject([{ pool, reason: 'hold at 1: the lag is unknown' }])
    expect(controller.statuses()[0]?.inputs?.waiting).toBeUndefined()
  })

  it('tells no number of nodes before every lag is known', async () => {
    const far: { notTaken?: number } = {}
    const lag = { runnable: 0, runnableKeys: 0, received: 0, running: 0 }
    const { controller, untilTicks } = controlled(lag, {}, () => Promise.resolve(far.notTaken))
    expect(controller.wantedNodes()).toBeUndefined()
    controller.start()
    await untilTicks(3)
    expect(controller.wantedNodes()).toBeUndefined()
    far.notTaken = 0
    await untilTicks(6)
    expect(controller.wantedNodes()).toMatchObject({ nodes: 0 })
  })

  it('keeps what a decision was made of', async () => {
    const lag = { runnable: 3, runnableKeys: 3, received: 3, running: 0 }
    const { controller, untilTicks } = controlled(lag, {}, () => Promise.resolve(7))
    controller.start()
    await untilTicks(3)
    const [first] = controller.history.events().toReversed()
    expect(first).toMatchObject({ from: 0, to: 1, inputs: { waiting: 10, runnableKeys: 3, concurrency: 1 } })
    expect(controller.history.series()).toMatchObject([{ function: 'fn', points: [{ waiting: 10 }] }])
  })

  it('gives the warm minimum before anything is sampled', () => {
    const { pool } = controlled({ runnable: 0, runnableKeys: 0, received: 0, running: 0 }, { minWorkers: 2 })
    expect(pool.stats().permits).toBe(2)
  })
})
