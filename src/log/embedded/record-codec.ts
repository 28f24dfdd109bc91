import type { AppendRecord, LogRecord } from '../log-record.ts'
import type { ByteBlock } from './byte-block.ts'
import { crc32Of } from './crc32.ts'

/*
 * Layout of everything in a segment (little endian, each record aligned to 4 bytes and padded to a multiple of 4):
 *
 *   0 marker u32 · 4 crc u32 (of byte 8 to the end, padding included) · 8 length u32 (of all of it)
 *   12 type u8 · 13 padding u8 · 14 partition u16 · 16 sequence u64
 *   event       24 offset u64 · 32 timestamp u64 (ms) · 40 key length i32 (-1: null) · 44 header length u32
 *               48 key, header, value
 *   group       24 bytes that follow u32 · 28 records that follow u32
 *   commit, checkpoint   24 JSON (rare records: readable beats compact)
 *
 * The marker is a random number of the segment, so no payload can contain what looks like a record: after damage
 * the next record is found by searching for it. Groups and checkpoints do not count in the sequence; they carry the
 * sequence of the record that follows.
 */
export const recordType = { event: 1, group: 2, commit: 3, checkpoint: 4 } as const

const eventHeadBytes = 48
const bodyAt = 24
export const groupBytes = 32

/** No record is longer than this; a length above it is damage and nothing is allocated for it. */
export const maxRecordBytes = 128 * 1_048_576

const twoTo32 = 4_294_967_296

function setNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true)
  view.setUint32(at + 4, (value / twoTo32) >>> 0, true)
}

function numberAt(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * twoTo32
}

const aligned = (bytes: number): number => (bytes + 3) & ~3

export function eventBytes({ key, header, value }: AppendRecord): number {
  return aligned(eventHeadBytes + (key === null ? 0 : key.length) + header.length + value.length)
}

/** Copies the smallest parts by hand: `set` takes about 12 ns before the first byte, the loop 1 ns for each. */
function copyPart(target: Buffer, at: number, source: Buffer): void {
  const { length } = source
  if (length > 12) target.set(source, at)
  else for (let i = 0; i < length; i++) target[at + i] = source[i]!
}

function finish(block: ByteBlock, at: number, length: number, unpadded: number, head: RecordHead): void {
  const { bytes, view } = block
  for (let pad = at + unpadded; pad < at + length; pad++) bytes[pad] = 0
  view.setUint32(at, head.marker, true)
  view.setUint32(at + 8, length, true)
  view.setUint8(at + 12, head.type)
  view.setUint8(at + 13, length - unpadded)
  view.setUint16(at + 14, head.partition, true)
  setNumber(view, at + 16, head.sequence)
  view.setUint32(at + 4, crc32Of(block, at + 8, at + length), true)
}

interface RecordHead {
  marker: number
  type: number
  partition: number
  sequence: number
}

/** One head for all event writes: the hot path allocates nothing. */
const eventHead: RecordHead = { marker: 0, type: recordType.event, partition: 0, sequence: 0 }

/** Writes an event of {@link eventBytes} length. */
export function writeEvent(
  block: ByteBlock,
  at: number,
  length: number,
  record: AppendRecord,
  place: { marker: number; partition: number; sequence: number; offset: number; timestampMs: number },
): void {
  const { view, bytes } = block
  const { key, header, value } = record
  const headerAt = at + eventHeadBytes + (key === null ? 0 : key.length)
  const valueAt = headerAt + header.length
  setNumber(view, at + 24, place.offset)
  setNumber(view, at + 32, place.timestampMs)
  view.setInt32(at + 40, key === null ? -1 : key.length, true)
  view.setUint32(at + 44, header.length, true)
  if (key !== null) copyPart(bytes, at + eventHeadBytes, key)
  copyPart(bytes, headerAt, header)
  copyPart(bytes, valueAt, value)
  eventHead.marker = place.marker
  eventHead.partition = place.partition
  eventHead.sequence = place.sequence
  finish(block, at, length, valueAt + value.length - at, eventHead)
}

