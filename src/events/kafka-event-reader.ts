import { SluiceError } from '../errors/sluice-error.ts'
import type { LogRecord, RecordHeaders } from '../log/log-record.ts'
import { isContentType, kafkaContentMode, type KafkaContentMode } from './bindings/kafka.ts'
import { attributeText } from './cloud-event-validation.ts'
import { encodeEventHeader } from './event-header-codec.ts'
import type { EventHeader } from './event-header.ts'
import type { EventProblem, EventReader } from './event-reader.ts'
import {
  compileKafkaDefaults,
  contentTypeOf,
  headerText,
  kafkaEventOf,
  mappingInputOf,
  recordId,
  traceparentOf,
  type KafkaEventDefaults,
} from './kafka-event.ts'
import { createHomeEventReader } from './home-event-reader.ts'
import { kafkaHeaderByteLength, writeKafkaHeader, type KafkaRecordParts } from './kafka-header-codec.ts'
import { isTracestate } from './traceparent.ts'

/**
 * What happens to records without a value that are no CloudEvent: `skip` and `dead-letter` report a problem, which the
 * source's policy then handles; `deliver` makes them events with empty data.
 */
export type TombstonePolicy = 'skip' | 'dead-letter' | 'deliver'

export interface KafkaEventReaderOptions extends KafkaEventDefaults {
  readonly tombstones: TombstonePolicy
  /** For a reader of one partition; else every record must carry its own. */
  readonly partition?: number
}

interface ParsedEvent {
  readonly header: EventHeader
  readonly encoded: Buffer
  readonly data: Buffer
}

/** What is remembered of a record whose value had to be parsed: the event, or why there is none. */
type Parsed = { readonly event: ParsedEvent } | { readonly problem: EventProblem }

/**
 * Reads the records of a Kafka topic in place, and records of its stream in home form (resolved or parked before). A record without `ce_` headers costs a look at its header names; values
 * are parsed only for structured CloudEvents and for mappings with JSON pointers, once per record.
 * @throws {SluiceError} SLUICE_CONFIG_INVALID when the mapping is invalid.
 */
