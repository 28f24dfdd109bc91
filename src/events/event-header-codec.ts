import { SluiceError } from '../errors/sluice-error.ts'
import type { ExtensionValue } from './cloud-event.ts'
import type { EventHeader, ProtocolContext } from './event-header.ts'
import {
  compileKafkaDefaults,
  kafkaEventOf,
  type CompiledKafkaDefaults,
  type KafkaEventDefaults,
} from './kafka-event.ts'
import { isKafkaForm, readKafkaHeader } from './kafka-header-codec.ts'

/*
 * Home form of a header: one version byte, then fields of tag (1 byte), length and bytes, in any order, each at most once.
 *
 * Every byte of the frame is below 0x80, numbers and lengths included, so a header whose values are ASCII (nearly all
 * are) is an ASCII text as a whole: the decoder makes one string of it and cuts fields out of that, which is three
 * times as fast as one conversion per field.
 *
 * A length below 96 is one byte; a longer one is three: 0x60 + 5 bits, 7 bits, 7 bits. Unsigned integers are groups of 7
 * bits, most significant first. Extensions and protocol context are JSON.
 */

export const headerVersion = 1

/** Largest encoded field in bytes; a header with a larger one is refused. */
export const maxHeaderFieldBytes = 0x7ffff

/** Tags are part of the stored format: never reuse or renumber one. A reader skips tags it does not know. */
export const headerTag = {
  id: 1,
  source: 2,
  type: 3,
  subject: 4,
  time: 5,
  datacontenttype: 6,
  dataschema: 7,
  partitionkey: 8,
  traceparent: 9,
  tracestate: 10,
  extensions: 11,
  acceptedAtMs: 12,
  dedupId: 13,
  position: 14,
  hops: 15,
  protocol: 16,
} as const

export type HeaderTag = (typeof headerTag)[keyof typeof headerTag]

const shortLengthLimit = 0x60
const maxUint = 2 ** 49 - 1

/** Headers are written one behind the other into memory of this size; one that does not fit begins a new one. */
const arenaBytes = 16 * 1024
let scratch = Buffer.allocUnsafeSlow(arenaBytes)
/** Where in {@link scratch} the header that is being written begins; the headers before it are in use. */
let begin = 0

/**
 * Encodes a header in the home form.
 * @throws {SluiceError} SLUICE_EVENTS_TOO_LARGE when one field is over {@link maxHeaderFieldBytes}.
 */
export function encodeEventHeader(header: EventHeader): Buffer {
  let at = begin
  if (at + 16 > scratch.length) at = grow(at, 16)
  scratch[at++] = headerVersion
  at = putText(at, headerTag.id, header.id)
  at = putUint(at, headerTag.acceptedAtMs, header.acceptedAtMs)
  return encoded(putConstantFields(at, header))
}

/**
 * All of a header but its id and accept time, encoded: what the messages of one device on one topic, or of one
 * connection, have in common.
 */
export interface HeaderTemplate {
  /** The fields behind the id and the accept time. */
  readonly fields: Buffer
  /** The bytes of `partitionkey`. */
  readonly key: Buffer | null
}

/** @throws {SluiceError} as {@link encodeEventHeader}. */
export function createHeaderTemplate(header: EventHeader): HeaderTemplate {
  const { partitionkey } = header
  // Memory of its own: a template lives long, and would keep the headers around it.
  const fields = Buffer.from(encoded(putConstantFields(begin, header)))
  return { fields, key: partitionkey === undefined ? null : Buffer.from(partitionkey) }
}

/** What {@link encodeEventHeader} gives for the header of the template with this id and accept time. */
export function encodeFromTemplate({ fields }: HeaderTemplate, id: string, acceptedAtMs: number): Buffer {
  let at = begin
  if (at + 16 > scratch.length) at = grow(at, 16)
  scratch[at++] = headerVersion
  at = putText(at, headerTag.id, id)
  at = putUint(at, headerTag.acceptedAtMs, acceptedAtMs)
  if (at + fields.length > scratch.length) at = grow(at, fields.length)
  scratch.set(fields, at)
  return encoded(at + fields.length)
}