/** Writes the head of a commit group over the {@link groupBytes} that were kept free for it. */
export function writeGroup(
  block: ByteBlock,
  at: number,
  group: { marker: number; sequence: number; bytes: number; records: number },
): void {
  block.view.setUint32(at + 24, group.bytes, true)
  block.view.setUint32(at + 28, group.records, true)
  finish(block, at, groupBytes, groupBytes, { ...group, type: recordType.group, partition: 0 })
}

/** A commit or checkpoint as bytes; write them with {@link writeJson}. */
export function jsonBytes(body: Buffer): number {
  return aligned(bodyAt + body.length)
}

export function writeJson(
  block: ByteBlock,
  at: number,
  body: Buffer,
  head: { marker: number; type: 3 | 4; sequence: number },
): void {
  block.bytes.set(body, at + bodyAt)
  finish(block, at, jsonBytes(body), bodyAt + body.length, { ...head, partition: 0 })
}

/** {@link checkRecord}: no record here; what follows has to be searched. */
export const damaged = 0
/** {@link checkRecord}: the record, if it is one, goes on after the end. */
export const incomplete = -1

/** Length of the valid record at `at`, or {@link damaged}, or {@link incomplete}. */
export function checkRecord(block: ByteBlock, at: number, end: number, marker: number, minSequence: number): number {
  if (end - at < bodyAt) return incomplete
  const { view } = block
  if (view.getUint32(at, true) !== marker) return damaged
  const length = view.getUint32(at + 8, true)
  if (length < bodyAt || (length & 3) !== 0 || length > maxRecordBytes) return damaged
  if (at + length > end) return incomplete
  if (view.getUint32(at + 4, true) !== crc32Of(block, at + 8, at + length)) return damaged
  // A stale block of a deleted file can hold a perfect record of this log's past.
  return sequenceOf(view, at) < minSequence ? damaged : length
}

export const lengthOf = (view: DataView, at: number): number => view.getUint32(at + 8, true)
export const typeOf = (view: DataView, at: number): number => view.getUint8(at + 12)
export const partitionOf = (view: DataView, at: number): number => view.getUint16(at + 14, true)
export const sequenceOf = (view: DataView, at: number): number => numberAt(view, at + 16)
export const offsetOf = (view: DataView, at: number): number => numberAt(view, at + 24)
export const timestampOf = (view: DataView, at: number): number => numberAt(view, at + 32)
export const groupLengthOf = (view: DataView, at: number): number => view.getUint32(at + 24, true)

/** Sequence that the record after this one must at least have. */
export function sequenceAfter(view: DataView, at: number): number {
  const type = typeOf(view, at)
  return sequenceOf(view, at) + (type === recordType.event || type === recordType.commit ? 1 : 0)
}

export function jsonOf(block: ByteBlock, at: number): unknown {
  const end = at + lengthOf(block.view, at) - block.view.getUint8(at + 13)
  return JSON.parse(block.bytes.toString('utf8', at + bodyAt, end))
}

/** An event as a view into its block. Key, header and value are cut out when asked for: most are looked at once or never. */
export class StoredRecord implements LogRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly headers = null
  readonly #block: ByteBlock
  readonly #at: number

  constructor(block: ByteBlock, at: number) {
    this.#block = block
    this.#at = at
    this.offset = offsetOf(block.view, at)
    this.timestampMs = timestampOf(block.view, at)
  }

  get key(): Buffer | null {
    const length = this.#keyLength
    return length < 0 ? null : this.#part(eventHeadBytes, length)
  }

  get header(): Buffer {
    return this.#part(eventHeadBytes + Math.max(0, this.#keyLength), this.#headerLength)
  }

  get value(): Buffer {
    const { view } = this.#block
    const start = eventHeadBytes + Math.max(0, this.#keyLength) + this.#headerLength
    return this.#part(start, lengthOf(view, this.#at) - view.getUint8(this.#at + 13) - start)
  }

  get #keyLength(): number {
    return this.#block.view.getInt32(this.#at + 40, true)
  }

  get #headerLength(): number {
    return this.#block.view.getUint32(this.#at + 44, true)
  }

  #part(start: number, length: number): Buffer {
    return this.#block.bytes.subarray(this.#at + start, this.#at + start + length)
  }
}
