/** Header of a Kafka record; a name may repeat. */
export type RecordHeaders = readonly (readonly [name: string, value: Buffer])[]

/**
 * One record as a log hands it out. Buffers are views into the batch they arrived in: keep them only as long as the
 * record is in flight. Offsets are safe integers (2^53 records are 285 years at a million per second), so the hot path
 * does no BigInt arithmetic.
 */
export interface LogRecord {
  readonly offset: number
  /** Partition of a Kafka record read in place: the id of its event is made of it. Home records may leave it out. */
  readonly partition?: number
  /** Wall clock in ms: of the append for home streams, of the Kafka record otherwise. */
  readonly timestampMs: number
  readonly key: Buffer | null
  /** The event's bytes; null is a Kafka tombstone. */
  readonly value: Buffer | null
  /** Encoded event header (event-header-codec.ts) of a home record; null for a Kafka record read in place. */
  readonly header: Buffer | null
  /** Kafka headers of a record read in place; null for a home record. */
  readonly headers: RecordHeaders | null
}

/** What a source hands to a home stream. */
export interface AppendRecord {
  readonly key: Buffer | null
  readonly header: Buffer
  readonly value: Buffer
}
