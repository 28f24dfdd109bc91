import type { RecordHeaders } from '../log/log-record.ts'
import { decodeKafka, decodeKafkaAttributes, isContentType, kafkaContentMode } from './bindings/kafka.ts'
import type { EventHeader, KafkaContext } from './event-header.ts'
import type { KafkaRecordParts } from './kafka-header-codec.ts'
import { compileMapping, type CompiledMapping, type MappingInput } from './mapping.ts'
import type { Mapping } from './mapping-schema.ts'
import { parseMediaType } from './media-type.ts'
import { isTraceparent, isTracestate } from './traceparent.ts'

/** What all records of a Kafka-backed stream share; plain JSON, as it travels with every frame. */
export interface KafkaEventDefaults {
  readonly topic: string
  /** `source` of mapped events; default `/kafka/<topic>`. */
  readonly source?: string
  /** `type` of mapped events; default `kafka.record`. */
  readonly type?: string
  readonly mapping?: Mapping
}

/** {@link KafkaEventDefaults}, made ready once per stream. */
export interface CompiledKafkaDefaults {
  readonly topic: string
  readonly source: string
  readonly type: string
  readonly mapping: CompiledMapping
}

/** @throws {SluiceError} SLUICE_CONFIG_INVALID when the mapping is invalid. */
export function compileKafkaDefaults(defaults: KafkaEventDefaults): CompiledKafkaDefaults {
  const { topic, source = `/kafka/${topic}`, type = 'kafka.record' } = defaults
  // As constants of the mapping, so that defaults are checked by the same rules and at the same time.
  const mapping = compileMapping({ source, type, ...defaults.mapping }, 'kafka')
  return { topic, source, type, mapping }
}

/** An event out of Kafka: its header, and its bytes, which are a part of the value for a structured CloudEvent. */
export interface KafkaEvent {
  readonly header: EventHeader
  readonly data: Buffer
}

const empty = Buffer.alloc(0)

/**
 * Makes the event of a record; pure, so that the main thread and the workers get the same. A record that is no CloudEvent
 * has the id `topic/partition/offset`, which a second delivery repeats, and its Kafka key as `partitionkey` unless the
 * mapping says otherwise.
 * @throws {SluiceError} SLUICE_EVENTS_INVALID, SLUICE_EVENTS_MAPPING, SLUICE_EVENTS_UNSUPPORTED_TYPE.
 */
export function kafkaEventOf(
  record: KafkaRecordParts,
  value: Buffer | null,
  defaults: CompiledKafkaDefaults,
): KafkaEvent {
  const mode = kafkaContentMode(record.headers)
  if (mode === 'structured') {
    const { attributes, data } = decodeKafka(mode, record.headers ?? [], value)
    return { header: withOrigin({ ...attributes }, record, defaults), data }
  }
  const attributes =
    mode === 'binary' ? { ...decodeKafkaAttributes(record.headers ?? []) } : mappedOf(record, value, defaults)
  return { header: withOrigin(attributes, record, defaults), data: value ?? empty }
}

type Attributes = Omit<MutableHeader, 'acceptedAtMs' | 'hops' | 'protocol'>
type MutableHeader = { -readonly [K in keyof EventHeader]: EventHeader[K] }

function mappedOf(record: KafkaRecordParts, value: Buffer | null, defaults: CompiledKafkaDefaults): Attributes {
  const mapped = defaults.mapping.map(mappingInputOf(record, value))
  const attributes: Attributes = {
    id: recordId(record, defaults),
    source: defaults.source,
    type: defaults.type,
    ...mapped,
  }
  const key = mapped.partitionkey ?? (record.key === null ? '' : record.key.toString())
  if (key !== '') attributes.partitionkey = key
  if (mapped.datacontenttype === undefined) {
    const contentType = contentTypeOf(record.headers)
    if (contentType !== undefined) attributes.datacontenttype = contentType
  }
  return attributes
}

function withOrigin(attributes: Attributes, record: KafkaRecordParts, defaults: CompiledKafkaDefaults): EventHeader {
  const header: MutableHeader = {
    ...attributes,
    acceptedAtMs: Math.max(0, record.timestampMs),
    hops: 0,
    position: recordId(record, defaults),
    protocol: contextOf(record, defaults),
  }
  if (header.traceparent === undefined && record.headers !== null) {
    const traceparent = traceparentOf(record.headers)
    if (traceparent !== undefined) {
      header.traceparent = traceparent
      const tracestate = headerText(record.headers, 'tracestate')
      if (tracestate !== undefined && isTracestate(tracestate)) header.tracestate = tracestate
    }
  }
  return header
}

export function recordId(record: KafkaRecordParts, defaults: CompiledKafkaDefaults): string {
  return `${defaults.topic}/${record.partition}/${record.offset}`
}

export function mappingInputOf(record: Pick<KafkaRecordParts, 'key' | 'headers'>, value: Buffer | null): MappingInput {
  return { body: value, recordHeaders: record.headers, key: record.key }
}

export function headerText(headers: RecordHeaders, wanted: string): string | undefined {
  for (const [name, value] of headers) if (name === wanted) return value.toString()
  return undefined
}

/** The sender's trace, when it is valid and the only one: of two that differ neither can be trusted. */
export function traceparentOf(headers: RecordHeaders): string | undefined {
  let found: string | undefined
  for (const [name, value] of headers) {
    if (name !== 'traceparent') continue
    const text = value.toString()
    if (found !== undefined && found !== text) return undefined
    found = text
  }
  return found !== undefined && isTraceparent(found) ? found : undefined
}

/** The content type of a mapped record; a header that is no media type is left where it is, in the protocol context. */
export function contentTypeOf(headers: RecordHeaders | null): string | undefined {
  if (headers === null) return undefined
  for (const [name, value] of headers) {
    if (!isContentType(name)) continue
    const text = value.toString()
    return parseMediaType(text) === undefined ? undefined : text
  }
  return undefined
}

function contextOf(record: KafkaRecordParts, defaults: CompiledKafkaDefaults): KafkaContext {
  const headers: Record<string, string> = {}
  for (const [name, value] of record.headers ?? []) headers[name] = value.toString()
  return {
    kind: 'kafka',
    topic: defaults.topic,
    partition: record.partition,
    offset: record.offset,
    timestampMs: record.timestampMs,
    key: record.key === null ? null : record.key.toString(),
    headers,
  }
}