export function createKafkaEventReader(options: KafkaEventReaderOptions): EventReader {
  const defaults = compileKafkaDefaults(options)
  const { mapping } = defaults
  const mapsKey = options.mapping?.partitionkey !== undefined
  const home = createHomeEventReader()
  // Keyed by the record itself, so that the memory goes when the record is no longer in flight.
  const parsedRecords = new WeakMap<LogRecord, Parsed>()

  function partsOf(record: LogRecord): KafkaRecordParts {
    const partition = record.partition ?? options.partition
    // A guessed partition would give two records one id, and deduplication would then drop one.
    if (partition === undefined) {
      throw new SluiceError('SLUICE_INTERNAL', `a record of topic ${options.topic} came without its partition`)
    }
    // Most records are their own parts.
    if (record.partition !== undefined) return record as LogRecord & { readonly partition: number }
    const { offset, timestampMs, key, headers } = record
    return { partition, offset, timestampMs, key, headers }
  }

  /** Whether attributes come out of the value: then the record is decoded as a whole, once. */
  function needsParsing(mode: KafkaContentMode): boolean {
    return mode === 'structured' || (mode === 'opaque' && mapping.usesBody)
  }

  function parsed(record: LogRecord): Parsed {
    let known = parsedRecords.get(record)
    if (known === undefined) parsedRecords.set(record, (known = parse(record)))
    return known
  }

  function parse(record: LogRecord): Parsed {
    const parts = partsOf(record)
    try {
      const { header, data } = kafkaEventOf(parts, record.value, defaults)
      return { event: { header, data, encoded: encodeEventHeader(header) } }
    } catch (thrown) {
      return { problem: problemOf(SluiceError.from(thrown)) }
    }
  }

  function parsedEvent(record: LogRecord): ParsedEvent {
    const result = parsed(record)
    if ('event' in result) return result.event
    throw new SluiceError('SLUICE_EVENTS_INVALID', result.problem.message)
  }

  function mappedField(record: LogRecord, name: string): string | undefined {
    try {
      return mapping.field(mappingInputOf(record, record.value), name)
    } catch {
      // problem() reports it; a filter just does not match.
      return undefined
    }
  }

  function mappedAttribute(record: LogRecord, name: string): string | undefined {
    switch (name) {
      case 'specversion':
        return '1.0'
      case 'dedupId':
        return undefined
      case 'traceparent':
        return record.headers === null ? undefined : traceparentOf(record.headers)
      case 'tracestate':
        return tracestateOf(record.headers ?? [])
      case 'id':
        return mappedField(record, name) ?? recordId(partsOf(record), defaults)
      case 'datacontenttype':
        return mappedField(record, name) ?? contentTypeOf(record.headers)
      case 'partitionkey':
        return keyOf(record) || undefined
      default:
        return mappedField(record, name)
    }
  }

  function binaryAttribute(record: LogRecord, name: string): string | undefined {
    for (const [header, value] of record.headers ?? []) {
      const isIt =
        (header.length === name.length + 3 && header === `ce_${name}`) ||
        (name === 'datacontenttype' && isContentType(header))
      if (isIt) return value.toString()
    }
    return undefined
  }

  function tracestateOf(headers: RecordHeaders): string | undefined {
    const text = traceparentOf(headers) === undefined ? undefined : headerText(headers, 'tracestate')
    return text !== undefined && isTracestate(text) ? text : undefined
  }

  function keyOf(record: LogRecord): string {
    const { key } = record
    if (record.header !== null) return home.key(record)
    // The order that Kafka keeps is that of its keys; a mapping may choose another one for what is no CloudEvent.
    if (key !== null && !mapsKey) return key.toString()
    const mode = kafkaContentMode(record.headers)
    if (key !== null && mode !== 'opaque') return key.toString()
    if (mode === 'binary') return binaryAttribute(record, 'partitionkey') ?? ''
    if (!needsParsing(mode)) return mappedField(record, 'partitionkey') ?? key?.toString() ?? ''
    const result = parsed(record)
    return ('event' in result ? result.event.header.partitionkey : key?.toString()) ?? ''
  }

  return {
    problem(record) {
      if (record.header !== null) return home.problem(record)
      const mode = kafkaContentMode(record.headers)
      if (mode === 'opaque' && record.value === null && options.tombstones !== 'deliver') return tombstone
      if (mode === 'opaque' && mapping.isConstant) return undefined
      const result = needsParsing(mode) ? parsed(record) : checked(record)
      return 'problem' in result ? result.problem : undefined
    },
    resolve(record) {
      if (record.header !== null || !needsParsing(kafkaContentMode(record.headers))) return record
      const { encoded, data } = parsedEvent(record)
      const { partition, offset, timestampMs } = partsOf(record)
      const key = keyOf(record)
      // Field by field: a log may hand out records whose fields are getters, and a spread would lose those.
      return {
        partition,
        offset,
        timestampMs,
        key: key === '' ? null : Buffer.from(key),
        header: encoded,
        headers: null,
        value: data,
      }
    },
    key: keyOf,
    attribute(record, name) {
      if (record.header !== null) return home.attribute(record, name)
      const mode = kafkaContentMode(record.headers)
      if (needsParsing(mode)) {
        const result = parsed(record)
        return 'event' in result ? attributeText(result.event.header, name) : undefined
      }
      return mode === 'opaque' ? mappedAttribute(record, name) : binaryAttribute(record, name)
    },
    traceparent(record) {
      if (record.header !== null) return home.traceparent(record)
      const { headers } = record
      if (headers === null) return undefined
      const mode = kafkaContentMode(headers)
      if (mode === 'structured') {
        const result = parsed(record)
        return 'event' in result ? result.event.header.traceparent : undefined
      }
      return (mode === 'binary' ? binaryAttribute(record, 'traceparent') : undefined) ?? traceparentOf(headers)
    },
    headerByteLength(record) {
      if (record.header !== null) return record.header.length
      if (needsParsing(kafkaContentMode(record.headers))) return parsedEvent(record).encoded.length
      return kafkaHeaderByteLength(record.key, record.headers)
    },
    writeHeader(record, target, at) {
      if (record.header !== null) return home.writeHeader(record, target, at)
      if (!needsParsing(kafkaContentMode(record.headers))) return writeKafkaHeader(partsOf(record), target, at)
      const { encoded } = parsedEvent(record)
      target.set(encoded, at)
      return at + encoded.length
    },
    header(record) {
      if (record.header !== null) return home.header(record)
      return kafkaEventOf(partsOf(record), record.value, defaults).header
    },
  }

  /** Decodes without keeping the result: a binary event is read again from its headers, which is cheap. */
  function checked(record: LogRecord): { readonly problem?: EventProblem } {
    const parts = partsOf(record)
    try {
      kafkaEventOf(parts, record.value, defaults)
      return {}
    } catch (thrown) {
      return { problem: problemOf(SluiceError.from(thrown)) }
    }
  }
}

const tombstone: EventProblem = {
  reason: 'tombstone',
  message: 'the record has no value (a tombstone) and is no CloudEvent',
}

function problemOf(error: SluiceError): EventProblem {
  // An error of the program is none of the record's and must not make a dead letter of it.
  if (error.code === 'SLUICE_INTERNAL') throw error
  return { reason: error.code === 'SLUICE_EVENTS_MAPPING' ? 'mapping' : 'invalid-cloudevent', message: error.message }
}
