import { createHash } from 'node:crypto'
import type { PartPauses } from '../../dispatch/paused-parts.ts'
import type { HomeStore, PauseRecord } from '../../store/home-store.ts'
import { formatPauseScope, parsePauseScope, type PauseScope } from './pause-scope.ts'

/** What carries pauses out. Both are told at every change, and may be told the same again. */
export interface PauseEnforcer {
  /** Resolves when nothing within the scope starts or runs any more, or when the pause was taken back meanwhile. */
  enforce(scope: PauseScope, pause: PauseRecord): Promise<void>
  release(scope: PauseScope): Promise<void>
}

export interface KnownPause {
  /** Names it in addresses: made of the scope, so that a pause that is repeated keeps it. */
  readonly id: string
  readonly scope: PauseScope
  readonly record: PauseRecord
  /** Nothing within its scope runs any more. */
  readonly isConfirmed: boolean
}

interface Entry extends KnownPause {
  isConfirmed: boolean
}

/**
 * All pauses. What is built anew, such as a trigger that was changed or a version that was deployed, asks here before it
 * starts anything, so a pause outlives it.
 *
 *   (none) ──pause()──▶ pausing: counts for whatever starts from now on ──durable, and nothing runs──▶ paused
 *      ▲                                                     (also the first state after a restart)      │
 *      └───────── resume(), or its time is over: first out of the store, then released ◀─────────────────┘
 *
 * A pause that the store does not take never was. One that it has is in force although the answer was never given.
 */
export class PauseBoard {
  readonly #store: HomeStore
  readonly #entries = new Map<string, Entry>()
  #enforcer: PauseEnforcer | undefined
  /** Told of every change. */
  onChange: () => void = () => undefined

  private constructor(store: HomeStore) {
    this.#store = store
  }

  /** Finds the pauses of earlier runs, but for those whose time is over. */
  static async open(store: HomeStore, nowMs: number): Promise<PauseBoard> {
    const board = new PauseBoard(store)
    for (const [text, record] of await store.pauses()) {
      const scope = parsePauseScope(text)
      if (scope === undefined) continue
      if (isOver(record, nowMs)) await store.resume(text)
      else board.#entries.set(text, { id: idOf(text), scope, record, isConfirmed: true })
    }
    return board
  }

  /** From now on changes are carried out. What is paused already has asked {@link of}. */
  attach(enforcer: PauseEnforcer): void {
    this.#enforcer = enforcer
  }

  get all(): readonly KnownPause[] {
    return [...this.#entries.values()]
  }

  of(scope: PauseScope): PauseRecord | undefined {
    return this.#entries.get(formatPauseScope(scope))?.record
  }

  byId(id: string): KnownPause | undefined {
    for (const entry of this.#entries.values()) if (entry.id === id) return entry
    return undefined
  }

  /** The pauses of partitions and keys of a trigger. */
  partsOf(trigger: string): PartPauses {
    const partitions = new Map<number, PauseRecord>()
    const keys = new Map<string, PauseRecord>()
    for (const { scope, record } of this.#entries.values()) {
      if (scope.kind === 'partition' && scope.trigger === trigger) partitions.set(scope.partition, record)
      if (scope.kind === 'key' && scope.trigger === trigger) keys.set(scope.key, record)
    }
    return { partitions, keys }
  }

  /**
   * Resolves when the pause is durable and nothing within its scope runs any more. Repeated, it keeps the first one's
   * `sinceMs`.
   * @throws {SluiceError} SLUICE_STORE_WRITE: nothing is paused that was not.
   */
  async pause(scope: PauseScope, pause: Omit<PauseRecord, 'sinceMs'>, nowMs: number): Promise<KnownPause> {
    const text = formatPauseScope(scope)
    const before = this.#entries.get(text)
    const record = { ...pause, sinceMs: before?.record.sinceMs ?? nowMs }
    const entry: Entry = { id: idOf(text), scope, record, isConfirmed: before?.isConfirmed ?? false }
    // Before it is durable: what starts meanwhile is to be paused when the answer says so.
    this.#entries.set(text, entry)
    try {
      await this.#store.pause(text, record)
    } catch (error) {
      if (this.#entries.get(text) === entry) await this.#takeBack(text, before)
      throw error
    }
    // Taken back meanwhile, or said anew: the last one is in force.
    if (this.#entries.get(text) !== entry) return entry
    this.onChange()
    await this.#enforcer?.enforce(scope, record)
    entry.isConfirmed = true
    return entry
  }

  /**
   * Resolves when the end of the pause is durable; with false when there was none.
   * @throws {SluiceError} SLUICE_STORE_WRITE: it is paused as before.
   */
  async resume(scope: PauseScope): Promise<boolean> {
    const text = formatPauseScope(scope)
    const entry = this.#entries.get(text)
    await this.#store.resume(text)
    if (this.#entries.get(text) !== entry || entry === undefined) return entry !== undefined
    this.#entries.delete(text)
    this.onChange()
    await this.#enforcer?.release(scope)
    return true
  }

  /** The pauses of something that is deleted; the store forgets them with it. */
  forget(isGone: (scope: PauseScope) => boolean): void {
    for (const [text, { scope }] of this.#entries) if (isGone(scope)) this.#entries.delete(text)
    this.onChange()
  }

  /** When the first of them ends by itself. */
  get nextExpiryMs(): number | undefined {
    let next: number | undefined
    for (const { record } of this.#entries.values())
      if (record.expiresAtMs !== undefined && (next === undefined || record.expiresAtMs < next))
        next = record.expiresAtMs
    return next
  }

  /** Ends what is over. */
  async expire(nowMs: number): Promise<void> {
    for (const { scope, record } of this.all) if (isOver(record, nowMs)) await this.resume(scope)
  }

  async #takeBack(text: string, before: Entry | undefined): Promise<void> {
    const { scope } = this.#entries.get(text) as Entry
    if (before !== undefined) {
      this.#entries.set(text, before)
      return
    }
    this.#entries.delete(text)
    // What was built meanwhile has found it paused.
    await this.#enforcer?.release(scope)
  }
}

function isOver({ expiresAtMs }: PauseRecord, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs
}

/** Keys may be anything, so the scope itself is no part of an address. */
function idOf(scope: string): string {
  return createHash('sha256').update(scope).digest('hex').slice(0, 16)
}
