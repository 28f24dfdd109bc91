import type { FunctionResult, ResultMeta } from '../sinks/function-result.ts'
import { noReading, type CpuReading } from './cpu-meter.ts'
import type { FrameNonce } from './frame-codec.ts'
import type { InvocationError } from './invocation.ts'
import { cut, invocationError } from './invocation-error.ts'
import { noPrologue, type ChunkPrologue, type ChunkSummary, type OutcomeReceiver } from './outcome-receiver.ts'
import { emptyMeta, type EncodedResult } from './result-encoding.ts'

/*
 * What a worker answers: outcomes of events as they become known, in chunks.
 *
 *   chunk    u32 magic and version · u32 nonce · u32 nonce · u32 flags · u32 count · f32 CPU ms · f32 busy ms ·
 *            f32 handler ms · u32 frames of the session that the worker has taken · f32 ms of an active event loop
 *   entry    u32 index · u8 status · f32 duration ms · (only some statuses) its body
 *   results  u32 count · each: u32 meta bytes · meta (JSON) · u8 type (0: u16 bytes · content type) · u32 bytes · data
 *   batch    u32 events, of which the entry names the first · error
 *   error    u8 reason · u16 bytes · name · u16 bytes · message · u32 bytes · stack
 *
 * A success without a result is nine bytes. The host trusts nothing of it: the decoder returns undefined for bytes that
 * are no answer to the frame, and it stops at the first thing that does not fit.
 */

const magic = 0x32524c53
const prologueBytes = 40
const entryHeadBytes = 9

export const resultStatus = {
  none: 0,
  results: 1,
  failed: 2,
  notStarted: 3,
  started: 4,
  batchFailed: 5,
  interrupted: 6,
} as const
type ResultStatus = (typeof resultStatus)[keyof typeof resultStatus]

export const chunkFlag = {
  /** No more chunks of this frame. */
  final: 1,
  /** The worker has to be ended: an attempt is over its time. */
  end: 2,
  /** The worker has to be replaced after this frame: it is polluted, or something threw late in it. */
  recycle: 4,
  /** The worker should be replaced when its successor is ready: it is old. */
  expire: 8,
} as const

const reasons: readonly InvocationError['reason'][] = [
  'error',
  'timeout',
  'crash',
  'out-of-memory',
  'bad-result',
  'result-too-large',
  'load',
]

const noStack = ''
const stringify = JSON.stringify
/** Content types that are one byte in the answer; append only. */
const commonTypes: readonly string[] = ['application/json', 'text/plain; charset=utf-8', 'application/octet-stream']
const measuredFrom = 4096
const initialBytes = 8 * 1024

/** Collects outcomes of one frame at a time in a buffer that it keeps; `take` copies out what has gathered. */
export class ResultWriter {
  #bytes = Buffer.allocUnsafeSlow(initialBytes)
  #view = new DataView(this.#bytes.buffer)
  #at = prologueBytes
  #count = 0
  #nonce: FrameNonce = { high: 0, low: 0 }
  #handlerMs = 0

  begin(nonce: FrameNonce): void {
    this.#nonce = nonce
    this.#at = prologueBytes
    this.#count = 0
    this.#handlerMs = 0
  }

  /** A call of the handler took this long; a batch is one call. */
  called(durationMs: number): void {
    this.#handlerMs += durationMs
  }

  get count(): number {
    return this.#count
  }

  get byteLength(): number {
    return this.#at
  }

