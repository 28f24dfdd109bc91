import { describe, expect, it, onTestFinished } from 'vitest'
import { Controller } from '../../src/controller/controller.ts'
import type { LagSource } from '../../src/controller/lag.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'

function controlled(lag: Omit<LagSource, 'notTaken'>) {
  let permits = 0
  const pool = {
    version: {
      name: 'fn',
      version: 'latest',
      concurrency: 1,
      scaling: { minWorkers: 0, maxWorkers: 4, targetDrainMs: 1_000, scaleToZeroAfterMs: 0 },
    } as FunctionVersion,
    setWorkers: (count: number) => (permits = count),
    stats: () => ({ permits, busy: 0, serviceTimeMs: undefined, cpuShare: undefined }),
  } as unknown as WorkerPool
  let ticks = 0
  const ticked: (() => void)[] = []
  const controller = new Controller({ intervalMs: 1, cores: 2, onDecision: () => undefined })
  controller.add(pool, {
    ...lag,
    notTaken: () => {
      ticks++
      for (const wake of ticked.splice(0)) wake()
      return Promise.resolve(0)
    },
  })
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
    expect(controller.events().map(({ to }) => to)).toEqual([0, 1])
  })
})
