import { messageOf, SluiceError } from '../../src/errors/sluice-error.ts'
import { maxKeptFailures, type DeadLetter } from '../../src/store/dead-letters.ts'
import type { HomeStore, ParkedEvent, ParkedKey, PauseRecord, Suspect } from '../../src/store/home-store.ts'
import type { KeptPlace } from '../../src/store/kept-place.ts'
import { afterEnd, keptMs } from '../../src/store/suspects-table.ts'

/** What dispatch, fleet and pauses ask of the store; searching and redriving letters are not simulated. */
export type SimulatedStore = Pick<
  HomeStore,
  | 'putDeadLetter'
  | 'park'
  | 'parkedOf'
  | 'parkedKeys'
  | 'unpark'
  | 'putSuspect'
  | 'processEnded'
  | 'suspectsOf'
  | 'removeSuspect'
  | 'pause'
  | 'resume'
  | 'pauses'
  | 'forgetTrigger'
  | 'close'
>

/** What is durable of a store in memory: it outlives those who open it. */
export class StoreTables {
  readonly letters = new Map<string, DeadLetter>()
  readonly parked = new Map<string, ParkedEvent>()
  readonly pauses = new Map<string, PauseRecord>()
  readonly suspects = new Map<string, Suspect>()
  lastLetter = 0
}

export interface MemoryStoreOptions {
  readonly tables: StoreTables
  /** Runs something after the time that a transaction takes. What it is given when its process dies never runs. */
  readonly later: (work: () => void) => void
  /** Whether somebody else holds the tables locked: then every change is refused. Default: never. */
  readonly isLocked?: () => boolean
}

interface WaitingCall {
  /** It changes nothing, so it is never refused. */
  readonly isReading: boolean
  run(tables: StoreTables): unknown
  resolve(value: unknown): void
  reject(error: SluiceError): void
}

/**
 * The home store without SQLite: one transaction per round of waiting calls, each call in it whole or not at all, and an
 * answer only after the transaction is durable. Between the two a process may die.
 */
export class MemoryStore implements SimulatedStore {
  readonly #options: MemoryStoreOptions
  #waiting: WaitingCall[] = []
  #isClosed = false

  constructor(options: MemoryStoreOptions) {
    this.#options = options
  }