function putConstantFields(from: number, header: EventHeader): number {
  let at = putText(from, headerTag.source, header.source)
  at = putText(at, headerTag.type, header.type)
  if (header.subject !== undefined) at = putText(at, headerTag.subject, header.subject)
  if (header.time !== undefined) at = putText(at, headerTag.time, header.time)
  if (header.datacontenttype !== undefined) at = putText(at, headerTag.datacontenttype, header.datacontenttype)
  if (header.dataschema !== undefined) at = putText(at, headerTag.dataschema, header.dataschema)
  if (header.partitionkey !== undefined) at = putText(at, headerTag.partitionkey, header.partitionkey)
  if (header.traceparent !== undefined) at = putText(at, headerTag.traceparent, header.traceparent)
  if (header.tracestate !== undefined) at = putText(at, headerTag.tracestate, header.tracestate)
  if (header.dedupId !== undefined) at = putText(at, headerTag.dedupId, header.dedupId)
  if (header.position !== undefined) at = putText(at, headerTag.position, header.position)
  if (header.hops !== 0) at = putUint(at, headerTag.hops, header.hops)
  if (header.extensions !== undefined) at = putText(at, headerTag.extensions, JSON.stringify(header.extensions))
  if (header.protocol !== undefined) at = putText(at, headerTag.protocol, JSON.stringify(header.protocol))
  return at
}

/** Hands out what was written from {@link begin} to `end`. */
function encoded(end: number): Buffer {
  const bytes = scratch.subarray(begin, end)
  begin = end
  // A giant header keeps its memory, but not beyond its own life.
  if (scratch.length > 16 * arenaBytes) {
    scratch = Buffer.allocUnsafeSlow(arenaBytes)
    begin = 0
  }
  return bytes
}

/**
 * Decodes a header in the home form.
 * @throws {SluiceError} SLUICE_EVENTS_HEADER for a newer version, a field that repeats or does not fit, or a missing one.
 */
export function decodeEventHeader(bytes: Buffer): EventHeader {
  checkVersion(bytes[0])
  const text = bytes.toString()
  // Only ASCII has as many characters as bytes; then positions in the text are positions in the bytes.
  const isAscii = text.length === bytes.length
  const header: Mutable<EventHeader> = { id: '', source: '', type: '', acceptedAtMs: 0, hops: 0 }
  let seen = 0
  let at = 1
  while (at < bytes.length) {
    const tag = bytes[at] as number
    const start = valueStart(bytes, at)
    const end = start + valueLength(bytes, at)
    if (end > bytes.length) throw damaged(at)
    at = end
    if (tag === 0 || tag > headerTag.protocol) continue
    if ((seen & (1 << tag)) !== 0) throw headerError(`field ${tag} of the event header is there twice`)
    seen |= 1 << tag
    setField(header, tag, isAscii ? text.slice(start, end) : bytes.toString('utf8', start, end))
  }
  if ((seen & requiredTags) !== requiredTags) {
    throw headerError('the event header lacks one of id, source, type and accept time')
  }
  return header
}

/**
 * Decodes either form, as a worker finds them in its frames.
 * @param defaults of the frame: {@link KafkaEventDefaults} for a Kafka-backed stream, anything for a home stream.
 * @throws {SluiceError} SLUICE_EVENTS_HEADER, and what {@link decodeKafkaHeader} throws.
 */
export function decodeHeader(bytes: Buffer, defaults: object): EventHeader {
  return isKafkaForm(bytes) ? decodeKafkaHeader(bytes, defaults as KafkaEventDefaults) : decodeEventHeader(bytes)
}

/**
 * Expands the Kafka form of a header (kafka-header-codec.ts), which is only written for records whose value does not
 * matter for their attributes.
 * @throws {SluiceError} SLUICE_EVENTS_HEADER, and for a record that should not have come this far what kafkaEventOf throws.
 */
export function decodeKafkaHeader(bytes: Buffer, defaults: KafkaEventDefaults): EventHeader {
  let ready = compiledDefaults.get(defaults)
  if (ready === undefined) {
    if (typeof defaults.topic !== 'string') throw headerError('a Kafka header came without the defaults of its topic')
    compiledDefaults.set(defaults, (ready = compileKafkaDefaults(defaults)))
  }
  return kafkaEventOf(readKafkaHeader(bytes), null, ready).header
}

