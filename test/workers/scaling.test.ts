import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'
import { invocationOf, jsonOf, outcomesOf, roomIn, versionOf } from './worker-fixtures.ts'

let pool: WorkerPool

afterEach(async () => {
  await pool.close(0)
})

describe('the number of workers', () => {
  it('is zero until one is permitted; a frame then waits for the first worker', async () => {
    pool = createWorkerPool(versionOf('echo.mjs'))
    expect(pool.stats()).toMatchObject({ state: 'starting', workers: 0, permits: 0 })
    expect(pool.freeSlots).toBe(0)
    pool.setWorkers(1)
    expect(pool.freeSlots).toBe(1)
    const [outcome] = await outcomesOf(pool, [invocationOf({ a: 1 })])
    expect(jsonOf(outcome)).toEqual([{ a: 1 }])
    expect(pool.state).toBe('ready')
  })

  it('follows the permits up at once, down when workers are idle, to zero, and up again', async () => {
    pool = createWorkerPool(versionOf('hostile.mjs'), { idleTimeoutMs: 50 })
    pool.setWorkers(4)
    await vi.waitFor(() => expect(pool.freeSlots).toBe(4), 10_000)
    expect(pool.stats().workers).toBe(4)
    await Promise.all([1, 2, 3, 4].map(() => outcomesOf(pool, [invocationOf({ act: 'slow', ms: 20 })])))
    pool.setWorkers(1)
    expect(pool.freeSlots).toBe(1)
    await vi.waitFor(() => expect(pool.stats().workers).toBe(1), 10_000)
    pool.setWorkers(0)
    expect(pool.freeSlots).toBe(0)
    await vi.waitFor(() => expect(pool.stats().workers).toBe(0), 10_000)
    pool.setWorkers(2)
    const [outcome] = await outcomesOf(pool, [invocationOf({ act: 'ok', n: 5 })])
    expect(jsonOf(outcome)).toEqual([{ n: 5 }])
    await vi.waitFor(() => expect(pool.stats().workers).toBe(2), 10_000)
  })

  it('keeps permitted workers alive although they are idle', async () => {
    pool = createWorkerPool(versionOf('init-count.mjs'), { idleTimeoutMs: 10 })
    pool.setWorkers(2)
    await vi.waitFor(() => expect(pool.freeSlots).toBe(2), 10_000)
    for (let i = 0; i < 5; i++) {
      await outcomesOf(pool, [invocationOf({})])
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    expect(pool.stats()).toMatchObject({ workers: 2, coldStarts: 2 })
  })

  it('never interrupts a running invocation when it shrinks', async () => {
    pool = createWorkerPool(versionOf('hostile.mjs'), { idleTimeoutMs: 1 })
    pool.setWorkers(2)
    await vi.waitFor(() => expect(pool.freeSlots).toBe(2), 10_000)
    const running = [1, 2].map(n => outcomesOf(pool, [invocationOf({ act: 'slow', ms: 150, n })]))
    pool.setWorkers(0)
    expect((await Promise.all(running)).map(([outcome]) => jsonOf(outcome))).toEqual([[{ n: 1 }], [{ n: 2 }]])
    await vi.waitFor(() => expect(pool.stats().workers).toBe(0), 10_000)
  })

  it('stays within the bound of the version', () => {
    pool = createWorkerPool(
      versionOf('echo.mjs', { scaling: { minWorkers: 0, maxWorkers: 1, targetDrainMs: 1, scaleToZeroAfterMs: 1 } }),
    )
    pool.setWorkers(9)
    expect(pool.stats().permits).toBe(1)
  })

  it('a worker is replaced after its number of frames without losing one', async () => {
    pool = createWorkerPool(versionOf('init-count.mjs'), { maxFramesPerWorker: 3 })
    pool.setWorkers(1)
    for (let i = 0; i < 10; i++)
      expect((await outcomesOf(pool, [invocationOf({})]))[0]).toMatchObject({ kind: 'succeeded' })
    await vi.waitFor(() => expect(pool.stats().coldStarts).toBeGreaterThanOrEqual(2), 10_000)
  })

  it('a worker that is old works on until its successor has started', async () => {
    pool = createWorkerPool(versionOf('slow-init.mjs', { recycle: { maxCalls: 2, maxHeapShare: 1 } }))
    pool.setWorkers(1)
    await roomIn(pool)
    const calls: { born: number; calls: number }[] = []
    while (new Set(calls.map(({ born }) => born)).size < 2) {
      const [outcome] = await outcomesOf(pool, [invocationOf({})])
      calls.push(...(jsonOf(outcome) as typeof calls))
    }
    // Its last call came after the limit of two: nothing waited while the successor ran its init.
    expect(calls.at(-2)?.calls).toBeGreaterThan(2)
    expect(calls.at(-1)?.calls).toBe(1)
    await vi.waitFor(() => expect(pool.stats().workers).toBe(1), 10_000)
    expect(pool.stats()).toMatchObject({ permits: 1, killed: 0, failed: 0 })
  })

  it('a worker whose heap fills up is replaced before it runs out of memory', async () => {
    const lines: string[] = []
    const version = versionOf('leaks.mjs', { memoryMiB: 256, recycle: { maxHeapShare: 0.3 } })
    pool = createWorkerPool(version, { onLog: ({ message }) => lines.push(message) })
    pool.setWorkers(1)
    await roomIn(pool)
    while (!lines.some(line => line.includes('after a garbage collection'))) {
      const [outcome] = await outcomesOf(pool, [invocationOf({ MiB: 1 })])
      expect(outcome).toMatchObject({ kind: 'succeeded' })
    }
    await vi.waitFor(() => expect(pool.stats().coldStarts).toBe(2), 10_000)
    expect(pool.stats()).toMatchObject({ killed: 0, failed: 0 })
  })

  it('an old worker stays when its successor cannot start', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sluice-once-'))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    const version = versionOf('starts-once.mjs', {
      recycle: { maxCalls: 1, maxHeapShare: 1 },
      environment: { MARK: join(dir, 'started') },
    })
    pool = createWorkerPool(version, { restartDelayMs: 60_000 })
    pool.setWorkers(1)
    await roomIn(pool)
    await outcomesOf(pool, [invocationOf({})])
    await vi.waitFor(() => expect(pool.stats().problem).toContain('only once'), 10_000)
    expect(pool.state).toBe('ready')
    expect((await outcomesOf(pool, [invocationOf({})]))[0]).toMatchObject({ kind: 'succeeded' })
  })
})

