import { Worker } from 'node:worker_threads'
import { SluiceError } from '../errors/sluice-error.ts'
import { LineQueue, type LineBatch } from './observations-queue.ts'
import type { ObservationsCall, ObservationsReply, ObservationsThreadData } from './observations-thread.ts'
import type {
  FunctionLogLine,
  KeptLogLine,
  LogQuery,
  Observations,
  ObservationsOptions,
  VersionSample,
} from './observations.ts'
import { RecentEventsChannel } from './recent-events-channel.ts'

const defaults = { maxLines: 200_000, maxAgeMs: 7 * 86_400_000, maxBytes: 512 * 1024 * 1024 }

/** Samples that may wait for the thread: ten seconds of ten thousand versions. */
const maxWaitingSamples = 10_000

/**
 * Opens the store of function logs and time series: SQLite in a thread of its own. Does not wait for the file; what goes
 * wrong with it is told to `onFailed` and `onWarning`.
 */
export function openObservations(options: ObservationsOptions): Observations {
  return new SqliteObservations(options)
}

interface PendingRead {
  resolve(rows: unknown): void
  reject(error: SluiceError): void
}

type Listener = (lines: readonly KeptLogLine[]) => void

/**
 * One batch is under way at a time and the next is what came meanwhile: no timer, and the busier it is, the larger the
 * batches. A read sends everything that waits ahead of itself.
 *
 *   open ──close()──▶ closing ──thread ended──▶ closed
 *     └──thread died──▶ closed
 */
class SqliteObservations implements Observations {
  readonly recent: RecentEventsChannel | undefined
  readonly #thread: Worker
  readonly #onFailed: (error: SluiceError) => void
  readonly #mayKeep: () => boolean
  readonly #onWarning: (message: string) => void
  readonly #queue = new LineQueue()
  readonly #reads = new Map<number, PendingRead>()
  readonly #listeners = new Set<Listener>()
  readonly #underWay: LineBatch[] = []
  readonly #ended: Promise<void>
  #state: 'open' | 'closing' | 'closed' = 'open'
  #failure: SluiceError | undefined
  #samples: VersionSample[] = []
  #scheduled = false
  #nextId = 1
  #lateLines = 0

