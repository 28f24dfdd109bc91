import type { Feed, Invocation } from './invocation.ts'

/*
 * A frame: the events that one worker gets at a time, in one buffer that is transferred, never copied.
 *
 *   prologue  u32 magic and version · u32 nonce · u32 nonce · u32 flags · u32 table bytes · u32 count · table (JSON)
 *   per event u16 feed · u8 flags · u8 traceparent bytes · u32 partition · f64 offset · f64 timestamp · u32 attempt ·
 *             f64 epoch · u32 key bytes · u32 header bytes · u32 value bytes · traceparent · key · header · value ·
 *             (only in frames that are flagged so) u16 id bytes · invocation id
 *
 * Nothing is shared and nothing is cloned, so the same bytes can go through a pipe to a child process.
 */

const magic = 0x31464c53
const prologueBytes = 24
const eventHeadBytes = 48
/** An id is a name; what is longer is cut. */
const maxIdChars = 1024

export const frameFlag = { careful: 1, invocationIds: 2 } as const
const eventFlag = { followsPrevious: 1, hasKey: 2, hasValue: 4, startsBatch: 8 } as const

/** What a worker knows of one feed. */
export interface FeedTable {
  readonly trigger: string
  readonly stream: string
  readonly headerDefaults: Readonly<Record<string, unknown>>
}

/** Identifies one frame in the answers to it; random, so that an answer cannot be forged or mistaken. */
export interface FrameNonce {
  readonly high: number
  readonly low: number
}

const feedJson = new WeakMap<Feed, string>()

/**
 * Encodes a frame. Two passes: the size, then the bytes; the buffer has its own memory, so that it can be transferred.
 * @param careful the worker announces every start and posts every result at once, so that a culprit is known exactly.
 */
export function encodeFrame(frame: readonly Invocation[], nonce: FrameNonce, careful: boolean): Buffer {
  const first = frame[0]
  let feeds: Feed[] | undefined
  let size = prologueBytes
  let hasIds = false
  for (const invocation of frame) {
    const { record, traceparent } = invocation
    if (invocation.feed !== first?.feed) {
      feeds ??= [first?.feed as Feed]
      if (!feeds.includes(invocation.feed)) feeds.push(invocation.feed)
    }
    size += eventHeadBytes + invocation.feed.reader.headerByteLength(record)
    if (record.key !== null) size += record.key.length
    if (record.value !== null) size += record.value.length
    if (traceparent !== undefined) size += traceparent.length
    if (invocation.invocationId !== undefined) hasIds = true
  }
  if (hasIds) for (const invocation of frame) size += 2 + Buffer.byteLength(idOf(invocation))
  const table = tableOf(feeds ?? (first === undefined ? [] : [first.feed]))
  const tableBytes = Buffer.byteLength(table)
  size += tableBytes

  const target = Buffer.allocUnsafeSlow(size)
  const view = new DataView(target.buffer)
  view.setUint32(0, magic, true)
  view.setUint32(4, nonce.high, true)
  view.setUint32(8, nonce.low, true)
  view.setUint32(12, (careful ? frameFlag.careful : 0) | (hasIds ? frameFlag.invocationIds : 0), true)
  view.setUint32(16, tableBytes, true)
  view.setUint32(20, frame.length, true)
  target.write(table, prologueBytes)
  let at = prologueBytes + tableBytes
  let previous = first
  for (const invocation of frame) {
    at = writeEvent(invocation, invocation.part !== previous?.part, feeds, target, view, at)
    previous = invocation
    if (hasIds) at = writeId(idOf(invocation), target, view, at)
  }
  return target
}

function idOf({ invocationId = '' }: Invocation): string {
  return invocationId.length > maxIdChars ? invocationId.slice(0, maxIdChars) : invocationId
}

function writeId(id: string, target: Buffer, view: DataView, at: number): number {
  const bytes = id === '' ? 0 : target.write(id, at + 2)
  view.setUint16(at, bytes, true)
  return at + 2 + bytes
}

function writeEvent(
  invocation: Invocation,
  startsBatch: boolean,
  feeds: readonly Feed[] | undefined,
  target: Buffer,
  view: DataView,
  head: number,
): number {
  const { record, traceparent } = invocation
  const { key, value } = record
  let at = head + eventHeadBytes
  let flags = invocation.followsPrevious ? eventFlag.followsPrevious : 0
  if (startsBatch) flags |= eventFlag.startsBatch
  if (traceparent !== undefined) at += target.write(traceparent, at, 'latin1')
  if (key !== null) {
    flags |= eventFlag.hasKey
    target.set(key, at)
    at += key.length
  }
  const headerAt = at
  at = invocation.feed.reader.writeHeader(record, target, at)
  const headerEnd = at
  if (value !== null) {
    flags |= eventFlag.hasValue
    target.set(value, at)
    at += value.length
  }
  view.setUint16(head, feeds === undefined ? 0 : feeds.indexOf(invocation.feed), true)
  view.setUint8(head + 2, flags)
  view.setUint8(head + 3, traceparent === undefined ? 0 : traceparent.length)
  view.setUint32(head + 4, invocation.partition, true)
  view.setFloat64(head + 8, record.offset, true)
  view.setFloat64(head + 16, record.timestampMs, true)
  view.setUint32(head + 24, invocation.attempt, true)
  view.setFloat64(head + 28, invocation.epoch, true)
  view.setUint32(head + 36, key === null ? 0 : key.length, true)
  view.setUint32(head + 40, headerEnd - headerAt, true)
  view.setUint32(head + 44, value === null ? 0 : value.length, true)
  return at
}