describe('a worker', () => {
  it('has run init once before its first event', async () => {
    const lines: unknown[] = []
    pool = createWorkerPool(versionOf('init-count.mjs'), { onLog: entry => lines.push(entry.message, entry.fields) })
    pool.setWorkers(1)
    await roomIn(pool)
    expect(lines).toEqual(['ready', '{"function":"probe"}'])
    const outcomes = await outcomesOf(pool, [invocationOf({}), invocationOf({})])
    expect(outcomes.map(jsonOf)).toEqual([[{ inits: 1 }], [{ inits: 1 }]])
  })

  it('that cannot start puts the pool in quarantine, and nothing is charged', async () => {
    pool = createWorkerPool(versionOf('init-throws.mjs'), { restartDelayMs: 30 })
    pool.setWorkers(2)
    const [outcome] = await outcomesOf(pool, [invocationOf({})])
    expect(outcome).toEqual({ kind: 'not-started' })
    expect(pool.stats()).toMatchObject({ state: 'quarantined', failed: 0 })
    expect(pool.stats().problem).toContain('no route to database')
    expect(pool.freeSlots).toBe(0)
  })

  it('that is loaded for ever is given up', async () => {
    pool = createWorkerPool(versionOf('load-loop.mjs'), { loadTimeoutMs: 300, restartDelayMs: 60_000 })
    pool.setWorkers(1)
    await outcomesOf(pool, [invocationOf({})])
    expect(pool.stats().problem).toContain('was not loaded within 300 ms')
    await vi.waitFor(() => expect(pool.stats().workers).toBe(0), 10_000)
  })

  it('of a module that exits while loading harms nobody', async () => {
    pool = createWorkerPool(versionOf('load-exit.mjs'), { restartDelayMs: 60_000 })
    pool.setWorkers(1)
    await outcomesOf(pool, [invocationOf({})])
    expect(pool.state).toBe('quarantined')
    expect(pool.stats().problem).toContain('ended while it loaded')
  })

  it('runs TypeScript and named handlers', async () => {
    pool = createWorkerPool(versionOf('typed.ts', { handler: 'onReading' }))
    pool.setWorkers(1)
    expect(jsonOf((await outcomesOf(pool, [invocationOf({ celsius: 35 })]))[0])).toEqual([{ hot: true }])
  })
})

describe('close', () => {
  it('waits for running frames within its limit', async () => {
    pool = createWorkerPool(versionOf('hostile.mjs'))
    pool.setWorkers(1)
    await roomIn(pool)
    const running = outcomesOf(pool, [invocationOf({ act: 'slow', ms: 100, n: 1 })])
    await pool.close(5_000)
    expect(jsonOf((await running)[0])).toEqual([{ n: 1 }])
    expect(pool.stats()).toMatchObject({ state: 'closed', workers: 0 })
  })

  it('gives back what does not end in time, and what comes later', async () => {
    pool = createWorkerPool(versionOf('hostile.mjs', { timeoutMs: 60_000 }))
    pool.setWorkers(1)
    await roomIn(pool)
    const running = outcomesOf(pool, [invocationOf({ act: 'none' }), invocationOf({ act: 'loop' })])
    const waiting = outcomesOf(pool, [invocationOf({ act: 'ok' })])
    await pool.close(50)
    expect((await running)[1]).toEqual({ kind: 'not-started', interrupted: true })
    expect(await waiting).toEqual([{ kind: 'not-started' }])
    expect(await outcomesOf(pool, [invocationOf({ act: 'ok' })])).toEqual([{ kind: 'not-started' }])
    // No thread of ours is left in the process.
    expect(readdirSync('/proc/self/task').length).toBeLessThan(64)
  })
})
