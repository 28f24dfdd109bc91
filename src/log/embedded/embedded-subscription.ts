import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import type { LogRecord } from '../log-record.ts'
import type { AssignedPartition, Subscription, SubscriptionHandlers } from '../partition-log.ts'
import { type ByteBlock, createByteBlock } from './byte-block.ts'
import { type LogReader, eachEvent } from './log-reader.ts'
import { lengthOf, offsetOf, StoredRecord } from './record-codec.ts'
import { chunkBytes } from './segment-reader.ts'

/** Records of one `records` call. */
const batchRecords = 1_024
const batchBytes = 1_048_576
/** Bytes handed out from memory before the event loop gets a turn. */
const turnBytes = 2 * batchBytes

/** Pause before a failed read is tried again. */
const retryMs = 1_000

/** What a subscription needs of its log. */
export interface SubscribedLog {
  readonly reader: LogReader
  /** Durable end offset by partition. */
  readonly ends: readonly number[]
  /** First offset still held. */
  low(partition: number): number
  commit(group: string, offsets: readonly (readonly [number, number])[]): Promise<unknown>
  left(subscription: EmbeddedSubscription): void
}

/** Records between two places of a block. */
interface Chunk {
  readonly block: ByteBlock
  readonly from: number
  readonly to: number
  /** Log position behind them. */
  readonly end: number
  /** Nobody else keeps its memory. */
  readonly isOwn?: boolean
}

/** A partition as this group sees it. */
interface Cursor {
  readonly partition: number
  /** Next offset to hand out. */
  offset: number
  /** Log position before which there is nothing left to hand out of this partition. */
  position: number
  paused: boolean
  /** Where its records of the current chunk begin. */
  places: number[]
}

/**
 * One group's reading of an embedded log. It owns all partitions from `assigned` to the end.
 *
 *   created ── start ──▶ reading ── close, or the log closed ──▶ closed
 *                           └─ a handler threw or the log failed ─▶ failed
 *
 * Partitions whose position is in memory are served in one turn of the event loop; those that have fallen behind are
 * read from the segments, one chunk at a time and the farthest behind first, so that they meet and share the reading.
 */
export class EmbeddedSubscription implements Subscription {
  readonly group: string
  readonly epoch: number
  readonly #log: SubscribedLog
  readonly #handlers: SubscriptionHandlers
  readonly #cursors: Cursor[]
  #state: 'created' | 'reading' | 'closed' | 'failed' = 'created'
  #isTurnPlanned = false
  #isReadingCold = false

