import type { LogRecord } from '../log/log-record.ts'
import { Lane } from './lane.ts'
import { OffsetTracker } from './offset-tracker.ts'
import { ReadAhead } from './read-ahead.ts'

/** Bounds of what one assigned partition may have taken in beyond its committed offset. */
export interface WindowLimits {
  /** Events between the durable committed offset and the newest one taken: the bound of duplicates after a crash. */
  readonly maxEvents: number
  readonly maxBytes: number
}

const sizeOf = (record: LogRecord): number => (record.value?.length ?? 0) + (record.header?.length ?? 64)

/** A record that is committed before it runs. */
export interface Claim {
  readonly record: LogRecord
  readonly sequence: number
}

const noClaims: readonly Claim[] = []

/**
 * One partition for as long as it is assigned: its tracker, its lanes and the records that arrived but do not fit into
 * the window yet. A new assignment makes a new window; whatever still runs for the old one ends in the old one.
 */
export class AssignedWindow {
  readonly partition: number
  readonly epoch: number
  readonly tracker: OffsetTracker
  readonly lanes = new Map<string, Lane>()
  readonly #limits: WindowLimits
  readonly #revoked = new AbortController()
  /** False once the partition was revoked and another owner runs its events: nothing of it starts, commits or parks any more. */
  assigned = true
  /** Events in frames, and results on their way to sinks. */
  underWay = 0
  /**
   * The window of an earlier assignment that had something under way when the partition came back: nothing of this one
   * is taken in before that has ended, or a key would run twice at a time.
   */
  predecessor: AssignedWindow | undefined = undefined
  /** Records that arrived and do not fit into the window yet. */
  readonly readAhead = new ReadAhead()
  /** Bytes of the events that are taken and not complete. */
  bytes = 0
  /** Events that are handed out and not complete. */
  #events = 0
  /** Whether this member still owns the partition: what is claimed runs to its end all the same. */
  owned = true
  readonly #commitsFirst: boolean
  /** Records whose offset is not durably committed yet: they run when it is. */
  #claims: Claim[] = []
  /** Sequence up to which completions are durable (committed). */
  #committedSequence = 0
  #committedOffset: number
  #partitionLane: Lane | undefined
  #waiting: (readonly LogRecord[])[] = []
  #waitingAt = 0

  /** @param commitsFirst offsets are committed before their events run: see {@link claim}. */
  constructor(partition: number, epoch: number, position: number, limits: WindowLimits, commitsFirst = false) {
    this.partition = partition
    this.#commitsFirst = commitsFirst
    this.epoch = epoch
    this.tracker = new OffsetTracker(position)
    this.#committedOffset = position
    this.#limits = limits
  }

  /** Aborted when the partition is revoked. */
  get revoked(): AbortSignal {
    return this.#revoked.signal
  }

  revoke(): void {
    this.owned = false
    this.assigned = false
    this.#revoked.abort()
  }

  /** The partition is somebody else's. What was claimed and is not known to be committed is dropped: how many. */
  disown(): number {
    const dropped = this.#claims.length
    this.owned = false
    this.#claims = []
    return dropped
  }

  /** Takes a record as complete before it runs; {@link takeDurable} gives it back when a commit has said so. */
  claim(record: LogRecord, sequence: number): void {
    this.#claims.push({ record, sequence })
    this.bytes += sizeOf(record)
    this.tracker.complete(sequence)
  }

  /** The claimed records whose offsets are durably committed, in order. */
  takeDurable(): readonly Claim[] {
    let count = 0
    while (count < this.#claims.length && (this.#claims[count] as Claim).sequence < this.#committedSequence) count++
    if (count === 0) return noClaims
    const durable = this.#claims.splice(0, count)
    for (const { record } of durable) this.bytes -= sizeOf(record)
    return durable
  }

  /** An event is handed out. */
  entered(byteLength: number): void {
    this.bytes += byteLength
    this.#events++
  }

  /** It is complete. */
  left(byteLength: number): void {
    this.bytes -= byteLength
    this.#events--
  }

  /** Events that are taken and not complete. */
  get inFlight(): number {
    return this.#commitsFirst ? this.#claims.length + this.#events : this.tracker.next - this.tracker.oldest
  }

  /** Nothing of it may still run: an assignment that follows may begin. */
  get isOver(): boolean {
    return this.underWay === 0 && !(this.assigned && this.#events > 0)
  }

  /** Events taken beyond the durable committed offset. */
  get uncommitted(): number {
    return this.tracker.next - this.#committedSequence
  }

  /** Completed events that a commit would make durable. */
  get committableEvents(): number {
    return this.tracker.oldest - this.#committedSequence
  }

  get committedOffset(): number {
    return this.#committedOffset
  }

  get full(): boolean {
    // What is committed first is bounded until it is complete all the same: a crash loses that much.
    const events = this.#commitsFirst ? this.uncommitted + this.#events : this.uncommitted
    return events >= this.#limits.maxEvents || this.bytes >= this.#limits.maxBytes
  }

  /** Timestamp of the oldest record that is not complete, taken or waiting; undefined when there is none. */
  get oldestMs(): number | undefined {
    return this.tracker.oldestTimestampMs ?? this.#waiting[0]?.[this.#waitingAt]?.timestampMs
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Keeps a batch that arrived; {@link takeWaiting} hands its records out as the window allows. */
  offer(records: readonly LogRecord[]): void {
    if (records.length === 0) return
    this.#waiting.push(records)
    let bytes = 0
    for (const record of records) bytes += sizeOf(record)
    this.readAhead.added(records.length, bytes)
  }

  /** The next record that fits into the window, or undefined. */
  takeWaiting(): LogRecord | undefined {
    const batch = this.#waiting[0]
    if (batch === undefined || this.full) return undefined
    const record = batch[this.#waitingAt++] as LogRecord
    this.readAhead.taken(sizeOf(record))
    if (this.#waitingAt >= batch.length) {
      this.#waiting.shift()
      this.#waitingAt = 0
    }
    return record
  }

  /** A commit of `offset`, taken when the tracker's oldest was `sequence`, is durable. */
  committed(sequence: number, offset: number): void {
    if (sequence > this.#committedSequence) this.#committedSequence = sequence
    if (offset > this.#committedOffset) this.#committedOffset = offset
  }

  /** The lane of a key. Events without a key share no order, so each gets a lane of its own that is in no map. */
  laneOf(key: string): Lane {
    if (key === '') return new Lane('', this)
    let lane = this.lanes.get(key)
    if (lane === undefined) {
      lane = new Lane(key, this)
      this.lanes.set(key, lane)
    }
    return lane
  }

  /** The one lane of a partition whose events are all in order. */
  get partitionLane(): Lane {
    this.#partitionLane ??= new Lane('', this)
    return this.#partitionLane
  }

  /** Forgets a lane that has nothing left. */
  release(lane: Lane): void {
    if (lane.key !== '') this.lanes.delete(lane.key)
  }
}
