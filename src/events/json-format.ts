import { isUtf8 } from 'node:buffer'
import { SluiceError } from '../errors/sluice-error.ts'
import type { CloudEventAttributes } from './cloud-event.ts'
import {
  attributeEntries,
  checkAttributes,
  invalidEvent,
  isProblems,
  validAttributes,
  type AttributeProblem,
} from './cloud-event-validation.ts'
import { arrayElements, objectMembers, type MemberSlice } from './json-slices.ts'
import { isJsonMediaType, isUtf8MediaType, parseMediaType } from './media-type.ts'

/** An event with its bytes; empty bytes are an event without data. */
export interface DecodedEvent {
  readonly attributes: CloudEventAttributes
  readonly data: Buffer
}

export const noData = Buffer.alloc(0)

/**
 * Decodes one event of the JSON event format (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
 * JSON data is the exact slice of the sender's bytes; text data is its UTF-8, `data_base64` the bytes it stands for. An
 * event with `data` and no `datacontenttype` gets the implied `application/json` (§3.1.2).
 * @throws {SluiceError} SLUICE_EVENTS_INVALID naming the attribute; `where` says which event it was.
 */
export function decodeJsonEvent(bytes: Buffer, where = 'the event'): DecodedEvent {
  return eventOf(bytes, parseJson(bytes, where), 0, where)
}

/**
 * Decodes a JSON batch (§4), which may be empty. One invalid event fails the batch, and its index is in the message and in
 * `details.index`.
 */
export function decodeJsonBatch(bytes: Buffer, maxEvents: number): DecodedEvent[] {
  const parsed = parseJson(bytes, 'the batch')
  if (!Array.isArray(parsed)) throw new SluiceError('SLUICE_EVENTS_INVALID', 'the batch is not a JSON array')
  if (parsed.length > maxEvents) throw tooManyEvents(parsed.length, maxEvents)
  const starts = arrayElements(bytes)
  return parsed.map((element: unknown, index) =>
    atIndex(index, () => eventOf(bytes, element, starts[index] as number, `event ${index} of the batch`)),
  )
}

/** Runs a step of a batch and adds the index of the event to what it throws. */
export function atIndex<T>(index: number, step: () => T): T {
  try {
    return step()
  } catch (thrown) {
    const error = SluiceError.from(thrown)
    throw new SluiceError(error.code, error.message, { cause: error, details: { ...error.details, index } })
  }
}

export function tooManyEvents(count: number, maxEvents: number): SluiceError {
  return new SluiceError(
    'SLUICE_EVENTS_TOO_LARGE',
    `the batch has ${count} events, ${maxEvents} are allowed; send it in parts`,
  )
}

/** Whether bytes are a JSON object with a `specversion` member: what a claim to be a structured CloudEvent looks like. */
export function hasSpecversion(bytes: Buffer): boolean {
  if (!bytes.includes('"specversion"') || !isUtf8(bytes)) return false
  try {
    const parsed: unknown = JSON.parse(bytes.toString())
    return typeof parsed === 'object' && parsed !== null && Object.hasOwn(parsed, 'specversion')
  } catch {
    return false
  }
}

/**
 * Encodes an event in the JSON event format. Data goes in as it is where the content type is JSON and the bytes are,
 * as text where it is a UTF-8 text type, else as `data_base64`. Data without a content type is `data_base64` as well,
 * because `data` would imply JSON.
 * @throws {SluiceError} SLUICE_EVENTS_INVALID when an attribute is invalid.
 */
export function encodeJsonEvent(attributes: CloudEventAttributes, data: Buffer | null): Buffer {
  validAttributes(attributeEntries(attributes))
  const head = JSON.stringify(Object.fromEntries(attributeEntries(attributes))).slice(0, -1)
  if (data === null || data.length === 0) return Buffer.from(`${head}}`)
  const type = attributes.datacontenttype === undefined ? undefined : parseMediaType(attributes.datacontenttype)
  if (type !== undefined && isUtf8MediaType(type) && isUtf8(data)) {
    if (isJsonMediaType(type)) {
      if (isJson(data)) return Buffer.concat([Buffer.from(`${head},"data":`), data, closingBrace])
    } else if (type.essence.startsWith('text/') || type.essence.endsWith('xml')) {
      return Buffer.from(`${head},"data":${JSON.stringify(data.toString())}}`)
    }
  }
  return Buffer.from(`${head},"data_base64":"${data.toString('base64')}"}`)
}