  constructor(
    log: SubscribedLog,
    group: string,
    epoch: number,
    positions: readonly AssignedPartition[],
    handlers: SubscriptionHandlers,
  ) {
    this.#log = log
    this.group = group
    this.epoch = epoch
    this.#handlers = handlers
    this.#cursors = positions.map(({ partition, position }) => ({
      partition,
      offset: position,
      position: log.reader.seek(partition, position),
      paused: false,
      places: [],
    }))
  }

  /** Hands over the partitions and begins to read. */
  start(): void {
    if (this.#state !== 'created') return
    this.#setState('reading')
    const partitions = this.#cursors.map(({ partition, offset }) => ({ partition, position: offset }))
    this.#guarded(() => this.#handlers.assigned(this.epoch, partitions))
    this.wake()
  }

  /** There may be something to hand out: new records are durable, or a partition was resumed. */
  wake(): void {
    if (this.#isTurnPlanned || this.#state !== 'reading') return
    this.#isTurnPlanned = true
    setImmediate(() => {
      this.#isTurnPlanned = false
      this.#turn()
    })
  }

  pause(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const cursor = this.#cursors[partition]
      if (cursor !== undefined) cursor.paused = true
    }
  }

  resume(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const cursor = this.#cursors[partition]
      if (cursor !== undefined) cursor.paused = false
    }
    this.wake()
  }

  async commit(epoch: number, offsets: ReadonlyMap<number, number>): Promise<void> {
    if (epoch !== this.epoch || this.#state !== 'reading') return
    const known: [number, number][] = []
    for (const [partition, offset] of offsets) {
      const end = this.#log.ends[partition]
      if (end !== undefined && Number.isSafeInteger(offset) && offset >= 0)
        known.push([partition, Math.min(offset, end)])
    }
    if (known.length > 0) await this.#log.commit(this.group, known)
  }

  close(): Promise<void> {
    this.end()
    return Promise.resolve()
  }

  /** Ends the subscription; no handler is called afterwards. */
  end(): void {
    if (this.#state === 'closed') return
    this.#setState('closed')
    this.#log.left(this)
  }

  /** Ends the subscription with a reason that its owner is told. */
  fail(error: SluiceError): void {
    if (this.#state !== 'reading' && this.#state !== 'created') return
    this.#setState('failed')
    this.#log.left(this)
    this.#handlers.fatal(error)
  }

  #setState(state: 'reading' | 'closed' | 'failed'): void {
    this.#state = state
  }

  #isReading(): boolean {
    return this.#state === 'reading'
  }

  /** A handler that throws ends its subscription, not the log. */
  #guarded(call: () => void): void {
    if (!this.#isReading()) return
    try {
      call()
    } catch (error) {
      this.fail(
        new SluiceError('SLUICE_INTERNAL', `the subscriber ${this.group} failed: ${messageOf(error)}`, {
          cause: error,
        }),
      )
    }
  }

  #turn(): void {
    const { reader } = this.#log
    let bytes = 0
    while (this.#isReading()) {
      this.#skipIdle()
      const position = this.#behind(reader.recentStart, Infinity)
      const chunk = position === undefined ? undefined : reader.recent(position)
      if (position === undefined || chunk === undefined) break
      // A chunk grows while it is the newest one; begin where this group stands.
      const from = Math.max(chunk.from, chunk.from + position - chunk.start)
      this.#handOut({ block: chunk.block, from, to: chunk.to, end: chunk.start + chunk.to - chunk.from }, position)
      bytes += chunk.to - from
      if (bytes >= turnBytes) {
        this.wake()
        break
      }
    }
    if (this.#isReading() && !this.#isReadingCold && this.#behind(0, reader.recentStart) !== undefined)
      void this.#readCold()
  }

  /** Reads what is not in memory any more, until every partition is paused or has caught up with it. */
  async #readCold(): Promise<void> {
    const { reader } = this.#log
    let memory: ByteBlock | undefined
    this.#isReadingCold = true
    try {
      for (;;) {
        this.#skipIdle()
        const position = this.#behind(0, reader.recentStart)
        if (position === undefined || !this.#isReading()) break
        const chunk = await reader.read(position, memory)
        if (!this.#isReading()) break
        if (chunk === undefined) this.#step(position, reader.end)
        else if (chunk.kind === 'gap') this.#step(position, chunk.end)
        else {
          const isKept = this.#handOut({ ...chunk, isOwn: true }, position)
          memory = !isKept && chunk.block.bytes.length === chunkBytes ? chunk.block : undefined
        }
      }
      this.#isReadingCold = false
      this.wake()
    } catch (error) {
      this.#readAgainLater(SluiceError.from(error, 'SLUICE_LOG_UNAVAILABLE'))
    }
  }

  /** A segment cannot be read now (too many open files, a bad sector): its owner is told, and reading is tried again. */
  #readAgainLater(error: SluiceError): void {
    if (!error.retryable) return this.fail(error)
    this.#guarded(() => this.#handlers.fatal(error))
    setTimeout(() => {
      this.#isReadingCold = false
      this.wake()
    }, retryMs).unref()
  }

  /** The position farthest behind, of partitions that have something to hand out there. */
  #behind(from: number, to: number): number | undefined {
    let least: number | undefined
    for (const { partition, offset, position, paused } of this.#cursors) {
      if (paused || position < from || position >= to || offset >= this.#log.ends[partition]!) continue
      if (least === undefined || position < least) least = position
    }
    return least
  }

  /** Moves partitions that have nothing to hand out to the end, and finds out who misses records that are gone. */
  #skipIdle(): void {
    const { reader, ends } = this.#log
    const end = reader.end
    for (const cursor of this.#cursors) {
      const endOffset = ends[cursor.partition]!
      if (cursor.offset >= endOffset) cursor.position = end
      else if (!cursor.paused && cursor.offset < this.#log.low(cursor.partition))
        this.#missing(cursor, this.#log.low(cursor.partition), 'expired')
      else if (!cursor.paused && cursor.position >= end) this.#missing(cursor, endOffset, 'damaged')
    }
  }

  #missing(cursor: Cursor, to: number, kind: 'expired' | 'damaged'): void {
    const from = cursor.offset
    cursor.offset = to
    this.#guarded(() => this.#handlers.anomaly({ partition: cursor.partition, kind, from, to }))
  }

  /** No partition has anything between two positions. */
  #step(position: number, end: number): void {
    for (const cursor of this.#cursors) {
      if (cursor.position >= position && cursor.position < end) cursor.position = end
    }
  }

  /**
   * Gives the records of a chunk to the partitions that wait for them.
   * @returns whether any of them refers to the memory of the chunk.
   */
  #handOut(chunk: Chunk, position: number): boolean {
    const { block, from, to, end } = chunk
    const base = end - to
    const involved: Cursor[] = []
    eachEvent(block, from, to, (at, partition) => {
      // A partition that stands before this chunk has records in between; it comes here in its turn.
      const cursor = this.#cursors[partition]
      if (cursor === undefined || cursor.position < position || base + at < cursor.position) return
      if (offsetOf(block.view, at) < cursor.offset) return
      if (cursor.places.length === 0) involved.push(cursor)
      cursor.places.push(at)
    })
    // What a paused or failed partition does not take stays behind; everyone else has passed the chunk.
    const passed = this.#cursors.filter(cursor => cursor.position >= position && cursor.position < end)
    for (const cursor of passed) cursor.position = cursor.places.length === 0 ? end : base + cursor.places[0]!
    let isKept = false
    for (const cursor of involved) {
      const { places } = cursor
      cursor.places = []
      const { taken, refers } = this.#deliver(cursor, chunk, places)
      isKept ||= refers
      const next = places[taken]
      cursor.position = next === undefined ? end : base + next
    }
    return isKept
  }

  /** Hands records over in batches until the partition is paused; gives how many were taken. */
  #deliver(
    cursor: Cursor,
    chunk: Chunk,
    places: readonly number[],
  ): { readonly taken: number; readonly refers: boolean } {
    const { block } = chunk
    const { view } = block
    let taken = 0
    let refers = false
    while (taken < places.length && !cursor.paused && this.#isReading()) {
      const first = offsetOf(view, places[taken]!)
      if (first > cursor.offset) {
        this.#missing(cursor, first, 'damaged')
        continue
      }
      let count = 0
      let bytes = 0
      let offset = cursor.offset
      while (
        taken + count < places.length &&
        count < batchRecords &&
        offsetOf(view, places[taken + count]!) === offset
      ) {
        const length = lengthOf(view, places[taken + count]!)
        if (count > 0 && bytes + length > batchBytes) break
        bytes += length
        count += 1
        offset += 1
      }
      const batch = count === places.length ? places : places.slice(taken, taken + count)
      // A record keeps all the memory that it lies in: a few out of much are copied out of it.
      const isCopied = chunk.isOwn === true && bytes * 2 < block.bytes.length
      refers ||= !isCopied
      taken += count
      cursor.offset = offset
      const records = isCopied ? copiesOf(block, batch, bytes) : batch.map(at => new StoredRecord(block, at))
      this.#guarded(() => this.#handlers.records(this.epoch, cursor.partition, records))
    }
    return { taken, refers }
  }
}

/** Records in memory of their own. */
function copiesOf(block: ByteBlock, places: readonly number[], bytes: number): LogRecord[] {
  const own = createByteBlock(bytes)
  let to = 0
  return places.map(at => {
    const length = lengthOf(block.view, at)
    block.bytes.copy(own.bytes, to, at, at + length)
    const record = new StoredRecord(own, to)
    to += length
    return record
  })
}