  status(index: number, status: ResultStatus, durationMs: number): void {
    if (this.#at + entryHeadBytes > this.#bytes.length) this.#grow(entryHeadBytes)
    const view = this.#view
    view.setUint32(this.#at, index, true)
    view.setUint8(this.#at + 4, status)
    view.setFloat32(this.#at + 5, durationMs, true)
    this.#at += entryHeadBytes
    this.#count++
  }

  results(index: number, durationMs: number, results: readonly EncodedResult[]): void {
    this.status(index, resultStatus.results, durationMs)
    this.#uint32(results.length)
    for (const result of results) this.#result(result)
  }

  /** The same for a single one. */
  result(index: number, durationMs: number, result: EncodedResult): void {
    this.status(index, resultStatus.results, durationMs)
    this.#uint32(1)
    this.#result(result)
  }

  #result({ meta, contentType, data }: EncodedResult): void {
    if (meta === emptyMeta || isEmpty(meta)) this.#uint32(0)
    else this.#text(stringify(meta), 4)
    const code = commonTypes.indexOf(contentType) + 1
    this.#reserve(1)
    this.#bytes[this.#at++] = code
    if (code === 0) this.#text(contentType, 2)
    if (typeof data === 'string') this.#text(data, 4)
    else this.#data(data)
  }

  failure(index: number, durationMs: number, error: InvocationError): void {
    this.status(index, resultStatus.failed, durationMs)
    this.#error(error)
  }

  /** A call of several events failed as a whole. */
  batchFailure(from: number, events: number, durationMs: number, error: InvocationError): void {
    this.status(from, resultStatus.batchFailed, durationMs)
    this.#uint32(events)
    this.#error(error)
  }

  #error(error: InvocationError): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = reasons.indexOf(error.reason)
    this.#text(error.name, 2)
    this.#text(error.message, 2)
    this.#text(error.stack ?? noStack, 4)
  }

  /** The chunk gathered so far, with its own memory; empty chunks are made too (they carry flags). */
  take(flags: number, taken: number, { cpuMs, busyMs, activeMs }: CpuReading = noReading): Uint8Array<ArrayBuffer> {
    const view = this.#view
    view.setUint32(0, magic, true)
    view.setUint32(4, this.#nonce.high, true)
    view.setUint32(8, this.#nonce.low, true)
    view.setUint32(12, flags, true)
    view.setUint32(16, this.#count, true)
    view.setFloat32(20, cpuMs, true)
    view.setFloat32(24, busyMs, true)
    view.setFloat32(28, this.#handlerMs, true)
    view.setUint32(32, taken, true)
    view.setFloat32(36, activeMs, true)
    const chunk = new Uint8Array(this.#at)
    chunk.set(this.#bytes.subarray(0, this.#at))
    this.#at = prologueBytes
    this.#count = 0
    this.#handlerMs = 0
    // One large result must not keep its memory for good.
    if (this.#bytes.length > 1024 * 1024) {
      this.#bytes = Buffer.allocUnsafeSlow(initialBytes)
      this.#view = new DataView(this.#bytes.buffer)
    }
    return chunk
  }

  #uint32(value: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
  }

  #text(text: string, lengthBytes: 2 | 4): void {
    const bounded = lengthBytes === 2 ? cut(text, 0xffff) : text
    // UTF-8 takes at most three bytes per UTF-16 unit; room for that saves measuring short texts.
    const most = bounded.length * 3
    this.#reserve(lengthBytes + (most <= measuredFrom ? most : Buffer.byteLength(bounded)))
    const length = bounded === '' ? 0 : this.#bytes.write(bounded, this.#at + lengthBytes)
    if (lengthBytes === 2) this.#view.setUint16(this.#at, length, true)
    else this.#view.setUint32(this.#at, length, true)
    this.#at += lengthBytes + length
  }

  #data(data: Uint8Array): void {
    this.#uint32(data.length)
    this.#reserve(data.length)
    this.#bytes.set(data, this.#at)
    this.#at += data.length
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes > this.#bytes.length) this.#grow(bytes)
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#at + bytes))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}

const noResults: readonly FunctionResult[] = []

/** What a chunk says of its frame and its worker, without reading the outcomes; zeros for what is none. */
export function chunkPrologue(chunk: unknown): ChunkPrologue {
  if (!(chunk instanceof Uint8Array) || chunk.length < prologueBytes) return noPrologue
  const view = new DataView(chunk.buffer, chunk.byteOffset)
  if (view.getUint32(0, true) !== magic) return noPrologue
  const nonce = { high: view.getUint32(4, true), low: view.getUint32(8, true) }
  return { nonce, flags: view.getUint32(12, true), taken: view.getUint32(32, true) }
}

/** Decodes one chunk; undefined for bytes that are no answer to the frame. Never throws. */
export function decodeChunk(chunk: unknown, nonce: FrameNonce, to: OutcomeReceiver): ChunkSummary | undefined {
  if (!(chunk instanceof Uint8Array) || chunk.length < prologueBytes) return undefined
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (view.getUint32(0, true) !== magic) return undefined
  if (view.getUint32(4, true) !== nonce.high || view.getUint32(8, true) !== nonce.low) return undefined
  const count = view.getUint32(16, true)
  let complete = true
  const cursor = new ChunkCursor(bytes, view)
  for (let entry = 0; entry < count && complete; entry++) complete = cursor.entry(to)
  return {
    flags: view.getUint32(12, true),
    cpuMs: view.getFloat32(20, true),
    busyMs: view.getFloat32(24, true),
    handlerMs: view.getFloat32(28, true),
    activeMs: view.getFloat32(36, true),
    taken: view.getUint32(32, true),
    complete,
  }
}

class ChunkCursor {
  readonly #bytes: Buffer
  readonly #view: DataView
  #at = prologueBytes

  constructor(bytes: Buffer, view: DataView) {
    this.#bytes = bytes
    this.#view = view
  }

  entry(to: OutcomeReceiver): boolean {
    const at = this.#at
    if (at + entryHeadBytes > this.#bytes.length) return false
    const index = this.#view.getUint32(at, true)
    const durationMs = this.#view.getFloat32(at + 5, true)
    this.#at = at + entryHeadBytes
    switch (this.#bytes[at + 4]) {
      case resultStatus.none:
        to.succeeded(index, noResults, durationMs)
        return true
      case resultStatus.results: {
        const results = this.#results()
        if (results === undefined) return false
        to.succeeded(index, results, durationMs)
        return true
      }
      case resultStatus.failed:
      case resultStatus.batchFailed: {
        const events = this.#bytes[at + 4] === resultStatus.failed ? 1 : this.#length(4)
        const error = this.#error()
        if (events === undefined || error === undefined) return false
        if (events === 1) to.failed(index, error, durationMs)
        else to.batchFailed(index, events, error, durationMs)
        return true
      }
      case resultStatus.notStarted:
        to.notStarted(index)
        return true
      case resultStatus.started:
        to.started(index)
        return true
      case resultStatus.interrupted:
        to.interrupted(index)
        return true
      default:
        return false
    }
  }

  #results(): FunctionResult[] | undefined {
    const count = this.#length(4)
    // Each result takes at least nine bytes, which bounds the array before it is made.
    if (count === undefined || count * 9 > this.#bytes.length) return undefined
    const first = count === 0 ? undefined : this.#result()
    if (first === undefined) return count === 0 ? [] : undefined
    // Not by `push`: an array that grows from empty takes room for seventeen.
    const results: FunctionResult[] = [first]
    for (let i = 1; i < count; i++) {
      const result = this.#result()
      if (result === undefined) return undefined
      results.push(result)
    }
    return results
  }

  #result(): FunctionResult | undefined {
    const meta = this.#meta()
    const contentType = this.#contentType()
    const length = this.#length(4)
    if (meta === undefined || contentType === undefined || length === undefined) return undefined
    const start = this.#at
    this.#at = start + length
    return this.#at > this.#bytes.length
      ? undefined
      : new DecodedResult(meta, contentType, this.#bytes, start, this.#at)
  }

  #meta(): ResultMeta | undefined {
    if (this.#at + 4 <= this.#bytes.length && this.#view.getUint32(this.#at, true) === 0) {
      this.#at += 4
      return emptyMeta
    }
    return metaOf(this.#text(4))
  }

  #contentType(): string | undefined {
    const code = this.#bytes[this.#at++]
    if (code === undefined) return undefined
    return code === 0 ? this.#text(2) : commonTypes[code - 1]
  }

  #error(): InvocationError | undefined {
    const reason = reasons[this.#bytes[this.#at] ?? reasons.length]
    this.#at++
    const name = this.#text(2)
    const message = this.#text(2)
    const stack = this.#text(4)
    if (reason === undefined || name === undefined || message === undefined || stack === undefined) return undefined
    return invocationError(reason, name, message, stack === noStack ? undefined : stack)
  }

  #length(size: 2 | 4): number | undefined {
    if (this.#at + size > this.#bytes.length) return undefined
    const length = size === 2 ? this.#view.getUint16(this.#at, true) : this.#view.getUint32(this.#at, true)
    this.#at += size
    return length
  }

  #text(lengthBytes: 2 | 4): string | undefined {
    const length = this.#length(lengthBytes)
    if (length === undefined || this.#at + length > this.#bytes.length) return undefined
    this.#at += length
    return this.#bytes.toString('utf8', this.#at - length, this.#at)
  }
}

/** A result as it stands in its chunk. A buffer costs more than all the rest of it, and only a sink asks for it. */
class DecodedResult implements FunctionResult {
  readonly meta: ResultMeta
  readonly contentType: string
  readonly #chunk: Buffer
  readonly #start: number
  readonly #end: number

  constructor(meta: ResultMeta, contentType: string, chunk: Buffer, start: number, end: number) {
    this.meta = meta
    this.contentType = contentType
    this.#chunk = chunk
    this.#start = start
    this.#end = end
  }

  get data(): Buffer {
    return this.#chunk.subarray(this.#start, this.#end)
  }

  /** Field by field: the bytes are no property of its own. */
  toJSON(): FunctionResult {
    return { meta: this.meta, contentType: this.contentType, data: this.data }
  }
}

function metaOf(json: string | undefined): ResultMeta | undefined {
  if (json === undefined) return undefined
  try {
    const meta: unknown = JSON.parse(json)
    return typeof meta === 'object' && meta !== null ? (meta as ResultMeta) : undefined
  } catch {
    return undefined
  }
}

function isEmpty(meta: ResultMeta): boolean {
  for (const _name in meta) return false
  return true
}