  constructor({ dir, onFailed, onWarning, mayKeep, recentEvents, ...bounds }: ObservationsOptions) {
    this.#mayKeep = mayKeep ?? (() => true)
    this.#onFailed = onFailed ?? (() => undefined)
    this.#onWarning = onWarning ?? (() => undefined)
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#thread = new Worker(new URL(`./observations-thread.${extension}`, import.meta.url), {
      workerData: { ...defaults, ...bounds, dir, recentEvents } satisfies ObservationsThreadData,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    this.#thread.on('message', (reply: ObservationsReply) => this.#take(reply))
    this.#thread.on('error', error => this.#end(String(error)))
    if (recentEvents !== undefined)
      this.recent = new RecentEventsChannel({
        post: (call, transfer) => this.#thread.postMessage(call, transfer),
        mayKeep: () => this.#state === 'open' && this.#mayKeep(),
        read: query => this.#read(id => ({ kind: 'find', id, query })),
      })
    this.#ended = new Promise(resolve => {
      this.#thread.on('exit', code => {
        this.#end(`its thread ended with code ${code}`)
        resolve()
      })
    })
  }

  get dropped(): number {
    return this.#queue.dropped + this.#lateLines
  }

  log(lines: readonly FunctionLogLine[]): void {
    if (this.#state !== 'open' || !this.#mayKeep()) this.#lateLines += lines.length
    else {
      this.#queue.add(lines)
      this.#schedule()
    }
  }

  sample(samples: readonly VersionSample[]): void {
    if (this.#state !== 'open' || !this.#mayKeep()) return
    this.#samples.push(...samples.slice(0, maxWaitingSamples - this.#samples.length))
    this.#schedule()
  }

  logs(query: LogQuery): Promise<readonly KeptLogLine[]> {
    return this.#read(id => ({ kind: 'logs', id, query }))
  }

  samples(functionName: string, fromMs: number): Promise<readonly VersionSample[]> {
    return this.#read(id => ({ kind: 'samples', id, function: functionName, fromMs }))
  }

  follow(listener: Listener): () => void {
    // Of its own, so that one that follows twice is called twice and stops one at a time.
    const own: Listener = lines => listener(lines)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#sendAll()
      this.#setState('closing')
      this.#post({ kind: 'close' })
    }
    await this.#ended
  }

  #read<Answer>(callOf: (id: number) => ObservationsCall): Promise<Answer> {
    if (this.#state !== 'open') {
      return Promise.reject(this.#failure ?? new SluiceError('SLUICE_STORE_FAILED', 'the store of logs is closed'))
    }
    this.#sendAll()
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#reads.set(id, { resolve: resolve as (rows: unknown) => void, reject })
      this.#post(callOf(id))
    })
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // Not at once: what else is logged in this turn of the event loop joins the batch.
    setImmediate(() => {
      this.#scheduled = false
      if (this.#state === 'open' && this.#underWay.length === 0) this.#send()
    })
  }

  #sendAll(): void {
    while (!this.#queue.isEmpty || this.#samples.length > 0) this.#send()
  }

  /** Sends one batch, if anything waits. */
  #send(): void {
    const batch = this.#queue.take(Date.now()) ?? { lines: [], bytes: 0, told: new Map<string, number>() }
    const samples = this.#samples
    if (batch.lines.length === 0 && samples.length === 0) return
    this.#samples = []
    try {
      this.#post({ kind: 'write', lines: batch.lines, samples })
      this.#underWay.push(batch)
    } catch {
      // Something in it is no plain value: whoever logs must not be ended by it.
      this.#queue.done(batch, [])
    }
  }

  #post(call: ObservationsCall): void {
    this.#thread.postMessage(call)
  }

  #take(reply: ObservationsReply): void {
    switch (reply.kind) {
      case 'written':
        return this.#written(reply.ids)
      case 'kept':
        return this.recent?.kept(reply.isKept)
      case 'warning':
        return this.#onWarning(reply.message)
      case 'answer':
        this.#reads.get(reply.id)?.resolve(reply.rows)
        this.#reads.delete(reply.id)
        return
      case 'refused':
        this.#reads
          .get(reply.id)
          ?.reject(new SluiceError('SLUICE_STORE_WRITE', `the store of logs could not be read: ${reply.error}`))
        this.#reads.delete(reply.id)
    }
  }

  #written(ids: readonly number[]): void {
    const batch = this.#underWay.shift() as LineBatch
    this.#queue.done(batch, ids)
    if (this.#state === 'open' && this.#underWay.length === 0) this.#send()
    if (this.#listeners.size === 0) return
    const kept: KeptLogLine[] = []
    for (const [index, line] of batch.lines.entries()) {
      const id = ids[index]
      if (id) kept.push({ ...line, id })
    }
    if (kept.length === 0) return
    for (const listener of [...this.#listeners]) {
      try {
        listener(kept)
      } catch {
        // Whoever cannot take lines gets none; it must not end the process.
        this.#listeners.delete(listener)
      }
    }
  }

  #end(cause: string): void {
    if (this.#state === 'closed') return
    const isExpected = this.#state === 'closing'
    this.#setState('closed')
    this.#failure = new SluiceError('SLUICE_STORE_FAILED', `the store of logs stopped: ${cause}`)
    for (const read of this.#reads.values()) read.reject(this.#failure)
    this.#reads.clear()
    for (const batch of this.#underWay.splice(0)) this.#queue.done(batch, [])
    this.#queue.clear()
    if (!isExpected) this.#onFailed(this.#failure)
  }

  #setState(state: 'open' | 'closing' | 'closed'): void {
    this.#state = state
  }
}
