import { randomUUID } from 'node:crypto'
import type { AppendRecord } from '../log/log-record.ts'
import { decodeHttp, httpContentMode, splitLines, type HttpHeaders } from './bindings/http.ts'
import { decodeMqtt, type MqttProperties, type StructuredDetection } from './bindings/mqtt.ts'
import type { CloudEventAttributes } from './cloud-event.ts'
import { encodeEventHeader } from './event-header-codec.ts'
import type { EventHeader, HttpContext, MqttContext, ProtocolContext } from './event-header.ts'
import { atIndex } from './json-format.ts'
import type { CompiledMapping, MappingInput } from './mapping.ts'
import { parseMediaType } from './media-type.ts'
import { isTraceparent, isTracestate } from './traceparent.ts'

/** An event on its way into a home stream. */
export interface NewEvent {
  readonly header: EventHeader
  readonly value: Buffer
}

/** What a source says of all its events. */
export interface EventDefaults {
  /** `source` and `type` of events whose mapping sets none. */
  readonly source: string
  readonly type: string
  /** true: a CloudEvent gets `source` and `id` as its deduplication id, which the spec declares unique together. */
  readonly dedupCloudEvents?: boolean
  /** Most events of one batch; default 1,000. */
  readonly maxBatchEvents?: number
  readonly structured?: StructuredDetection
}

export const defaultMaxBatchEvents = 1000

export interface HttpInput {
  readonly method: string
  readonly path: string
  /** Without `?`. */
  readonly query: string
  readonly headers: HttpHeaders
  readonly body: Buffer
}

/**
 * Turns a request into its events: CloudEvents as they are, anything else by the mapping. All or none: one bad event of a
 * batch fails the batch.
 * @throws {SluiceError} SLUICE_EVENTS_INVALID, SLUICE_EVENTS_MAPPING, SLUICE_EVENTS_UNSUPPORTED_TYPE, SLUICE_EVENTS_TOO_LARGE.
 */
export function eventFromHttp(
  input: HttpInput,
  mapping: CompiledMapping,
  defaults: EventDefaults,
  nowMs: number = Date.now(),
): NewEvent[] {
  const mode = httpContentMode(input.headers)
  const protocol = httpContextOf(input)
  const trace = traceOf(input.headers)
  const maxEvents = defaults.maxBatchEvents ?? defaultMaxBatchEvents
  if (mode === 'opaque') {
    const contentType = input.headers['content-type'] as string | undefined
    return [mappedEvent(input, contentType, mapping, defaults, protocol, trace, nowMs)]
  }
  if (mode === 'ndjson') {
    return splitLines(input.body, maxEvents).map((body, index) =>
      atIndex(index, () =>
        mappedEvent({ ...input, body }, 'application/json', mapping, defaults, protocol, trace, nowMs),
      ),
    )
  }
  return decodeHttp(mode, input.headers, input.body, maxEvents).map(({ attributes, data }) => ({
    header: cloudEventHeader(attributes, defaults, protocol, trace, nowMs),
    value: data,
  }))
}

export interface MqttInput {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly clientId?: string
  /** Of MQTT 5; absent for 3.1.1. */
  readonly properties?: MqttProperties
}

/** Turns a PUBLISH into its event. @throws {SluiceError} as {@link eventFromHttp}. */
export function eventFromMqtt(
  input: MqttInput,
  mapping: CompiledMapping,
  defaults: EventDefaults,
  nowMs: number = Date.now(),
): NewEvent {
  const { topic, payload, properties } = input
  const protocol = mqttContextOf(input)
  const trace = traceOf(properties?.userProperties ?? {})
  const position = input.clientId === undefined ? undefined : `mqtt:${input.clientId}`
  const decoded = decodeMqtt(payload, properties, defaults.structured)
  if (decoded !== undefined) {
    const header = cloudEventHeader(decoded.attributes, defaults, protocol, trace, nowMs)
    if (position !== undefined) header.position = position
    return { header, value: decoded.data }
  }
  const headers = properties?.userProperties
  const mappingInput: BodyInput = headers === undefined ? { body: payload, topic } : { body: payload, topic, headers }
  // The content type of MQTT 5 is any UTF-8 text; what is no media type stays out of the event.
  const contentType = properties?.contentType
  const mediaType = contentType !== undefined && parseMediaType(contentType) !== undefined ? contentType : undefined
  const header = mappedHeader(mappingInput, mediaType, mapping, defaults, protocol, trace, nowMs)
  if (position !== undefined) header.position = position
  return { header, value: payload }
}

