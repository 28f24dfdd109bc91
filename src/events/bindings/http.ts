import { SluiceError } from '../../errors/sluice-error.ts'
import type { CloudEventAttributes } from '../cloud-event.ts'
import {
  attributeEntries,
  checkAttributes,
  invalidEvent,
  isProblems,
  shown,
  validAttributes,
  type AttributeProblem,
} from '../cloud-event-validation.ts'
import {
  atIndex,
  decodeJsonBatch,
  decodeJsonEvent,
  encodeJsonEvent,
  tooManyEvents,
  type DecodedEvent,
} from '../json-format.ts'
import { isUtf8MediaType, parseMediaType, type MediaType } from '../media-type.ts'
import { percentDecode, percentEncode } from './percent-encoding.ts'

/** Header names in lower case, as Node gives them. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * How a request carries its events. `ndjson` is lines of any JSON, mapped one by one; `cloudevents-ndjson` is lines of
 * structured events (`application/cloudevents+x-ndjson` or `+ndjson`, not standardised); `opaque` is any other body.
 */
export type HttpContentMode = 'structured' | 'batch' | 'cloudevents-ndjson' | 'binary' | 'ndjson' | 'opaque'

export const structuredMediaType = 'application/cloudevents+json'
export const batchMediaType = 'application/cloudevents-batch+json'

/**
 * Finds the content mode (HTTP binding 1.0.2 §3). The content type decides; without a CloudEvents media type any `ce-`
 * header is a claim to be a binary event, which then has to be a valid one.
 * @throws {SluiceError} SLUICE_EVENTS_UNSUPPORTED_TYPE for a content type that is none, an event format other than JSON, or
 *   a charset other than UTF-8 on a format that is parsed here.
 */
export function httpContentMode(headers: HttpHeaders): HttpContentMode {
  const contentType = headers['content-type']
  if (contentType === undefined) return hasBinaryHeaders(headers) ? 'binary' : 'opaque'
  const type = typeof contentType === 'string' ? parseMediaType(contentType) : undefined
  if (type === undefined) throw unsupported(`the content type ${shown(String(contentType))} is no media type`)
  if (type.essence.startsWith('application/cloudevents')) return structuredModeOf(type)
  if (hasBinaryHeaders(headers)) return 'binary'
  return ndjsonTypes.has(type.essence) ? checkedCharset(type, 'ndjson') : 'opaque'
}

const ndjsonTypes = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
])

function structuredModeOf(type: MediaType): HttpContentMode {
  switch (type.essence) {
    case structuredMediaType:
      return checkedCharset(type, 'structured')
    case batchMediaType:
      return checkedCharset(type, 'batch')
    case 'application/cloudevents+x-ndjson':
    case 'application/cloudevents+ndjson':
      return checkedCharset(type, 'cloudevents-ndjson')
    default:
      throw unsupported(`the event format ${type.essence} is not supported; use ${structuredMediaType}`)
  }
}

function checkedCharset(type: MediaType, mode: HttpContentMode): HttpContentMode {
  if (!isUtf8MediaType(type))
    throw unsupported(`the charset ${type.charset} is not supported for ${type.essence}; use utf-8`)
  return mode
}

function hasBinaryHeaders(headers: HttpHeaders): boolean {
  if (headers['ce-specversion'] !== undefined || headers['ce-id'] !== undefined) return true
  for (const name in headers) if (name.startsWith('ce-')) return true
  return false
}

/**
 * Decodes the CloudEvents of a request in any of the CloudEvents modes; binary bodies are not looked at.
 * @param maxEvents most events of a batch.
 * @throws {SluiceError} SLUICE_EVENTS_INVALID naming the attribute (and the index in a batch), SLUICE_EVENTS_TOO_LARGE.
 */
export function decodeHttp(
  mode: Exclude<HttpContentMode, 'ndjson' | 'opaque'>,
  headers: HttpHeaders,
  body: Buffer,
  maxEvents: number,
): DecodedEvent[] {
  switch (mode) {
    case 'binary':
      return [decodeHttpBinary(headers, body)]
    case 'structured':
      return [decodeJsonEvent(body)]
    case 'batch':
      return decodeJsonBatch(body, maxEvents)
    case 'cloudevents-ndjson':
      return splitLines(body, maxEvents).map((line, index) =>
        atIndex(index, () => decodeJsonEvent(line, `event ${index} of the batch`)),
      )
  }
}

export function decodeHttpBinary(headers: HttpHeaders, body: Buffer): DecodedEvent {
  const raw: [string, unknown][] = []
  const problems: AttributeProblem[] = []
  for (const header in headers) {
    if (!header.startsWith('ce-')) continue
    const name = header.slice(3)
    const value = headers[header]
    if (value === undefined) continue
    if (name === 'datacontenttype') {
      problems.push({ attribute: name, message: 'must be sent as Content-Type, not as ce-datacontenttype' })
      continue
    }
    const decoded = typeof value === 'string' ? percentDecode(value) : undefined
    if (decoded !== undefined) raw.push([name, decoded])
    else if (typeof value !== 'string') problems.push({ attribute: name, message: 'is there twice' })
    else problems.push({ attribute: name, message: `is no percent-encoded UTF-8: ${shown(value)}` })
  }
  const contentType = headers['content-type']
  if (typeof contentType === 'string') raw.push(['datacontenttype', contentType])
  const checked = checkAttributes(raw)
  // A value that could not be decoded is not reported as missing, too.
  if (isProblems(checked)) {
    for (const problem of checked)
      if (!problems.some(known => known.attribute === problem.attribute)) problems.push(problem)
  }
  if (problems.length > 0 || isProblems(checked)) throw invalidEvent(problems)
  return { attributes: checked, data: body }
}

/** Non-empty lines of an NDJSON body, as views; a final CR of a line is not part of it. */
export function splitLines(body: Buffer, maxEvents: number): Buffer[] {
  const lines: Buffer[] = []
  for (let start = 0; start < body.length;) {
    const feed = body.indexOf(0x0a, start)
    const next = feed === -1 ? body.length : feed
    const end = next > start && body[next - 1] === 0x0d ? next - 1 : next
    if (!isBlank(body, start, end)) {
      if (lines.length === maxEvents) throw tooManyEvents(lines.length + 1, maxEvents)
      lines.push(body.subarray(start, end))
    }
    start = next + 1
  }
  return lines
}

function isBlank(body: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (body[at] !== 0x20 && body[at] !== 0x09) return false
  return true
}

/** A message for an HTTP sink. */
export interface HttpMessage {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** @throws {SluiceError} SLUICE_EVENTS_INVALID when an attribute is invalid. */
export function encodeHttpBinary(attributes: CloudEventAttributes, data: Buffer | null): HttpMessage {
  validAttributes(attributeEntries(attributes))
  const headers: Record<string, string> = {}
  for (const [name, value] of attributeEntries(attributes)) {
    if (name === 'datacontenttype') headers['content-type'] = String(value)
    else headers[`ce-${name}`] = percentEncode(String(value))
  }
  return { headers, body: data ?? Buffer.alloc(0) }
}

/** @throws {SluiceError} SLUICE_EVENTS_INVALID when an attribute is invalid. */
export function encodeHttpStructured(attributes: CloudEventAttributes, data: Buffer | null): HttpMessage {
  return {
    headers: { 'content-type': `${structuredMediaType}; charset=utf-8` },
    body: encodeJsonEvent(attributes, data),
  }
}

function unsupported(message: string): SluiceError {
  return new SluiceError('SLUICE_EVENTS_UNSUPPORTED_TYPE', message)
}
