import type { SluiceError } from '../errors/sluice-error.ts'
import type { AppendRecord, LogRecord } from './log-record.ts'

/** Where a group without committed offsets starts. A timestamp is ms since the epoch. */
export type StartPosition = 'earliest' | 'latest' | { readonly timestampMs: number } | { readonly offset: number }

/** First offset still held and the offset the next record will get. */
export interface PartitionEnds {
  readonly low: number
  readonly end: number
}

/** A partition as it is handed to a group: reading begins at `position`. */
export interface AssignedPartition {
  readonly partition: number
  /** The committed offset: the next offset that the group has not completed. */
  readonly position: number
}

/** What happened to a group below its position; told once, before reading goes on. */
export interface PositionAnomaly {
  readonly partition: number
  /** `expired`: retention passed the committed offset; `truncated`: the log ends before it. */
  readonly kind: 'expired' | 'truncated' | 'damaged'
  readonly from: number
  readonly to: number
}

/**
 * What a group gives to its log. Every call carries the epoch of the assignment it belongs to; after `revoked` no call
 * with that epoch and partition follows, and commits with it are dropped.
 */
export interface SubscriptionHandlers {
  assigned(epoch: number, partitions: readonly AssignedPartition[]): void
  revoked(epoch: number, partitions: readonly number[]): void
  /** Records in offset order, gap-free but for compaction and damage. Synchronous; must hand over and return. */
  records(epoch: number, partition: number, records: readonly LogRecord[]): void
  anomaly(anomaly: PositionAnomaly): void
  /** The subscription cannot go on by itself; the log keeps trying only when `error.retryable`. */
  fatal(error: SluiceError): void
}

export interface Subscription {
  /** No `records` call for these partitions follows until {@link resume}; survives rebalances. Idempotent. */
  pause(partitions: readonly number[]): void
  resume(partitions: readonly number[]): void
  /**
   * Makes committed offsets durable: `offsets` maps a partition to the next offset that is not completed. Offsets of
   * another epoch or of a partition that is not assigned now are dropped silently: the new owner repeats the work.
   */
  commit(epoch: number, offsets: ReadonlyMap<number, number>): Promise<void>
  /** Leaves the group; no handler is called afterwards. Commit first what is to be kept. */
  close(): Promise<void>
}

/** A named, partitioned, durable log of records: one stream. Embedded and Kafka logs pass the same conformance suite. */
export interface PartitionLog {
  readonly stream: string
  readonly partitionCount: number
  /**
   * Appends to one partition, in order, and resolves with the offset of the first record once all of them are durable.
   * Calls are kept in call order per partition.
   * @throws {SluiceError} SLUICE_LOG_FULL (nothing was kept; try later), SLUICE_LOG_UNAVAILABLE (outcome unknown),
   *   SLUICE_LOG_WRITE_FAILED (fatal), SLUICE_LOG_CLOSED.
   */
  append(partition: number, records: readonly AppendRecord[]): Promise<number>
  subscribe(group: string, start: StartPosition, handlers: SubscriptionHandlers): Promise<Subscription>
  ends(): Promise<readonly PartitionEnds[]>
  /** Committed offset by partition; a partition that the group never committed is absent. */
  committed(group: string): Promise<ReadonlyMap<number, number>>
  /** Where a group begins that starts so, by partition. An offset or a time beyond the log is its first or last place. */
  positionsAt(start: StartPosition): Promise<readonly number[]>
  /**
   * Moves the places of a group that has no subscription here, all of them or none. Durable when it resolves, with the
   * partitions that were not moved because another member of the group holds them.
   * @throws {SluiceError} SLUICE_LOG_UNAVAILABLE: the places are the old ones or the new ones; {@link committed} tells.
   */
  seek(group: string, offsets: ReadonlyMap<number, number>): Promise<readonly number[]>
  /** Reads up to `limit` records from `from` on, outside of any group; fewer when they are large. */
  browse(partition: number, from: number, limit: number): Promise<readonly LogRecord[]>
  close(): Promise<void>
}

/** Which records a scan visits: the newest ones. It may visit more than `maxRecords`, by a segment's worth. */
export interface HeaderRange {
  /** Records that were appended before are left out. */
  readonly sinceMs: number
  /** So many at least, where there are as many. */
  readonly maxRecords: number
}

/** Is given the place and the header of a record; the header only for the call, because its memory is used again. */
export type VisitHeader = (partition: number, offset: number, timestampMs: number, header: Buffer) => void

/** A log that can be read through for its headers alone: what is known of recent events is built of it at a start. */
export interface HeaderLog extends PartitionLog {
  /** Up to when the log was written to before it was opened, in ms since the epoch; 0 for a new one. */
  readonly foundUntilMs: number
  /** Visits headers in the order in which the records were appended. Memory does not depend on how many there are. */
  scanHeaders(range: HeaderRange, visit: VisitHeader): Promise<void>
}
