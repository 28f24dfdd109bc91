import type { SluiceError } from '../../errors/sluice-error.ts'
import type { LogRecord, RecordHeaders } from '../log-record.ts'
import type { PartitionEnds, StartPosition } from '../partition-log.ts'

/**
 * The narrow seam to Apache Kafka: the semantics Sluice needs, not the API of a library. No type of the client library
 * leaves its folder. Offsets are safe integers as everywhere in Sluice (see {@link LogRecord}): parsing one to a bigint
 * costs about twice what a number does, on every record.
 */
export interface KafkaClient {
  /** Connects; rejects with SLUICE_KAFKA_UNREACHABLE after its retries, and may be called again. */
  connect(): Promise<void>
  /**
   * Produces records of ONE topic-partition in order, acknowledged by all in-sync replicas, and resolves with the
   * offset of the first. Calls for the same topic-partition are kept in call order, one request in flight each.
   * @throws {SluiceError} SLUICE_KAFKA_PRODUCE (the time is up; the outcome is unknown), SLUICE_KAFKA_RECORD_TOO_LARGE,
   *   SLUICE_KAFKA_QUEUE_FULL (nothing was kept), SLUICE_KAFKA_DENIED, SLUICE_KAFKA_CLOSED.
   */
  produce(topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<number>
  /** Resolves at once; the group is joined in the background, however long the brokers are away. */
  subscribe(options: SubscribeOptions, handlers: KafkaSubscriptionHandlers): Promise<KafkaSubscription>
  /** Partition count of a topic; undefined when it does not exist. */
  partitionCount(topic: string): Promise<number | undefined>
  /** By partition. */
  ends(topic: string): Promise<readonly PartitionEnds[]>
  /** First offset at or after the time, by partition; the end offset where there is none. */
  offsetsAt(topic: string, timestampMs: number): Promise<readonly number[]>
  /** Partitions that the group never committed are absent. */
  committed(group: string, topic: string): Promise<ReadonlyMap<number, number>>
  /** Creates the topic if it does not exist. An existing one is left as it is. */
  ensureTopic(spec: TopicSpec): Promise<void>
  /** Reads up to `limit` records from `from` on, outside of any group; fewer at the end of the partition. */
  fetch(topic: string, partition: number, from: number, limit: number): Promise<readonly KafkaRecord[]>
  /** What /readyz and metrics tell. */
  health(): KafkaHealth
  /** Leaves all groups and disconnects; what waits to be produced is rejected. */
  close(): Promise<void>
}

export interface OutgoingRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: RecordHeaders
  /** Default: the time of sending. */
  readonly timestampMs?: number
}

/** A record as it came: it can be handed on as a {@link LogRecord} that is read in place, without a copy. */
export interface KafkaRecord extends LogRecord {
  readonly header: null
  readonly headers: RecordHeaders
}

export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly config?: Readonly<Record<string, string>>
}

export interface SubscribeOptions {
  readonly group: string
  readonly topic: string
  /** Where a partition without a committed offset starts; committed at once, so that it is a written position. */
  readonly start: StartPosition
  /**
   * Moves the group: gained partitions begin there whatever was committed, others are left alone and not handed over.
   * Committed in the generation of this member before `assigned` tells of them, all in one request. Default: no move.
   */
  readonly moveTo?: ReadonlyMap<number, number>
  /** How long the group waits for a silent member before its partitions move. Default 30,000. */
  readonly sessionTimeoutMs?: number
  /**
   * How long gained partitions wait before they are handed over, so that a previous owner can end its runs (Kafka's
   * eager protocol tells it no earlier than us). Default 0: a key may briefly run twice while partitions move.
   */
  readonly gainDelayMs?: number
}

/** As SubscriptionHandlers of the log contract, in Kafka's words. The epoch is the generation of the group. */
export interface KafkaSubscriptionHandlers {
  assigned(epoch: number, partitions: readonly { readonly partition: number; readonly position: number }[]): void
  /** `lost`: another member may already own them. */
  revoked(epoch: number, partitions: readonly number[], lost: boolean): void
  /** Synchronous; must not block or throw. Not called for paused partitions. */
  records(epoch: number, partition: number, records: readonly KafkaRecord[]): void
  /** The group's position is not in the log any more; reading goes on at `to`, the earliest record. */
  outOfRange(partition: number, kind: 'expired' | 'truncated', from: number, to: number): void
  /** Told once per outage. The subscription goes on by itself when `error.retryable`. */
  fatal(error: SluiceError): void
}

export interface KafkaSubscription {
  pause(partitions: readonly number[]): void
  resume(partitions: readonly number[]): void
  /** @throws {SluiceError} SLUICE_KAFKA_COMMIT when the group could not be reached in time; the offsets are not committed. */
  commit(epoch: number, offsets: ReadonlyMap<number, number>): Promise<void>
  /** Rebalances of this member since it first joined; scaling workers must not change it. */
  rebalances(): number
  close(): Promise<void>
}

export interface KafkaHealth {
  readonly connected: boolean
  /** Last error seen since the connection was lost; null while connected. */
  readonly lastError: string | null
}