const closingBrace = Buffer.from('}')

function eventOf(bytes: Buffer, parsed: unknown, start: number, where: string): DecodedEvent {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new SluiceError('SLUICE_EVENTS_INVALID', `${where} is not a JSON object`)
  }
  const values = parsed as Record<string, unknown>
  const raw: [string, unknown][] = []
  const problems: AttributeProblem[] = []
  let data: MemberSlice | undefined
  let base64: MemberSlice | undefined
  // From the bytes and not from the parsed object, where a repeated member would replace the first one unseen.
  for (const member of objectMembers(bytes, start)) {
    if (member.name === 'data') {
      if (data !== undefined) problems.push({ attribute: 'data', message: 'is there twice' })
      data = member
    } else if (member.name === 'data_base64') {
      if (base64 !== undefined) problems.push({ attribute: 'data_base64', message: 'is there twice' })
      base64 = member
    } else raw.push([member.name, values[member.name]])
  }
  const checked = checkAttributes(raw)
  if (isProblems(checked)) problems.push(...checked)
  if (base64 !== undefined && values['data_base64'] === null) base64 = undefined
  if (data !== undefined && base64 !== undefined) {
    problems.push({ attribute: 'data_base64', message: 'excludes data: only one of both may be there' })
  }
  if (problems.length > 0 || isProblems(checked)) throw invalidEvent(problems, where)
  if (base64 !== undefined) return { attributes: checked, data: base64Bytes(values['data_base64'], where) }
  if (data === undefined) return { attributes: checked, data: noData }
  return dataOf(checked, values['data'], bytes.subarray(data.start, data.end), where)
}

function dataOf(attributes: CloudEventAttributes, value: unknown, slice: Buffer, where: string): DecodedEvent {
  if (attributes.datacontenttype === undefined) {
    return { attributes: { ...attributes, datacontenttype: 'application/json' }, data: slice }
  }
  const type = parseMediaType(attributes.datacontenttype)
  if (type === undefined || isJsonMediaType(type)) return { attributes, data: slice }
  if (value === null) return { attributes, data: noData }
  if (typeof value !== 'string') {
    const message = `must be a string, as ${type.essence} is not JSON`
    throw invalidEvent([{ attribute: 'data', message }], where)
  }
  if (!isUtf8MediaType(type)) {
    // The text would have to be re-encoded; data_base64 is the way to say exactly which bytes are meant.
    const message = `cannot be text of charset ${type.charset}; send it as data_base64`
    throw invalidEvent([{ attribute: 'data', message }], where)
  }
  if (!value.isWellFormed()) throw invalidEvent([{ attribute: 'data', message: 'has a lone surrogate' }], where)
  return { attributes, data: Buffer.from(value) }
}

function base64Bytes(value: unknown, where: string): Buffer {
  if (typeof value === 'string' && value.length % 4 === 0 && !value.includes('-') && !value.includes('_')) {
    const padding = value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0
    const bytes = Buffer.from(value, 'base64')
    // Buffer skips what is not base64, so a shorter result means that there was something else.
    if (bytes.length === (value.length / 4) * 3 - padding) return bytes
  }
  throw invalidEvent([{ attribute: 'data_base64', message: 'is no base64 text (RFC 4648 §4)' }], where)
}

function parseJson(bytes: Buffer, where: string): unknown {
  if (!isUtf8(bytes)) throw new SluiceError('SLUICE_EVENTS_INVALID', `${where} is not UTF-8`)
  try {
    return JSON.parse(bytes.toString()) as unknown
  } catch (cause) {
    throw new SluiceError('SLUICE_EVENTS_INVALID', `${where} is not JSON: ${(cause as Error).message}`, { cause })
  }
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString())
    return true
  } catch {
    return false
  }
}