/** A frame brings the same defaults for all its records; their compiled form lives as long as the object. */
const compiledDefaults = new WeakMap<KafkaEventDefaults, CompiledKafkaDefaults>()

const requiredTags =
  (1 << headerTag.id) | (1 << headerTag.source) | (1 << headerTag.type) | (1 << headerTag.acceptedAtMs)

/**
 * One text field of an encoded header, found by a scan without decoding the rest; undefined when it is not there. For
 * acceptedAtMs and hops use {@link readHeaderUint}.
 * @throws {SluiceError} SLUICE_EVENTS_HEADER when the header is damaged before the field.
 */
export function readHeaderField(bytes: Buffer, tag: HeaderTag): string | undefined {
  const at = findField(bytes, tag)
  if (at === -1) return undefined
  const start = valueStart(bytes, at)
  return bytes.toString('utf8', start, start + valueLength(bytes, at))
}

/**
 * As {@link readHeaderField} for a header between `start` and `end` of larger bytes; a field whose text is `expected`,
 * which is ASCII, costs no new string.
 */
// prettier-ignore
export function readHeaderFieldAt(bytes: Buffer, start: number, end: number, tag: HeaderTag, expected: string): string | undefined {
  const at = findField(bytes, tag, start, end)
  if (at === -1) return undefined
  const from = valueStart(bytes, at)
  const length = valueLength(bytes, at)
  let same = length === expected.length ? 0 : length
  while (same < length && bytes[from + same] === expected.charCodeAt(same)) same++
  return same === length && length === expected.length ? expected : bytes.toString('utf8', from, from + length)
}

/** As {@link readHeaderField} for `acceptedAtMs` and `hops`. */
export function readHeaderUint(bytes: Buffer, tag: 12 | 15): number | undefined {
  const field = readHeaderField(bytes, tag)
  return field === undefined ? undefined : uintOf(field)
}

/** The other attributes of an encoded header, decoded; undefined when it has none. */
export function readHeaderExtensions(bytes: Buffer): Readonly<Record<string, ExtensionValue>> | undefined {
  const json = readHeaderField(bytes, headerTag.extensions)
  return json === undefined ? undefined : (parseJson(json) as Record<string, ExtensionValue>)
}

/** Walks an encoded header without decoding it. @throws {SluiceError} SLUICE_EVENTS_HEADER as the decoder would. */
export function checkEventHeader(bytes: Buffer): void {
  findField(bytes, 0)
}

function findField(bytes: Buffer, tag: number, start = 0, end = bytes.length): number {
  checkVersion(start < end ? bytes[start] : undefined)
  let at = start + 1
  while (at < end) {
    const next = valueStart(bytes, at) + valueLength(bytes, at)
    if (next > end) throw damaged(at - start)
    // Tag 0 is never written, so that a search for it visits every field.
    if (tag !== 0 && bytes[at] === tag) return at
    at = next
  }
  return -1
}

function checkVersion(version: number | undefined): void {
  if (version === headerVersion) return
  if (version === undefined) throw headerError('the event header is empty')
  if (version === 0 || version >= 0x40)
    throw headerError(`the event header starts with byte ${version}, which is no version`)
  throw headerError(
    `the event header has version ${version}, this Sluice reads versions up to ${headerVersion}; upgrade this node`,
  )
}

/** Position of the value of the field at `at`. A truncated length shows up as NaN and fails every bound check. */
function valueStart(bytes: Buffer, at: number): number {
  const first = bytes[at + 1]
  if (first === undefined || first >= 0x80) throw damaged(at)
  return first < shortLengthLimit ? at + 2 : at + 4
}

function valueLength(bytes: Buffer, at: number): number {
  const first = bytes[at + 1] as number
  if (first < shortLengthLimit) return first
  const middle = bytes[at + 2]
  const last = bytes[at + 3]
  if (middle === undefined || last === undefined || middle >= 0x80 || last >= 0x80) throw damaged(at)
  return ((first & 0x1f) << 14) | (middle << 7) | last
}

