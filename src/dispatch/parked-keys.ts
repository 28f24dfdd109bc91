import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '../errors/sluice-error.ts'
import type { ParkedEvent } from '../store/home-store.ts'
import { loneKey } from '../store/parked-key.ts'
import { AssignedWindow } from './assigned-window.ts'
import type { Delivery } from './delivery.ts'
import type { Hold } from './hold.ts'
import { Lane } from './lane.ts'
import { OrderedWrites } from './ordered-writes.ts'
import type { ParkedKeysOptions } from './parked-keys-options.ts'
import { deliveryOf, parkedEventOf } from './stored-delivery.ts'

/**
 * A key that was blocked too long. Its events lie in the store, durably, so that the offsets of its partition move on;
 * they run from there in order, before anything of the key that arrives later (which joins them).
 *
 *   loading ──rows──▶ ready ──taken──▶ running ──done──▶ ready … ──no row left──▶ (forgotten: the key is live again)
 *      ▲                                  └──failed──▶ waiting ──due──▶ ready
 *      └──the pause is over── held: what it belongs to is paused, and all of it is in the store alone ◀──setAside()── ready
 */
interface ParkedKey {
  readonly lane: Lane
  /** Events in the store, those in the lane and in frames included; an estimate after a crash, when rows were overwritten. */
  stored: number
  /** Writes on their way to the store: the key may not be forgotten before they are in. */
  writing: number
  readonly writes: OrderedWrites<ParkedEvent>
  /** The store has refused one, which is tried again: what is read now may lack events that are no newer. */
  isRefused: boolean
  /** Events that are leaving the key: until that is durable their rows are still those of the key. */
  leaving: number
  /** Events that are done and whose rows are not out of the store yet. */
  completing: number
  /** Writes that are in, to see whether one came in between a read and its answer. */
  written: number
  loading: boolean
  /** Why nothing of it is to be loaded now. */
  held: Hold | undefined
  timer: NodeJS.Timeout | undefined
}

/** Where an event of the trigger's stream stands. */
export interface EventPlace {
  readonly partition: number
  readonly offset: number
}

/** Events of a parked key that are in memory at a time. */
const loadedAtOnce = 32

/** Keys of a trigger that may be parked: each takes some memory. */
const maxParkedKeys = 20_000

/** All parked keys of one trigger. */
export class ParkedKeys {
  readonly #options: ParkedKeysOptions
  readonly #keys = new Map<string, ParkedKey>()
  /** Names of the keys that an earlier run has parked: one that is done since may be read from the log again. */
  readonly #atStart = new Set<string>()
  /** Lanes of parked keys live outside of any assignment. */
  readonly #window = new AssignedWindow(-1, 0, 0, { maxEvents: Infinity, maxBytes: Infinity })
  readonly #stopped = new AbortController()
  #isClosed = false
  /** Keys whose events are being taken out of the store. */
  #taking = 0
  /** Changes that the store has refused and that are tried again. */
  #refused = 0

  constructor(options: ParkedKeysOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#keys.size
  }

