import type { AppendRecord, LogRecord, RecordHeaders } from '../log-record.ts'
import type { KafkaRecord, OutgoingRecord } from './kafka-client.ts'

/** The Kafka header that carries the event header of a home record, byte by byte. */
export const HOME_HEADER = 'sluice-header'

/** Further headers by which other consumers of the topic understand the record; must not contain {@link HOME_HEADER}. */
export type InteropHeaders = (record: AppendRecord) => RecordHeaders

const NO_HEADERS: InteropHeaders = () => []

export function outgoingOf(record: AppendRecord, interopHeaders: InteropHeaders = NO_HEADERS): OutgoingRecord {
  return { key: record.key, value: record.value, headers: [[HOME_HEADER, record.header], ...interopHeaders(record)] }
}

/**
 * Restores a home record. One that something else than Sluice wrote to the topic has no event header: it is handed out
 * as a record read in place, so that it is judged like any other Kafka record and not lost.
 */
export function homeRecordOf(record: KafkaRecord): LogRecord {
  const { offset, timestampMs, key, value, headers } = record
  for (const [name, header] of headers)
    if (name === HOME_HEADER) return { offset, timestampMs, key, value, header, headers: null }
  return record
}
