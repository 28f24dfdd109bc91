import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { SluiceError } from '../errors/sluice-error.ts'
import type {
  DeadLetter,
  DeadLetterDeletion,
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterPage,
  NewDeadLetter,
  RedriveJob,
  RedriveProgress,
  RedriveSpec,
  RedriveStep,
} from './dead-letters.ts'
import type { HomeStore, ParkedEvent, ParkedKey, PauseRecord, Suspect } from './home-store.ts'
import type { KeptPlace } from './kept-place.ts'
import { StoreReader } from './store-reader.ts'
import type { StoreCall, StoreReply } from './store-thread.ts'

export interface SqliteStoreOptions {
  /** Directory of the database file; created when missing. */
  readonly dir: string
  /** The thread died: nothing can be written any more, and the gateway must stop. */
  readonly onFatal: (error: SluiceError) => void
}

/** Opens the home store: SQLite in a thread of its own, because node:sqlite is synchronous and a sync takes milliseconds. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<HomeStore> {
  mkdirSync(options.dir, { recursive: true })
  const file = join(options.dir, 'home.sqlite')
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const thread = new Worker(new URL(`./store-thread.${extension}`, import.meta.url), {
    workerData: { file },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const store = new SqliteStore(thread, new StoreReader(file))
  await store.opened()
  store.watch(options.onFatal)
  return store
}

interface PendingCall {
  resolve(value: unknown): void
  reject(error: SluiceError): void
}

class SqliteStore implements HomeStore {
  readonly #thread: Worker
  readonly #reader: StoreReader
  readonly #pending = new Map<number, PendingCall>()
  #nextId = 1
  #closing = false
  #dead: SluiceError | undefined
  #onFatal: ((error: SluiceError) => void) | undefined

  constructor(thread: Worker, reader: StoreReader) {
    this.#thread = thread
    this.#reader = reader
    thread.on('message', (replies: StoreReply[]) => {
      for (const reply of replies) this.#settle(reply)
    })
    const die = (cause: unknown): void => {
      if (this.#dead !== undefined) return
      this.#dead = new SluiceError(
        'SLUICE_STORE_FAILED',
        `the store of dead letters and parked events stopped: ${String(cause)}`,
        { cause },
      )
      for (const call of this.#pending.values()) call.reject(this.#dead)
      this.#pending.clear()
      if (!this.#closing) this.#onFatal?.(this.#dead)
    }
    thread.on('error', die)
    thread.on('exit', code => die(`its thread ended with code ${code}`))
  }

  /** From here on a death is told; before it, whoever opens the store is told by the rejection. */
  watch(onFatal: (error: SluiceError) => void): void {
    this.#onFatal = onFatal
    if (this.#dead !== undefined) onFatal(this.#dead)
  }

  opened(): Promise<void> {
    return this.#call<void>('open', [])
  }

  putDeadLetter(letter: NewDeadLetter): Promise<void> {
    return this.#call('putDeadLetter', [letter])
  }

  listDeadLetters(trigger: string, limit: number, page: DeadLetterPage = {}): Promise<readonly DeadLetter[]> {
    return this.#reader.read('listDeadLetters', [trigger, limit, page])
  }

  deadLetter(trigger: string, id: number): Promise<DeadLetter | undefined> {
    return this.#reader.read('deadLetter', [trigger, id])
  }

  countMatching(trigger: string, filter: DeadLetterFilter, limit: number): Promise<number> {
    return this.#reader.read('countMatching', [trigger, filter, limit])
  }

  groupDeadLetters(trigger: string, filter: DeadLetterFilter): Promise<readonly DeadLetterGroup[]> {
    return this.#reader.read('groupDeadLetters', [trigger, filter])
  }

  lastDeadLetter(trigger: string): Promise<number> {
    return this.#reader.read('lastDeadLetter', [trigger])
  }

  deleteDeadLetter(trigger: string, id: number): Promise<'deleted' | 'absent' | 'redriving'> {
    return this.#call('deleteDeadLetter', [trigger, id])
  }

  deleteDeadLetters(
    trigger: string,
    filter: DeadLetterFilter,
    range: { readonly afterId: number; readonly upToId: number },
  ): Promise<DeadLetterDeletion> {
    return this.#call('deleteDeadLetters', [trigger, filter, range])
  }

  startRedrive(spec: RedriveSpec, nowMs: number): Promise<RedriveJob> {
    return this.#call('startRedrive', [spec, nowMs])
  }

  advanceRedrive(id: number, step: RedriveStep): Promise<RedriveProgress | undefined> {
    return this.#call('advanceRedrive', [id, step])
  }

  cancelRedrive(id: number, nowMs: number): Promise<RedriveJob | undefined> {
    return this.#call('cancelRedrive', [id, nowMs])
  }

  redrives(trigger?: string): Promise<readonly (RedriveJob & { readonly inFlight: number })[]> {
    return this.#call('redrives', [trigger])
  }

  async countDeadLetters(): Promise<ReadonlyMap<string, number>> {
    return new Map(await this.#call<[string, number][]>('countDeadLetters', []))
  }

  deadLetterAt({ trigger, stream, partition, offset }: KeptPlace): Promise<DeadLetter | undefined> {
    return this.#call('deadLetterAt', [trigger, stream, partition, offset])
  }

  parkedAt({ trigger, stream, partition, offset }: KeptPlace): Promise<ParkedEvent | undefined> {
    return this.#call('parkedAt', [trigger, stream, partition, offset])
  }

  oldestParked(trigger: string): Promise<ParkedEvent | undefined> {
    return this.#call('oldestParked', [trigger])
  }

  placesOf(eventId: string, limit: number): Promise<readonly KeptPlace[]> {
    return this.#call('placesOf', [eventId, limit])
  }

  park(events: readonly ParkedEvent[]): Promise<void> {
    return this.#call('park', [events])
  }

  parkedOf(
    trigger: string,
    stream: string,
    partition: number,
    key: string,
    limit: number,
  ): Promise<readonly ParkedEvent[]> {
    return this.#call('parkedOf', [trigger, stream, partition, key, limit])
  }

  parkedKeys(trigger: string): Promise<readonly ParkedKey[]> {
    return this.#call('parkedKeys', [trigger])
  }

  unpark(event: KeptPlace): Promise<void> {
    return this.#call('unpark', [event.trigger, event.stream, event.partition, event.offset])
  }

  putSuspect(suspect: Suspect): Promise<void> {
    return this.#call('putSuspect', [suspect])
  }

  processEnded(places: readonly KeptPlace[], nowMs: number): Promise<void> {
    return this.#call('processEnded', [places, nowMs])
  }

  suspectsOf(trigger: string, stream: string, nowMs: number): Promise<readonly Suspect[]> {
    return this.#call('suspectsOf', [trigger, stream, nowMs])
  }

  removeSuspect(place: KeptPlace): Promise<void> {
    return this.#call('removeSuspect', [place])
  }

  pause(scope: string, pause: PauseRecord): Promise<void> {
    return this.#call('pause', [scope, pause])
  }

  resume(scope: string): Promise<void> {
    return this.#call('resume', [scope])
  }

  forgetTrigger(trigger: string): Promise<void> {
    return this.#call('forgetTrigger', [trigger])
  }

  async pauses(): Promise<ReadonlyMap<string, PauseRecord>> {
    return new Map(await this.#call<[string, PauseRecord][]>('pauses', []))
  }

  scheduleTick(source: string): Promise<number | undefined> {
    return this.#call('scheduleTick', [source])
  }

  putScheduleTick(source: string, tickMs: number): Promise<void> {
    return this.#call('putScheduleTick', [source, tickMs])
  }

  async close(): Promise<void> {
    if (this.#closing || this.#dead !== undefined) return
    this.#closing = true
    await this.#reader.close()
    const exited = new Promise(resolve => this.#thread.once('exit', resolve))
    await this.#call('close', [])
    await exited
  }

  #call<T>(operation: StoreCall['operation'], args: readonly unknown[]): Promise<T> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead)
    const id = this.#nextId++
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.#thread.postMessage({ id, operation, args } satisfies StoreCall)
    })
  }

  #settle(reply: StoreReply): void {
    const call = this.#pending.get(reply.id)
    if (call === undefined) return
    this.#pending.delete(reply.id)
    if (reply.error === undefined) call.resolve(reply.value)
    else call.reject(new SluiceError('SLUICE_STORE_WRITE', `the store refused a change: ${reply.error}`))
  }
}