function tableOf(feeds: readonly Feed[]): string {
  const rows = feeds.map(feed => {
    let json = feedJson.get(feed)
    if (json === undefined) {
      const { trigger, stream, headerDefaults } = feed
      json = JSON.stringify({ trigger, stream, headerDefaults } satisfies FeedTable)
      feedJson.set(feed, json)
    }
    return json
  })
  return `[${rows.join(',')}]`
}

let lastTable = ''
let lastFeeds: readonly FeedTable[] = []

/** A received frame; reads the fields of an event where they stand, on demand. */
export class FrameReader {
  readonly bytes: Buffer
  readonly view: DataView
  readonly feeds: readonly FeedTable[]
  readonly count: number
  readonly nonce: FrameNonce
  readonly careful: boolean
  readonly #hasIds: boolean
  /** Where each event starts. */
  readonly #heads: Uint32Array

  /** @throws {RangeError} when the bytes are no frame of this version. */
  constructor(buffer: ArrayBuffer, byteOffset = 0, byteLength = buffer.byteLength - byteOffset) {
    this.bytes = Buffer.from(buffer, byteOffset, byteLength)
    this.view = new DataView(buffer, byteOffset, byteLength)
    if (this.view.getUint32(0, true) !== magic) throw new RangeError('not a frame of this version')
    this.nonce = { high: this.view.getUint32(4, true), low: this.view.getUint32(8, true) }
    const flags = this.view.getUint32(12, true)
    this.careful = (flags & frameFlag.careful) !== 0
    this.#hasIds = (flags & frameFlag.invocationIds) !== 0
    const tableBytes = this.view.getUint32(16, true)
    this.count = this.view.getUint32(20, true)
    const table = this.bytes.toString('utf8', prologueBytes, prologueBytes + tableBytes)
    // Frames of one pool mostly have the same feeds.
    if (table !== lastTable) {
      lastFeeds = JSON.parse(table) as FeedTable[]
      lastTable = table
    }
    this.feeds = lastFeeds
    this.#heads = new Uint32Array(this.count)
    let at = prologueBytes + tableBytes
    for (let index = 0; index < this.count; index++) {
      this.#heads[index] = at
      at = this.valueEnd(at)
      if (this.#hasIds) at += 2 + this.view.getUint16(at, true)
    }
  }

  /** Position of the event's fixed part; the other readers take it. */
  head(index: number): number {
    return this.#heads[index] as number
  }

  feed(head: number): FeedTable {
    return this.feeds[this.view.getUint16(head, true)] as FeedTable
  }

  followsPrevious(head: number): boolean {
    return (this.view.getUint8(head + 2) & eventFlag.followsPrevious) !== 0
  }

  /** Whether the event must not share a call with the one before it. */
  startsBatch(head: number): boolean {
    return (this.view.getUint8(head + 2) & eventFlag.startsBatch) !== 0
  }

  valueByteLength(head: number): number {
    return this.view.getUint32(head + 44, true)
  }

  traceparent(head: number): string | undefined {
    const length = this.view.getUint8(head + 3)
    if (length === 0) return undefined
    return this.bytes.toString('latin1', head + eventHeadBytes, head + eventHeadBytes + length)
  }

  /** The one that was given to the event; undefined when it has to be made from its position. */
  invocationId(head: number): string | undefined {
    if (!this.#hasIds) return undefined
    const at = this.valueEnd(head)
    const length = this.view.getUint16(at, true)
    return length === 0 ? undefined : this.bytes.toString('utf8', at + 2, at + 2 + length)
  }

  partition(head: number): number {
    return this.view.getUint32(head + 4, true)
  }

  offset(head: number): number {
    return this.view.getFloat64(head + 8, true)
  }

  timestampMs(head: number): number {
    return this.view.getFloat64(head + 16, true)
  }

  attempt(head: number): number {
    return this.view.getUint32(head + 24, true)
  }

  epoch(head: number): number {
    return this.view.getFloat64(head + 28, true)
  }

  key(head: number): Buffer | null {
    if ((this.view.getUint8(head + 2) & eventFlag.hasKey) === 0) return null
    const start = this.keyStart(head)
    return this.bytes.subarray(start, start + this.view.getUint32(head + 36, true))
  }

  header(head: number): Buffer {
    const start = this.headerStart(head)
    return this.bytes.subarray(start, start + this.view.getUint32(head + 40, true))
  }

  value(head: number): Buffer | null {
    if (!this.hasValue(head)) return null
    const start = this.valueStart(head)
    return this.bytes.subarray(start, start + this.view.getUint32(head + 44, true))
  }

  valueText(head: number): string {
    const start = this.valueStart(head)
    return this.bytes.toString('utf8', start, start + this.view.getUint32(head + 44, true))
  }

  hasValue(head: number): boolean {
    return (this.view.getUint8(head + 2) & eventFlag.hasValue) !== 0
  }

  /** First byte of the event's encoded header, and the first one behind. */
  headerStart(head: number): number {
    return this.keyStart(head) + this.view.getUint32(head + 36, true)
  }

  headerEnd(head: number): number {
    return this.headerStart(head) + this.view.getUint32(head + 40, true)
  }

  private keyStart(head: number): number {
    return head + eventHeadBytes + this.view.getUint8(head + 3)
  }

  private valueStart(head: number): number {
    return this.headerEnd(head)
  }

  private valueEnd(head: number): number {
    return this.headerEnd(head) + this.view.getUint32(head + 44, true)
  }
}