/** The record of an event as a home stream takes it; the ordering key becomes the key of the record. */
export function appendRecordOf({ header, value }: NewEvent): AppendRecord {
  const key = header.partitionkey === undefined ? null : Buffer.from(header.partitionkey)
  return { key, header: encodeEventHeader(header), value }
}

type BodyInput = MappingInput & { readonly body: Buffer }

interface Trace {
  traceparent?: string
  tracestate?: string
}

/** The sender's trace; an invalid `traceparent` is ignored, and its `tracestate` with it (Trace Context §3.3). */
function traceOf(headers: HttpHeaders): Trace {
  const traceparent = headers['traceparent']
  if (typeof traceparent !== 'string' || !isTraceparent(traceparent)) return {}
  const tracestate = headers['tracestate']
  return typeof tracestate === 'string' && isTracestate(tracestate) ? { traceparent, tracestate } : { traceparent }
}

type MutableHeader = { -readonly [K in keyof EventHeader]: EventHeader[K] }

function cloudEventHeader(
  attributes: CloudEventAttributes,
  defaults: EventDefaults,
  protocol: ProtocolContext,
  trace: Trace,
  nowMs: number,
): MutableHeader {
  const header: MutableHeader = { ...attributes, acceptedAtMs: nowMs, hops: 0, protocol }
  if (header.traceparent === undefined) Object.assign(header, trace)
  // No attribute has a line feed, so that the pair stays unambiguous.
  if (defaults.dedupCloudEvents === true) header.dedupId = `${attributes.source}\n${attributes.id}`
  return header
}

function mappedEvent(
  input: BodyInput,
  contentType: string | undefined,
  mapping: CompiledMapping,
  defaults: EventDefaults,
  protocol: ProtocolContext,
  trace: Trace,
  nowMs: number,
): NewEvent {
  return { header: mappedHeader(input, contentType, mapping, defaults, protocol, trace, nowMs), value: input.body }
}

function mappedHeader(
  input: BodyInput,
  contentType: string | undefined,
  mapping: CompiledMapping,
  defaults: EventDefaults,
  protocol: ProtocolContext,
  trace: Trace,
  nowMs: number,
): MutableHeader {
  const mapped = mapping.map(input)
  const header: MutableHeader = {
    id: mapped.id ?? randomUUID(),
    source: mapped.source ?? defaults.source,
    type: mapped.type ?? defaults.type,
    acceptedAtMs: nowMs,
    hops: 0,
    protocol,
  }
  const datacontenttype = mapped.datacontenttype ?? contentType
  if (mapped.subject !== undefined) header.subject = mapped.subject
  if (mapped.time !== undefined) header.time = mapped.time
  if (datacontenttype !== undefined) header.datacontenttype = datacontenttype
  if (mapped.dataschema !== undefined) header.dataschema = mapped.dataschema
  if (mapped.partitionkey !== undefined) header.partitionkey = mapped.partitionkey
  if (mapped.dedupId !== undefined) header.dedupId = mapped.dedupId
  if (mapped.extensions !== undefined) header.extensions = mapped.extensions
  if (trace.traceparent !== undefined) header.traceparent = trace.traceparent
  if (trace.tracestate !== undefined) header.tracestate = trace.tracestate
  return header
}

function httpContextOf({ method, path, query, headers }: HttpInput): HttpContext {
  const kept: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    // Credentials must not reach the log, functions or dead letters; what ends up in a record stays there.
    if (value === undefined || isCredential(name)) continue
    kept[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return { kind: 'http', method, path, query, headers: kept }
}

function isCredential(name: string): boolean {
  return name === 'authorization' || name === 'cookie' || name === 'proxy-authorization'
}

function mqttContextOf({ topic, qos, retain, clientId, properties }: MqttInput): MqttContext {
  const context: { -readonly [K in keyof MqttContext]: MqttContext[K] } = { kind: 'mqtt', topic, qos, retain }
  if (clientId !== undefined) context.clientId = clientId
  if (properties?.userProperties !== undefined) context.userProperties = { ...properties.userProperties }
  return context
}
