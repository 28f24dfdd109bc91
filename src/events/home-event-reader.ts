import { SluiceError } from '../errors/sluice-error.ts'
import type { LogRecord } from '../log/log-record.ts'
import {
  checkEventHeader,
  decodeEventHeader,
  headerTag,
  readHeaderExtensions,
  readHeaderField,
  type HeaderTag,
} from './event-header-codec.ts'
import type { EventProblem, EventReader } from './event-reader.ts'

/** Attributes that have a field of their own; all others are extensions. */
const tagOf = new Map<string, HeaderTag>([
  ['id', headerTag.id],
  ['source', headerTag.source],
  ['type', headerTag.type],
  ['subject', headerTag.subject],
  ['time', headerTag.time],
  ['datacontenttype', headerTag.datacontenttype],
  ['dataschema', headerTag.dataschema],
  ['partitionkey', headerTag.partitionkey],
  ['traceparent', headerTag.traceparent],
  ['tracestate', headerTag.tracestate],
])

/** Reads the records of a home stream: every method scans the encoded header and decodes at most the field asked for. */
export function createHomeEventReader(): EventReader {
  return {
    problem(record) {
      if (record.header === null || record.value === null)
        return unreadable('a record of a home stream lacks its header or value')
      try {
        checkEventHeader(record.header)
        return undefined
      } catch (thrown) {
        return unreadable(SluiceError.from(thrown).message)
      }
    },
    key({ key }) {
      return key === null ? '' : key.toString()
    },
    attribute(record, name) {
      if (name === 'specversion') return '1.0'
      const tag = tagOf.get(name)
      if (tag !== undefined) return readHeaderField(headerOf(record), tag)
      const extensions = readHeaderExtensions(headerOf(record))
      return extensions !== undefined && Object.hasOwn(extensions, name) ? String(extensions[name]) : undefined
    },
    traceparent(record) {
      return readHeaderField(headerOf(record), headerTag.traceparent)
    },
    headerByteLength(record) {
      return headerOf(record).length
    },
    writeHeader(record, target, at) {
      const header = headerOf(record)
      target.set(header, at)
      return at + header.length
    },
    header(record) {
      return decodeEventHeader(headerOf(record))
    },
  }
}

function headerOf(record: LogRecord): Buffer {
  if (record.header === null)
    throw new SluiceError('SLUICE_EVENTS_HEADER', `the record at offset ${record.offset} has no header`)
  return record.header
}

function unreadable(message: string): EventProblem {
  return { reason: 'unreadable', message }
}
