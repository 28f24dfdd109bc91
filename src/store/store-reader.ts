import { Worker } from 'node:worker_threads'
import { SluiceError } from '../errors/sluice-error.ts'
import type { ReadCall, ReadReply } from './store-reader-thread.ts'

interface PendingRead {
  resolve(value: unknown): void
  reject(error: SluiceError): void
}

/** A thread that nobody has asked for so long ends: few look at dead letters, and seldom. */
const idleMs = 30_000

/**
 * The thread that reads dead letters, so that a search holds up neither events nor the main thread.
 *
 *   (none) ──first read──▶ running ──idle for a while──▶ (none)
 *                             └──died: what waited is refused──▶ (none)
 *   any ──close()──▶ closed
 */
export class StoreReader {
  readonly #file: string
  readonly #pending = new Map<number, PendingRead>()
  #thread: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #nextId = 1
  #isClosed = false

  /** @param file of a database that is there. */
  constructor(file: string) {
    this.#file = file
  }

  /** @throws {SluiceError} SLUICE_STORE_FAILED when it cannot be read. */
  read<T>(operation: ReadCall['operation'], args: readonly unknown[]): Promise<T> {
    if (this.#isClosed) return Promise.reject(new SluiceError('SLUICE_STORE_FAILED', 'the store is closed'))
    clearTimeout(this.#idle)
    const thread = (this.#thread ??= this.#start())
    const id = this.#nextId++
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject })
      thread.postMessage({ id, operation, args } satisfies ReadCall)
    })
  }

  /** Finishes what was asked for. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#end()
  }

  #start(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const thread = new Worker(new URL(`./store-reader-thread.${extension}`, import.meta.url), {
      workerData: { file: this.#file },
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    // Nothing that must be finished is lost with it.
    thread.unref()
    thread.on('message', (reply: ReadReply) => this.#settle(reply))
    let cause: unknown
    thread.on('error', error => (cause = error))
    thread.on('exit', code => this.#ended(thread, cause ?? `its thread ended with code ${code}`))
    return thread
  }

  #settle({ id, value, error }: ReadReply): void {
    const read = this.#pending.get(id)
    this.#pending.delete(id)
    if (error === undefined) read?.resolve(value)
    else read?.reject(new SluiceError('SLUICE_STORE_FAILED', `the dead letters cannot be read: ${error}`))
    if (this.#pending.size === 0 && !this.#isClosed) this.#idle = setTimeout(() => void this.#end(), idleMs).unref()
  }

  #ended(thread: Worker, cause: unknown): void {
    // Another one may have been started behind one that was told to end.
    if (this.#thread !== thread) return
    this.#thread = undefined
    const error = new SluiceError('SLUICE_STORE_FAILED', `the dead letters cannot be read: ${String(cause)}`, { cause })
    for (const read of this.#pending.values()) read.reject(error)
    this.#pending.clear()
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle)
    const thread = this.#thread
    if (thread === undefined) return
    if (!this.#isClosed) this.#thread = undefined
    const exited = new Promise(resolve => thread.once('exit', resolve))
    thread.ref()
    thread.postMessage('close')
    await exited
  }
}
