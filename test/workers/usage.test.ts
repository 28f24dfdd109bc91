import { afterEach, describe, expect, it } from 'vitest'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import { invocationOf, jsonOf, outcomesOf, versionOf } from './worker-fixtures.ts'

let pool: WorkerPool

function start(changes: Partial<FunctionVersion> = {}): void {
  pool = createWorkerPool(versionOf('busy.mjs', { memoryMiB: 64, ...changes }))
  pool.setWorkers(1)
}

afterEach(async () => {
  await pool.close(0)
})

const run = async (...data: object[]): Promise<void> => {
  await outcomesOf(
    pool,
    data.map(each => invocationOf(each)),
  )
}

describe('the usage of a version', () => {
  it('counts CPU and handler time of what computes', async () => {
    start()
    await run({ burnMs: 40 }, { burnMs: 40 })
    await run({ burnMs: 40 })
    const { cpuMs, handlerMs, memoryMiBSeconds } = pool.stats()
    expect(handlerMs).toBeGreaterThanOrEqual(120)
    // Wall time is burnt, of which others on the machine may take a part.
    expect(cpuMs).toBeGreaterThan(20)
    expect(cpuMs).toBeLessThan(handlerMs + 100)
    expect(memoryMiBSeconds).toBeCloseTo((handlerMs / 1000) * 64, 6)
  })

  it('counts the time that handlers wait at the same time for each, and hardly any CPU', async () => {
    start()
    await run({}, {})
    const before = pool.stats()
    await run({ waitMs: 100 }, { waitMs: 100 }, { waitMs: 100 })
    const { cpuMs, handlerMs } = pool.stats()
    expect(handlerMs - before.handlerMs).toBeGreaterThan(295)
    expect(cpuMs - before.cpuMs).toBeLessThan(100)
  })

  it('counts a batch once, not per event', async () => {
    start({ handler: 'batch', batch: { maxEvents: 10 } })
    await run(...Array.from({ length: 10 }, () => ({ burnMs: 30 })))
    const { handlerMs } = pool.stats()
    expect(handlerMs).toBeGreaterThanOrEqual(30)
    expect(handlerMs).toBeLessThan(300)
  })

  it('counts what was used up by a worker that had to be ended', async () => {
    start({ timeoutMs: 100 })
    await run({})
    await run({ burnMs: 60_000 })
    const { cpuMs, handlerMs, killed } = pool.stats()
    expect(killed).toBe(1)
    expect(handlerMs).toBeGreaterThanOrEqual(100)
    expect(cpuMs).toBeGreaterThanOrEqual(100)
  })

  it('counts how long workers lived, those included that are gone', async () => {
    start()
    expect(pool.stats().workerSeconds).toBeLessThan(1)
    await run({ burnMs: 30 })
    const alive = pool.stats().workerSeconds
    expect(alive).toBeGreaterThanOrEqual(0.03)
    await pool.close(0)
    const gone = pool.stats().workerSeconds
    expect(gone).toBeGreaterThanOrEqual(alive)
    expect(pool.stats().workerSeconds).toBe(gone)
  })
})

describe('the memory of a worker', () => {
  it.each([
    [16, 3],
    [128, 12],
    [1_024, 48],
  ])(
    'is memoryMiB (%i) for what lasts, and at most an eighth or 3 MiB for what is new',
    async (memoryMiB, youngMiB) => {
      pool = createWorkerPool(versionOf('heap-limits.mjs', { memoryMiB }))
      pool.setWorkers(1)
      const [outcome] = await outcomesOf(pool, [invocationOf({})])
      const [{ limits, youngMiB: grown }] = jsonOf(outcome) as [{ limits: unknown; youngMiB: number }]
      expect(limits).toEqual({ maxOldGenerationSizeMb: memoryMiB, maxYoungGenerationSizeMb: youngMiB })
      expect(grown).toBeLessThanOrEqual(youngMiB)
    },
  )
})
