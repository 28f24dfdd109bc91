import { isUtf8 } from 'node:buffer'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { RecordHeaders } from '../../log/log-record.ts'
import type { CloudEventAttributes } from '../cloud-event.ts'
import { attributeEntries, invalidEvent, shown, validAttributes } from '../cloud-event-validation.ts'
import { decodeJsonEvent, encodeJsonEvent, noData, type DecodedEvent } from '../json-format.ts'
import { isUtf8MediaType, parseMediaType } from '../media-type.ts'
import { structuredMediaType } from './http.ts'

/** How a Kafka record carries its event; `opaque` records are mapped. */
export type KafkaContentMode = 'structured' | 'binary' | 'opaque'

/**
 * Finds the content mode (Kafka binding 1.0.2 §3): a `content-type` header that starts with `application/cloudevents` in
 * any case, else any `ce_` header is a claim to be a binary event. Runs for every record: no string is built from a
 * value unless there is a content type.
 */
export function kafkaContentMode(headers: RecordHeaders | null): KafkaContentMode {
  if (headers === null) return 'opaque'
  let mode: KafkaContentMode = 'opaque'
  for (const [name, value] of headers) {
    if (name.startsWith('ce_')) mode = 'binary'
    else if (isContentType(name) && startsWithCloudEvents(value)) return 'structured'
  }
  return mode
}

/** Kafka header names have a case; the binding writes this one in lower case, some clients as HTTP does. */
export function isContentType(name: string): boolean {
  return name.length === 12 && (name === 'content-type' || name.toLowerCase() === 'content-type')
}

const claim = 'application/cloudevents'

function startsWithCloudEvents(value: Buffer): boolean {
  return value.length >= claim.length && value.toString('latin1', 0, claim.length).toLowerCase() === claim
}

/**
 * Decodes a record that claims to be a CloudEvent. A binary event without a value is an event without data (§3.2.2).
 * @throws {SluiceError} SLUICE_EVENTS_INVALID, SLUICE_EVENTS_UNSUPPORTED_TYPE.
 */
export function decodeKafka(mode: 'structured' | 'binary', headers: RecordHeaders, value: Buffer | null): DecodedEvent {
  return mode === 'binary'
    ? { attributes: decodeKafkaAttributes(headers), data: value ?? noData }
    : decodeStructured(headers, value)
}

/** The attributes of a record in binary mode. @throws {SluiceError} SLUICE_EVENTS_INVALID. */
export function decodeKafkaAttributes(headers: RecordHeaders): CloudEventAttributes {
  const raw: [string, unknown][] = []
  let mediaType: string | undefined
  for (const [header, value] of headers) {
    const name = header.startsWith('ce_') ? header.slice(3) : isContentType(header) ? 'datacontenttype' : undefined
    if (name === undefined) continue
    if (!isUtf8(value)) throw invalidEvent([{ attribute: name, message: 'is not UTF-8' }])
    const text = value.toString()
    if (name === 'datacontenttype') {
      // The official SDK sends it as content-type and as ce_datacontenttype; harmless while both say the same.
      if (text === mediaType) continue
      mediaType ??= text
    }
    raw.push([name, text])
  }
  return validAttributes(raw)
}

function decodeStructured(headers: RecordHeaders, value: Buffer | null): DecodedEvent {
  const contentType = headers.find(([name]) => isContentType(name))?.[1].toString() ?? ''
  const type = parseMediaType(contentType)
  if (type?.essence !== structuredMediaType || !isUtf8MediaType(type)) {
    throw new SluiceError(
      'SLUICE_EVENTS_UNSUPPORTED_TYPE',
      `the event format ${shown(contentType)} is not supported; use ${structuredMediaType}`,
    )
  }
  if (value === null) {
    throw new SluiceError('SLUICE_EVENTS_INVALID', 'the record claims to be a structured CloudEvent and has no value')
  }
  return decodeJsonEvent(value)
}

/** A record for a Kafka sink. Its key is the `partitionkey`, which stays in the event, too (§3.1). */
export interface KafkaMessage {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: RecordHeaders
}

/** Data `null` gives a record without value, which a compacted topic takes for a tombstone (§3.2.2). @throws {SluiceError} SLUICE_EVENTS_INVALID. */
export function encodeKafkaBinary(attributes: CloudEventAttributes, data: Buffer | null): KafkaMessage {
  validAttributes(attributeEntries(attributes))
  const headers: [string, Buffer][] = []
  for (const [name, value] of attributeEntries(attributes)) {
    headers.push([name === 'datacontenttype' ? 'content-type' : `ce_${name}`, Buffer.from(String(value))])
  }
  return { key: keyOf(attributes), value: data, headers }
}

/** @throws {SluiceError} SLUICE_EVENTS_INVALID when an attribute is invalid. */
export function encodeKafkaStructured(attributes: CloudEventAttributes, data: Buffer | null): KafkaMessage {
  return {
    key: keyOf(attributes),
    value: encodeJsonEvent(attributes, data),
    headers: [['content-type', Buffer.from(`${structuredMediaType}; charset=UTF-8`)]],
  }
}

function keyOf(attributes: CloudEventAttributes): Buffer | null {
  return attributes.partitionkey === undefined ? null : Buffer.from(attributes.partitionkey)
}