  get events(): number {
    return [...this.#keys.values()].reduce((events, { stored }) => events + stored, 0)
  }

  /**
   * So many keys are parked that no further one should be: blocked keys hold up their partitions then, which bounds memory,
   * and the log keeps what follows.
   */
  get isFull(): boolean {
    return this.#keys.size >= (this.#options.maxKeys ?? maxParkedKeys)
  }

  /** Events are on their way out of the store: a stop waits, or they would be lost. */
  get isTaking(): boolean {
    return this.#taking > 0
  }

  /** Brings nothing more out of the store. */
  close(): void {
    this.#isClosed = true
  }

  /** Finds what an earlier run has parked; before the first record is read, so that order holds across restarts. */
  async load(): Promise<void> {
    const { store, trigger, now } = this.#options
    for (const { partition, key, events, dueAtMs, waitMs } of await store.parkedKeys(trigger)) {
      const parked = this.#open(partition, key)
      this.#atStart.add(nameOf(partition, key))
      parked.stored = events
      // A clock that was set back meanwhile makes nobody wait until it is there again.
      this.#runAfter(parked, partition, Math.min(dueAtMs - now(), waitMs))
    }
  }

  /** The key's lane, which holds its oldest events once they are due, and how many events it has in all. */
  keyOf(partition: number, key: string): { readonly lane: Lane; readonly stored: number } | undefined {
    return this.#keys.get(nameOf(partition, key))
  }

  /**
   * Runs events that a redrive has put into the store, each under a name of its own. Those that are known already are left
   * alone, and one that is not there any more is forgotten again, so telling it twice does no harm. Only after {@link load}.
   */
  adopt(places: readonly EventPlace[]): void {
    if (this.#stopped.signal.aborted) return
    for (const { partition, offset } of places) {
      const key = loneKey(offset)
      if (this.has(partition, key)) continue
      const parked = this.#open(partition, key)
      parked.stored = 1
      void this.#loadNext(parked, partition)
    }
  }

  has(partition: number, key: string): boolean {
    return this.#keys.has(nameOf(partition, key))
  }

  /**
   * Whether the store has, or had at the start, an event that waits alone: read from the log again, because the process
   * died before its offset was committed, it is not to be run from there.
   */
  hasLone(partition: number, offset: number): boolean {
    if (this.#keys.size === 0 && this.#atStart.size === 0) return false
    const name = nameOf(partition, loneKey(offset))
    return this.#atStart.has(name) || (this.#keys.get(name)?.stored ?? 0) > 0
  }

  /**
   * Parks events of one key, in order. Resolves with true once they are durable, false when the trigger stopped first.
   * @param delayMs until the first of them may run.
   */
  async park(partition: number, key: string, deliveries: readonly Delivery[], delayMs: number): Promise<boolean> {
    const name = nameOf(partition, key)
    const existing = this.#keys.get(name)
    const parked = existing ?? this.#open(partition, key)
    parked.writing++
    const dueAtMs = this.#options.now() + delayMs
    const rows = deliveries.map(delivery => this.#row(delivery, partition, key, dueAtMs))
    const durable = await parked.writes.write(rows)
    parked.writing--
    if (!durable) return false
    parked.written++
    parked.stored += deliveries.length
    if (existing === undefined) this.#runAfter(parked, partition, delayMs)
    else if (parked.lane.length === 0 && parked.timer === undefined && !parked.loading)
      void this.#loadNext(parked, partition)
    return true
  }

  /**
   * What a parked key belongs to is paused: its events leave memory, and nothing of it is loaded before
   * {@link releaseHeld}.
   */
  setAside(lane: Lane, hold: Hold): void {
    const head = lane.head
    const parked = head === undefined ? undefined : this.#keys.get(nameOf(head.partition, lane.key))
    if (parked === undefined) return
    parked.held = hold
    while (lane.shift() !== undefined);
    lane.state = 'parked'
  }

  /** Pauses have changed: what was held for one of them is tried again. */
  releaseHeld(isOver: (hold: Hold) => boolean): void {
    for (const [name, parked] of this.#keys) {
      if (parked.held === undefined || !isOver(parked.held)) continue
      parked.held = undefined
      this.#runAfter(parked, Number(name.slice(0, name.indexOf('/'))), 0)
    }
  }

  /** A parked event leaves its key, to wait alone: later ones of the key go on. */
  async leave(delivery: Delivery, delayMs: number): Promise<void> {
    const { lane, partition, record } = delivery
    const parked = this.#keys.get(nameOf(partition, lane.key))
    if (parked !== undefined) parked.leaving++
    const durable = await this.park(partition, loneKey(record.offset), [delivery], delayMs)
    if (parked === undefined) return
    parked.leaving--
    if (!durable) return
    parked.stored--
    if (lane.length === 0) await this.#loadNext(parked, partition)
  }

  /** A parked event failed: its new attempt count is kept, and it waits. */
  async postpone(delivery: Delivery, delayMs: number): Promise<void> {
    const { lane, partition } = delivery
    const parked = this.#keys.get(nameOf(partition, lane.key))
    if (parked === undefined) return
    if (!(await this.#write([this.#row(delivery, partition, lane.key, this.#options.now() + delayMs)]))) return
    this.#runAfter(parked, partition, delayMs)
  }

  /**
   * A parked event is complete: takes it out of the store, unless its dead letter has done so. Asked for again then, it could
   * take out what a redrive of that letter has put there meanwhile.
   */
  async completed(delivery: Delivery, isBuried: boolean): Promise<void> {
    const { lane, partition } = delivery
    const parked = this.#keys.get(nameOf(partition, lane.key))
    if (parked !== undefined) parked.completing++
    const isOut = isBuried || this.#isTakenFirst(delivery)
    if (!isOut) await this.#persist(() => this.#unpark(partition, delivery.record.offset))
    if (parked === undefined) return
    parked.completing--
    parked.stored--
    if (lane.length === 0) await this.#loadNext(parked, partition)
  }

  /** Results of a parked event are out of the way: what of its key is still in the store may come. */
  goOn({ lane, partition }: Delivery): void {
    const parked = this.#keys.get(nameOf(partition, lane.key))
    if (parked !== undefined && lane.length === 0) void this.#loadNext(parked, partition)
  }

  stop(): void {
    this.#stopped.abort()
    this.#window.revoke()
    for (const key of this.#keys.values()) clearTimeout(key.timer)
  }

  #open(partition: number, key: string): ParkedKey {
    const lane = new Lane(key, this.#window)
    lane.state = 'parked'
    const parked: ParkedKey = {
      lane,
      stored: 0,
      writing: 0,
      writes: new OrderedWrites(async rows => {
        const durable = await this.#write(rows, () => (parked.isRefused = true))
        parked.isRefused = false
        return durable
      }),
      isRefused: false,
      leaving: 0,
      completing: 0,
      written: 0,
      loading: false,
      held: undefined,
      timer: undefined,
    }
    this.#keys.set(nameOf(partition, key), parked)
    return parked
  }

  #runAfter(parked: ParkedKey, partition: number, delayMs: number): void {
    clearTimeout(parked.timer)
    parked.timer = setTimeout(
      () => {
        parked.timer = undefined
        if (parked.lane.length === 0) void this.#loadNext(parked, partition)
        else this.#options.onReady(parked.lane)
      },
      Math.min(Math.max(delayMs, 0), 2 ** 31 - 1),
    )
  }

  /** Brings the next rows into the lane; a key without rows and without writes is live again. */
  async #loadNext(parked: ParkedKey, partition: number): Promise<void> {
    const { lane } = parked
    // What is out of the lane but not complete is still a row: reading now would run it twice.
    if (parked.loading || lane.inFrame > 0 || lane.publications > 0 || lane.burying > 0) return
    // The write that is refused now loads the key when it is in.
    if (parked.isRefused || parked.leaving > 0 || parked.completing > 0) return
    if (this.#stopped.signal.aborted || this.#isClosed || parked.held !== undefined) return
    parked.loading = true
    const { feed, owner, onReady, onUnparked, takesFirst = false } = this.#options
    const { written } = parked
    const rows = takesFirst ? await this.#takeRows(parked, partition) : await this.#readRows(parked, partition)
    parked.loading = false
    // What was taken out is in no other place any more.
    const isHere = rows.some(row => this.#isTakenFirst(row))
    if (parked.held !== undefined && !isHere) return
    if (this.#stopped.signal.aborted || (!isHere && (parked.isRefused || this.#isClosed))) return
    for (const row of rows) {
      const delivery = deliveryOf(row, owner, lane, feed)
      lane.push(delivery)
      onUnparked?.(delivery)
    }
    if (rows.length > 0) onReady(parked.lane)
    // A write that this read has not seen is either in by now, or loads the key when it is.
    else if (parked.written !== written) await this.#loadNext(parked, partition)
    else if (parked.writing === 0) this.#keys.delete(nameOf(partition, parked.lane.key))
  }

  async #readRows({ lane }: ParkedKey, partition: number): Promise<readonly ParkedEvent[]> {
    const { store, trigger, stream } = this.#options
    let rows: readonly ParkedEvent[] = []
    await this.#persist(async () => {
      rows = await store.parkedOf(trigger, stream, partition, lane.key, loadedAtOnce)
    })
    return rows
  }

  /** Only handlers run at most once: what is recorded is delivered until a sink has it, as all results are. */
  #isTakenFirst({ recorded }: Pick<ParkedEvent, 'recorded'> | Delivery): boolean {
    return this.#options.takesFirst === true && recorded === undefined
  }

  /** Reads rows and deletes them: none when the trigger stops before that is durable, and then they are there the next time. */
  async #takeRows(parked: ParkedKey, partition: number): Promise<readonly ParkedEvent[]> {
    this.#taking++
    try {
      const rows = await this.#readRows(parked, partition)
      if (this.#isClosed || parked.isRefused) return []
      parked.held ??= this.#holdOf(rows[0], parked.lane)
      if (parked.held !== undefined) return []
      const areOut = await this.#persist(async () => {
        const taken = rows.filter(row => this.#isTakenFirst(row))
        await Promise.all(taken.map(({ offset }) => this.#unpark(partition, offset)))
      })
      return areOut ? rows : []
    } finally {
      this.#taking--
      this.#options.onTaken?.()
    }
  }

  /** What is paused stays in the store: out of it, a crash would lose it. */
  #holdOf(oldest: ParkedEvent | undefined, lane: Lane): Hold | undefined {
    const { owner, feed, holdOf } = this.#options
    return oldest === undefined ? undefined : holdOf?.(deliveryOf(oldest, owner, lane, feed))
  }

  #unpark(partition: number, offset: number): Promise<void> {
    const { trigger, stream, store } = this.#options
    return store.unpark({ trigger, stream, partition, offset })
  }

  #row(delivery: Delivery, partition: number, key: string, dueAtMs: number): ParkedEvent {
    const { trigger, stream } = this.#options
    return parkedEventOf(delivery, { trigger, stream, partition, key }, dueAtMs)
  }

  #write(rows: readonly ParkedEvent[], onRefused?: () => void): Promise<boolean> {
    return this.#persist(() => this.#options.store.park(rows), onRefused)
  }

  /** Repeats until the store takes it; the trigger shows why it stands still meanwhile. */
  async #persist(change: () => Promise<void>, onRefused?: () => void): Promise<boolean> {
    let failed = false
    while (!this.#stopped.signal.aborted) {
      try {
        await change()
        if (failed && --this.#refused === 0) this.#options.onBlocked(undefined)
        return true
      } catch (error) {
        if (!failed) {
          this.#refused++
          onRefused?.()
        }
        failed = true
        this.#options.onBlocked(`parked events cannot be stored: ${messageOf(error)}`)
        await wait(500, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
      }
    }
    return false
  }
}

function nameOf(partition: number, key: string): string {
  return `${partition}/${key}`
}
