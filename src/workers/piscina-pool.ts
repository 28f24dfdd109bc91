import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { defaultRecycle, type FunctionVersion } from '../functions/function-version.ts'
import { withCompileCache } from './compile-cache.ts'
import { FramePool } from './frame-pool.ts'
import { heapLimits } from './heap-limits.ts'
import { KillSwitch } from './kill-switch.ts'
import type { WorkerPoolOptions } from './pool-options.ts'
import { maskFor, type SecretMask } from './secret-mask.ts'
import { causeOfDeath } from './worker-death.ts'
import type { WorkerHost } from './worker-host.ts'
import type { WorkerPool } from './worker-pool.ts'
import type { WarmUpAnswer, WarmUpTask, WorkerSettings } from './worker-settings.ts'
import type { WorkerSlot } from './worker-slot.ts'

const defaultIdleTimeoutMs = 5_000
const abandonAfterMs = 2_000

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const entryFile = fileURLToPath(new URL(`./worker-entry.${extension}`, import.meta.url))

/**
 * Makes the pool of one function version. It has no worker until `setWorkers` permits one; a worker has loaded the module
 * and run `init` before it gets its first event.
 */
export function createWorkerPool(version: FunctionVersion, options: WorkerPoolOptions = {}): WorkerPool {
  return new FramePool(version, new PiscinaHost(version, options), options)
}

/** A task as its balancer sees it: the slot it is for is found under a symbol, which is never cloned to the worker. */
interface AddressedTask extends WarmUpTask {
  [slotKey: symbol]: WorkerSlot
}

/**
 * The threads of one version, as a Piscina that never chooses: every task is addressed to one worker, and its balancer
 * only looks the address up. So the queue of Piscina stays empty, and the pool in front of it decides about order, size
 * and who is ended.
 *
 * Piscina has no way to resize; `options` is its live object, and `minThreads`, `maxThreads` and `idleTimeout` in it are
 * read at every use. A contract test guards that.
 */
class PiscinaHost implements WorkerHost {
  onReplacement: () => void = () => {}
  onGone: (slot: WorkerSlot) => void = () => {}
  readonly #piscina: Piscina
  readonly #owners = new Map<Worker, WorkerSlot>()
  readonly #mask: SecretMask
  #address: WorkerSlot | undefined
  #delivered = false
  #closing = false
  /** Lives of the workers that are gone. */
  #livedMs = 0

  constructor(version: FunctionVersion, options: WorkerPoolOptions) {
    this.#mask = maskFor(version)
    const settings: WorkerSettings = {
      function: version.name,
      version: version.version,
      file: version.file,
      handler: version.handler,
      selfContained: version.selfContained,
      secrets: version.secrets,
      environment: version.environment,
      timeoutMs: version.timeoutMs,
      concurrency: version.concurrency,
      maxResultBytes: version.maxResultBytes,
      memoryMiB: version.memoryMiB,
      recycle: version.recycle ?? defaultRecycle,
      batch: version.batch,
      tracing: options.tracing ?? false,
      bindings: version.bindings,
      network: version.network,
    }
    this.#piscina = new Piscina({
      filename: entryFile,
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: options.idleTimeoutMs ?? defaultIdleTimeoutMs,
      // Never reached: a task is handed over only to a worker that is free, or that is being started for it.
      maxQueue: 10_000,
      // The default parks the thread between tasks, and with it the timers and sockets of user code.
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: heapLimits(version.memoryMiB),
      env: withCompileCache(version.environment, options.compileCacheDirectory),
      // Not those of the gateway: they may name loaders, inspectors or permissions that are no business of functions.
      execArgv: [],
      workerData: settings,
      loadBalancer: (task, workers) => {
        const addressed = task as unknown as Record<symbol, WorkerSlot | null>
        const slot = addressed[Piscina.queueOptionsSymbol] ?? this.#address
        const threadId = slot?.worker?.threadId
        const worker = threadId === undefined ? undefined : workers.find(({ id }) => id === threadId)
        this.#delivered = worker !== undefined
        return worker ?? null
      },
    })
    // Deaths are seen on the workers themselves; unheard, these events would end the gateway.
    this.#piscina.on('error', () => {})
    this.#piscina.on('workerCreate', () => {
      if (this.unowned > 0 && !this.#closing) this.onReplacement()
    })
  }

  get size(): number {
    return this.#piscina.threads.length
  }

  get unowned(): number {
    return this.#piscina.threads.reduce((count, worker) => (this.#owners.has(worker) ? count : count + 1), 0)
  }

  get aliveMs(): number {
    const now = performance.now()
    let aliveMs = this.#livedMs
    for (const { bornAt } of this.#owners.values()) aliveMs += now - bornAt
    return aliveMs
  }

  keep(count: number): void {
    this.#piscina.options.minThreads = count
  }

  async start(slot: WorkerSlot): Promise<WarmUpAnswer> {
    const present = this.#unownedWorker()
    if (present !== undefined) this.#own(present, slot)
    const { size } = this
    // Exactly one more, or none: with room left, Piscina starts more workers as long as a task waits.
    this.#piscina.options.maxThreads = Math.max(1, present === undefined ? size + 1 : size)
    const task: AddressedTask = { port: slot.theirPort, [Piscina.queueOptionsSymbol]: slot }
    const answer = this.#piscina.run(task, {
      name: 'warmUp',
      signal: slot.killSwitch,
      transferList: [slot.theirPort],
    }) as Promise<WarmUpAnswer>
    const started = present ?? this.#unownedWorker()
    if (started !== undefined && present === undefined) this.#own(started, slot)
    return await answer
  }

  run(slot: WorkerSlot, frame: Uint8Array<ArrayBuffer>): Promise<unknown> | undefined {
    this.#address = slot
    this.#delivered = false
    const answer = this.#piscina.run(frame, {
      name: 'runFrame',
      signal: slot.killSwitch,
      transferList: [frame.buffer],
    }) as Promise<unknown>
    this.#address = undefined
    if (this.#delivered) return answer
    answer.catch(() => {})
    slot.killSwitch.pull()
    return undefined
  }

  touch(slot: WorkerSlot): void {
    this.#address = slot
    // Not the slot's own: the next frame may come before the answer.
    const killSwitch = new KillSwitch()
    this.#delivered = false
    this.#piscina.run(undefined, { name: 'touch', signal: killSwitch }).catch(() => {})
    this.#address = undefined
    if (!this.#delivered) killSwitch.pull()
  }

  end(slot: WorkerSlot): void {
    // The switch ends the thread that runs the task; without a task there is only the thread itself.
    if (slot.state === 'idle') void slot.worker?.terminate()
    else slot.killSwitch.pull()
  }

  async close(): Promise<void> {
    this.#closing = true
    const abandon = Promise.withResolvers<void>()
    const timer = setTimeout(() => abandon.resolve(), abandonAfterMs)
    await Promise.race([this.#piscina.destroy(), abandon.promise])
    clearTimeout(timer)
  }

  #unownedWorker(): Worker | undefined {
    return this.#piscina.threads.find(worker => !this.#owners.has(worker))
  }

  #own(worker: Worker, slot: WorkerSlot): void {
    slot.worker = worker
    slot.bornAt = performance.now()
    this.#owners.set(worker, slot)
    worker.once('error', error => (slot.deathCause ??= causeOfDeath(error, this.#mask)))
    worker.once('exit', () => {
      this.#owners.delete(worker)
      this.#livedMs += performance.now() - slot.bornAt
      this.onGone(slot)
    })
  }
}