  putDeadLetter(letter: Omit<DeadLetter, 'id'>): Promise<void> {
    const copy = copyOf(letter)
    return this.#call(tables => {
      requireAll(copy, ['value'])
      const place = placeOf(copy)
      const before = tables.letters.get(place)
      // What is buried waits no longer.
      tables.parked.delete(place)
      tables.letters.set(place, before === undefined ? { ...copy, id: ++tables.lastLetter } : revived(before, copy))
    })
  }

  park(events: readonly ParkedEvent[]): Promise<void> {
    const copies = events.map(event => copyOf(event))
    return this.#call(({ parked }) => {
      for (const event of copies) requireAll(event, ['value'])
      for (const { version: _redrive, ...event } of copies) {
        const before = parked.get(placeOf(event))
        const isSame = before !== undefined && Buffer.compare(before.header, event.header) === 0
        if (!isSame || event.attempt >= before.attempt) parked.set(placeOf(event), event)
      }
    })
  }

  parkedOf(
    trigger: string,
    stream: string,
    partition: number,
    key: string,
    limit: number,
  ): Promise<readonly ParkedEvent[]> {
    return this.#read(({ parked }) =>
      [...parked.values()]
        .filter(
          event =>
            event.trigger === trigger && event.stream === stream && event.partition === partition && event.key === key,
        )
        .sort((a, b) => a.offset - b.offset)
        .slice(0, limit)
        .map(event => copyOf(event)),
    )
  }

  parkedKeys(trigger: string): Promise<readonly ParkedKey[]> {
    return this.#read(({ parked }) => {
      const keys = new Map<string, ParkedKey>()
      for (const event of parked.values()) {
        if (event.trigger !== trigger) continue
        const { partition, key, dueAtMs } = event
        const failedAtMs = (JSON.parse(event.failures) as { atMs?: number }[]).at(-1)?.atMs
        const waitMs = failedAtMs === undefined ? -Infinity : dueAtMs - failedAtMs
        const known = keys.get(`${partition} ${key}`)
        keys.set(`${partition} ${key}`, {
          partition,
          key,
          events: (known?.events ?? 0) + 1,
          dueAtMs: Math.max(known?.dueAtMs ?? dueAtMs, dueAtMs),
          waitMs: Math.max(known?.waitMs ?? waitMs, waitMs),
        })
      }
      // Of a key of which nothing has failed there is nothing to wait for.
      return [...keys.values()]
        .map(known => ({ ...known, waitMs: known.waitMs === -Infinity ? 0 : known.waitMs }))
        .sort((a, b) => a.partition - b.partition || (a.key < b.key ? -1 : 1))
    })
  }

  unpark(event: KeptPlace): Promise<void> {
    const place = placeOf(event)
    return this.#call(({ parked }) => void parked.delete(place))
  }

  putSuspect(suspect: Suspect): Promise<void> {
    const copy = { ...suspect }
    return this.#call(({ suspects }) => {
      requireAll(copy)
      suspects.set(placeOf(copy), copy)
    })
  }

  processEnded(places: readonly KeptPlace[], nowMs: number): Promise<void> {
    const copies = places.map(place => ({ ...place }))
    return this.#call(({ suspects }) => {
      for (const place of copies) suspects.set(placeOf(place), afterEnd(suspects.get(placeOf(place)), place, nowMs))
      for (const [place, suspect] of suspects) suspects.set(place, { ...suspect, isRunning: false })
    })
  }

  suspectsOf(trigger: string, stream: string, nowMs: number): Promise<readonly Suspect[]> {
    return this.#call(({ suspects }) => {
      for (const [place, { sinceMs }] of [...suspects]) if (sinceMs < nowMs - keptMs) suspects.delete(place)
      return [...suspects.values()].filter(suspect => suspect.trigger === trigger && suspect.stream === stream)
    })
  }

  removeSuspect(place: KeptPlace): Promise<void> {
    return this.#call(({ suspects }) => void suspects.delete(placeOf(place)))
  }

  pause(scope: string, pause: PauseRecord): Promise<void> {
    return this.#call(({ pauses }) => {
      requireAll({ reason: pause.reason, by: pause.by, sinceMs: pause.sinceMs })
      pauses.set(scope, { ...pause })
    })
  }

  resume(scope: string): Promise<void> {
    return this.#call(({ pauses }) => void pauses.delete(scope))
  }

  pauses(): Promise<ReadonlyMap<string, PauseRecord>> {
    return this.#read(({ pauses }) => new Map(pauses))
  }

  forgetTrigger(trigger: string): Promise<void> {
    return this.#call(({ parked, pauses, suspects }) => {
      for (const [place, event] of [...parked]) if (event.trigger === trigger) parked.delete(place)
      for (const [place, suspect] of [...suspects]) if (suspect.trigger === trigger) suspects.delete(place)
      const gone = [`partition:${trigger}:`, `key:${trigger}:`]
      for (const scope of [...pauses.keys()])
        if (scope === `trigger:${trigger}` || gone.some(prefix => scope.startsWith(prefix))) pauses.delete(scope)
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    const last = this.#read(() => undefined)
    this.#isClosed = true
    await last
  }

  #read<T>(run: (tables: StoreTables) => T): Promise<T> {
    return this.#call(run, true)
  }

  #call<T>(run: (tables: StoreTables) => T, isReading = false): Promise<T> {
    if (this.#isClosed) return Promise.reject(new SluiceError('SLUICE_STORE_FAILED', 'the store is closed'))
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ isReading, run, resolve: resolve as (value: unknown) => void, reject })
      if (this.#waiting.length === 1) this.#options.later(() => this.#round())
    })
  }

  #round(): void {
    const calls = this.#waiting
    this.#waiting = []
    const isLocked = this.#options.isLocked?.() === true
    const answers = calls.map(call => (isLocked && !call.isReading ? refusal('locked') : this.#attempt(call)))
    this.#options.later(() => {
      for (const [index, { resolve, reject }] of calls.entries()) {
        const answer = answers[index]
        if (answer instanceof SluiceError) reject(answer)
        else resolve(answer)
      }
    })
  }

  #attempt({ run }: WaitingCall): unknown {
    try {
      return run(this.#options.tables)
    } catch (error) {
      return refusal(messageOf(error))
    }
  }
}

function refusal(why: string): SluiceError {
  return new SluiceError('SLUICE_STORE_WRITE', `the store refused a change: ${why}`)
}

function placeOf({ trigger, stream, partition, offset }: KeptPlace): string {
  return JSON.stringify([trigger, stream, partition, offset])
}

/** The event died again: its letter goes on, with its id, where it was first seen and a longer history. */
function revived(before: DeadLetter, letter: Omit<DeadLetter, 'id'>): DeadLetter {
  const failures = [before, letter].flatMap(({ failures }) =>
    failures === '' ? [] : (JSON.parse(failures) as unknown[]),
  )
  const { key, stage, reason, message, lastAttemptAtMs } = letter
  return {
    ...{ ...before, key, stage, reason, message, lastAttemptAtMs },
    function: letter.function === '' ? before.function : letter.function,
    failures: JSON.stringify(failures.slice(-maxKeptFailures)),
    results: letter.results === '' ? before.results : letter.results,
  }
}

/** What the tables of SQLite do not take. */
function requireAll(row: object, nullable: readonly string[] = []): void {
  for (const [name, value] of Object.entries(row))
    if ((value === null || value === undefined) && !nullable.includes(name)) throw new Error(`${name} is missing`)
}

/** The bytes belong to whoever has given them. */
function copyOf<Row extends Pick<ParkedEvent, 'header' | 'value'>>(row: Row): Row {
  const { header, value } = row
  return { ...row, header: Uint8Array.from(header), value: value === null ? null : Uint8Array.from(value) }
}