function putText(from: number, tag: number, value: string): number {
  const units = value.length
  if (units > maxHeaderFieldBytes) throw tooLarge(tag, units)
  let at = from
  // UTF-8 takes at most three bytes per UTF-16 unit; `write` would silently cut what does not fit.
  const most = 4 + units * 3
  if (at + most > scratch.length) at = grow(at, most)
  scratch[at] = tag
  if (units < shortLengthLimit) {
    const length = units <= byHandUnits && putAscii(at + 2, value) ? units : scratch.write(value, at + 2)
    if (length < shortLengthLimit) {
      scratch[at + 1] = length
      return at + 2 + length
    }
  }
  const length = scratch.write(value, at + 4)
  if (length > maxHeaderFieldBytes) throw tooLarge(tag, length)
  scratch[at + 1] = shortLengthLimit | (length >> 14)
  scratch[at + 2] = (length >> 7) & 0x7f
  scratch[at + 3] = length & 0x7f
  return at + 4 + length
}

/** Up to here the call into native code costs more than the characters. */
const byHandUnits = 32

/** Writes a text if it is ASCII; false when it is not, and what was written is to be written over. */
function putAscii(at: number, value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    if (unit >= 0x80) return false
    scratch[at + i] = unit
  }
  return true
}

/** Moves the header that is being written to where it has that many bytes more; gives where to go on. */
function grow(at: number, bytes: number): number {
  const written = at - begin
  const larger = Buffer.allocUnsafeSlow(Math.max(arenaBytes, 2 * (written + bytes)))
  scratch.copy(larger, 0, begin, at)
  scratch = larger
  begin = 0
  return written
}

function putUint(from: number, tag: number, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > maxUint) {
    throw new SluiceError(
      'SLUICE_EVENTS_INVALID',
      `field ${tag} of an event header must be a whole number, not ${value}`,
    )
  }
  const at = from + 16 > scratch.length ? grow(from, 16) : from
  let length = 1
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) length++
  scratch[at] = tag
  scratch[at + 1] = length
  let rest = value
  for (let place = at + 1 + length; place > at + 1; place--) {
    scratch[place] = rest % 128
    rest = Math.floor(rest / 128)
  }
  return at + 2 + length
}

function uintOf(field: string): number {
  if (field.length === 0 || field.length > 7) throw headerError('a number of the event header is damaged')
  let value = 0
  for (let i = 0; i < field.length; i++) value = value * 128 + (field.charCodeAt(i) & 0x7f)
  return value
}

function setField(header: Mutable<EventHeader>, tag: number, value: string): void {
  switch (tag) {
    case headerTag.id: header.id = value; return // prettier-ignore
    case headerTag.source: header.source = value; return // prettier-ignore
    case headerTag.type: header.type = value; return // prettier-ignore
    case headerTag.subject: header.subject = value; return // prettier-ignore
    case headerTag.time: header.time = value; return // prettier-ignore
    case headerTag.datacontenttype: header.datacontenttype = value; return // prettier-ignore
    case headerTag.dataschema: header.dataschema = value; return // prettier-ignore
    case headerTag.partitionkey: header.partitionkey = value; return // prettier-ignore
    case headerTag.traceparent: header.traceparent = value; return // prettier-ignore
    case headerTag.tracestate: header.tracestate = value; return // prettier-ignore
    case headerTag.extensions: header.extensions = parseJson(value) as Record<string, ExtensionValue>; return // prettier-ignore
    case headerTag.acceptedAtMs: header.acceptedAtMs = uintOf(value); return // prettier-ignore
    case headerTag.dedupId: header.dedupId = value; return // prettier-ignore
    case headerTag.position: header.position = value; return // prettier-ignore
    case headerTag.hops: header.hops = uintOf(value); return // prettier-ignore
    case headerTag.protocol: header.protocol = parseJson(value) as ProtocolContext; return // prettier-ignore
    default:
  }
}

function parseJson(text: string): object {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw headerError('a JSON field of the event header is damaged', cause)
  }
  if (typeof value !== 'object' || value === null) throw headerError('a JSON field of the event header is no object')
  return value
}

function headerError(message: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_EVENTS_HEADER', message, { cause })
}

function damaged(at: number): SluiceError {
  return headerError(`the event header is damaged: the field at byte ${at} does not fit`)
}

function tooLarge(tag: number, bytes: number): SluiceError {
  return new SluiceError(
    'SLUICE_EVENTS_TOO_LARGE',
    `field ${tag} of an event header takes ${bytes} bytes, ${maxHeaderFieldBytes} are allowed`,
  )
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
