import type { LogRecord } from '../log/log-record.ts'
import type { EventHeader } from './event-header.ts'

/** Why a record cannot become an event; the source's policy (dead letter or skip) decides what happens to it. */
export interface EventProblem {
  readonly reason: 'invalid-cloudevent' | 'mapping' | 'tombstone' | 'unreadable'
  readonly message: string
}

/**
 * How dispatch reads the records of one stream without building CloudEvents: every method looks at the bytes of one
 * record and is cheap enough for the main thread. Two implementations: home records (event-header-codec) and Kafka
 * records read in place (kafka-event-reader).
 */
export interface EventReader {
  /** A problem when the record cannot be an event: an invalid CloudEvent, a failed mapping, a tombstone. */
  problem(record: LogRecord): EventProblem | undefined
  /**
   * The record as it is to be carried from here on; call it once, after {@link problem} found none. Mostly the record
   * itself. A Kafka record whose value had to be parsed for its attributes (a structured CloudEvent, a mapping with JSON
   * pointers) becomes one in home form: header encoded, key the ordering key, value the bytes of the event's data.
   */
  resolve?(record: LogRecord): LogRecord
  /** The ordering key; '' when the event has none (such events share no order). */
  key(record: LogRecord): string
  /** A context attribute or extension for filters, in its string form. Throws for no record. */
  attribute(record: LogRecord, name: string): string | undefined
  /** The sender's or the accept span's `traceparent`, if any; not validated. */
  traceparent(record: LogRecord): string | undefined
  /** Size in bytes of what {@link writeHeader} will write for the record. */
  headerByteLength(record: LogRecord): number
  /**
   * Writes the record's header in the encoded form of event-header-codec.ts into `target` at `at` and returns the end
   * position. Home records copy their bytes; Kafka records write the compact Kafka form that the worker expands.
   */
  writeHeader(record: LogRecord, target: Buffer, at: number): number
  /** The whole header, decoded; for dead letters, the API and everything else off the hot path. */
  header(record: LogRecord): EventHeader
}
