import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import { fixture, invocationOf, outcomesOf, versionOf } from './worker-fixtures.ts'

/** What we rely on in Piscina beyond its documentation, and its traps; a new version that changes one shows here. */

let piscina: Piscina

afterEach(async () => {
  await piscina.destroy()
})

function threads(options: ConstructorParameters<typeof Piscina>[0] = {}): Piscina {
  piscina = new Piscina({
    filename: fixture('piscina-task.mjs'),
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: 20,
    atomics: 'disabled',
    execArgv: [],
    ...options,
  })
  piscina.on('error', () => {})
  return piscina
}

describe('Piscina', () => {
  it('starts no thread with minThreads 0, and goes back to none by idleTimeout', async () => {
    threads()
    expect(piscina.threads.length).toBe(0)
    await piscina.run({})
    await vi.waitFor(() => expect(piscina.threads.length).toBe(0), 5_000)
  })

  it('reads maxThreads and minThreads of its live options at every use', async () => {
    threads()
    piscina.options.maxThreads = 3
    const runs = [1, 2, 3].map(() => piscina.run({ ms: 50 }, { signal: new AbortController().signal }))
    expect(piscina.threads.length).toBe(3)
    piscina.options.minThreads = 2
    await Promise.all(runs)
    await vi.waitFor(() => expect(piscina.threads.length).toBe(2), 5_000)
  })

  it('asks the balancer once per task, synchronously in run when a worker is free, and hands to the worker it names', async () => {
    const asked: unknown[] = []
    threads({
      maxThreads: 2,
      loadBalancer: (task, workers) => {
        asked.push((task as unknown as Record<symbol, unknown>)[Piscina.queueOptionsSymbol])
        return workers.at(-1) ?? null
      },
    })
    piscina.options.minThreads = 1
    await piscina.run({ [Piscina.queueOptionsSymbol]: 'first' }, { signal: new AbortController().signal })
    expect(asked).toContain('first')
    const before = asked.length
    const second = piscina.run({ [Piscina.queueOptionsSymbol]: 'second' }, { signal: new AbortController().signal })
    expect(asked.length).toBe(before + 1)
    await second
  })

  it('replaces a worker at once, up to minThreads, when a task is aborted', async () => {
    threads()
    await piscina.run({})
    piscina.options.minThreads = 1
    const [worker] = piscina.threads
    const controller = new AbortController()
    const aborted = piscina.run({ ms: 60_000 }, { signal: controller.signal })
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    expect(piscina.threads.length).toBe(1)
    expect(piscina.threads[0]).not.toBe(worker)
  })

  it('resolves a task that threw null, which is why our envelope carries failures', async () => {
    threads()
    await expect(piscina.run({ throwNull: true })).resolves.toBeNull()
    const pool = createWorkerPool(versionOf('hostile.mjs'))
    pool.setWorkers(1)
    const [outcome] = await outcomesOf(pool, [invocationOf({ act: 'throwNull' })])
    await pool.close(0)
    expect(outcome).toMatchObject({ kind: 'failed', error: { reason: 'error' } })
  })

  it('delivers what a terminated thread had posted before its end is told', async () => {
    threads()
    const { port1, port2 } = new MessageChannel()
    const controller = new AbortController()
    const seen: unknown[] = []
    port1.on('message', message => {
      seen.push(message)
      if (seen.length > 1) return
      // This thread sleeps until the other has posted everything: none of it is delivered before the abort.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
      controller.abort()
    })
    const closed = once(port1, 'close')
    const task = piscina.run({ port: port2, posts: 1_000 }, { signal: controller.signal, transferList: [port2] })
    await expect(task).rejects.toThrow()
    await closed
    expect(seen.length).toBe(1_000)
  })
})
