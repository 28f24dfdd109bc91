import { types } from 'node:util'
import type { FunctionResult, ResultMeta } from '../sinks/function-result.ts'
import type { EmitOptions } from './handler-types.ts'

/** A handler's value that cannot become a result; `reason` says why in the words of an invocation error. */
export class ResultProblem extends Error {
  override readonly name = 'ResultProblem'
  readonly reason: 'bad-result' | 'result-too-large'

  constructor(reason: 'bad-result' | 'result-too-large', message: string) {
    super(message)
    this.reason = reason
  }
}

/** A result on its way out of the worker: text is written into the answer directly, without a buffer of its own. */
export interface EncodedResult extends Omit<FunctionResult, 'data'> {
  readonly data: string | Uint8Array
}

const jsonType = 'application/json'
const textType = 'text/plain; charset=utf-8'
const bytesType = 'application/octet-stream'

/** The meta of a result without any wish. */
export const emptyMeta: ResultMeta = Object.freeze({})
const stringify = JSON.stringify
const { getPrototypeOf } = Object
const plainPrototype = Object.prototype

/**
 * Turns what a handler returned or emitted into a result; undefined when there is none (`undefined` and `null`).
 *
 * - strings become text/plain, bytes application/octet-stream, everything else JSON (an array is one JSON value: several
 *   results are several `emit` calls);
 * - an object with a string `type` and a `data` member is an event: its attributes go to `meta`, `data` is encoded by the
 *   rules above, `datacontenttype` overrides the media type;
 * - an object with an integer `status` of 100 to 599 and otherwise only `headers` and `body` is a reply.
 *
 * @throws {ResultProblem} for a value without a JSON form (functions, cycles, BigInt) or over `maxBytes`.
 */
export function encodeResult(value: unknown, maxBytes: number, options?: EmitOptions): EncodedResult | undefined {
  if (value === undefined || value === null) return undefined
  let result: EncodedResult
  if (isReply(value)) result = encodeReply(value)
  else if (isEvent(value)) result = encodeEvent(value)
  else result = encodeBody(value, emptyMeta)
  const bytes = byteLengthOf(result, maxBytes)
  if (bytes > maxBytes) throw tooLarge(bytes, maxBytes)
  return options === undefined ? result : { ...result, meta: { ...result.meta, ...emitMeta(options) } }
}

function isPlain(value: object | null): boolean {
  return value !== null && getPrototypeOf(value) === plainPrototype
}

interface Reply {
  readonly status: number
  readonly headers?: unknown
  readonly body?: unknown
}

function isReply(value: unknown): value is Reply {
  if (typeof value !== 'object' || value === null) return false
  const status = (value as { status?: unknown }).status
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 100 || status > 599) return false
  if (types.isUint8Array(value)) return false
  return Object.keys(value).every(name => name === 'status' || name === 'headers' || name === 'body')
}

function encodeReply(reply: Reply): EncodedResult {
  const headers = reply.headers === undefined ? undefined : textMap(reply.headers, 'headers of a reply')
  const meta: ResultMeta = headers === undefined ? { status: reply.status } : { status: reply.status, headers }
  const body = reply.body === undefined || reply.body === null ? '' : reply.body
  const contentType = headers?.['content-type']
  const result = encodeBody(body, meta)
  return contentType === undefined ? result : { ...result, contentType }
}

function isEvent(value: unknown): value is { type: string; data: unknown } & Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { type?: unknown }).type === 'string' &&
    'data' in value
  )
}

function encodeEvent(event: { type: string; data: unknown } & Record<string, unknown>): EncodedResult {
  const meta: { -readonly [name in keyof ResultMeta]: ResultMeta[name] } = { type: event.type }
  const extensions: Record<string, string | number | boolean> = {}
  let contentType: string | undefined
  for (const [name, value] of Object.entries(event)) {
    if (value === undefined || value === null) continue
    switch (name) {
      // The id of a result is made from its cause, so that a repeat is recognised; time and version are ours, too.
      case 'type':
      case 'data':
      case 'id':
      case 'specversion':
      case 'time': break // prettier-ignore
      case 'source':
      case 'subject':
      case 'partitionkey': meta[name] = attribute(name, value); break // prettier-ignore
      case 'datacontenttype': contentType = attribute(name, value); break // prettier-ignore
      default:
        if (!/^[a-z0-9]{1,64}$/.test(name)) {
          throw new ResultProblem(
            'bad-result',
            `the returned event has an attribute '${name.slice(0, 64)}'; names are lower-case letters and digits`,
          )
        }
        if (typeof value !== 'string' && typeof value !== 'boolean' && !Number.isInteger(value)) {
          throw new ResultProblem(
            'bad-result',
            `attribute '${name}' of the returned event must be a string, an integer or a boolean`,
          )
        }
        extensions[name] = value as string | number | boolean
    }
  }
  if (Object.keys(extensions).length > 0) meta.extensions = extensions
  const data = event.data === undefined || event.data === null ? '' : event.data
  const result = encodeBody(data, meta)
  return contentType === undefined ? result : { ...result, contentType }
}

function encodeBody(value: unknown, meta: ResultMeta): EncodedResult {
  if (typeof value === 'string') return { meta, contentType: textType, data: value }
  // To ask for the kind of an object costs as much as the JSON of a small one.
  if (typeof value === 'object' && !isPlain(value)) {
    if (types.isUint8Array(value)) return { meta, contentType: bytesType, data: value }
    if (types.isAnyArrayBuffer(value)) return { meta, contentType: bytesType, data: new Uint8Array(value) }
  }
  let json: string | undefined
  try {
    json = stringify(value) as string | undefined
  } catch (error) {
    throw new ResultProblem('bad-result', `the result has no JSON form: ${reasonOf(error)}`)
  }
  if (json === undefined) throw new ResultProblem('bad-result', `a ${typeof value} is no result`)
  return { meta, contentType: jsonType, data: json }
}

/** Exact when it matters: a text that fits three times over is not measured. */
export function byteLengthOf({ data }: EncodedResult, maxBytes: number): number {
  if (typeof data !== 'string') return data.length
  return data.length * 3 <= maxBytes ? data.length * 3 : Buffer.byteLength(data)
}

function emitMeta(options: EmitOptions): EmitOptions {
  const meta: { -readonly [name in keyof EmitOptions]: EmitOptions[name] } = {}
  for (const name of ['sink', 'topic', 'key'] as const) {
    const value: unknown = options[name]
    if (value !== undefined) meta[name] = attribute(name, value)
  }
  if (options.headers !== undefined) meta.headers = textMap(options.headers, 'headers of emit')
  return meta
}

function attribute(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new ResultProblem('bad-result', `'${name}' of a result must be a string, not a ${typeof value}`)
}

function textMap(value: unknown, what: string): Record<string, string> {
  if (typeof value !== 'object' || value === null) throw new ResultProblem('bad-result', `${what} must be an object`)
  const texts: Record<string, string> = {}
  for (const [name, text] of Object.entries(value)) {
    if (text === undefined) continue
    if (typeof text !== 'string' && typeof text !== 'number') {
      throw new ResultProblem('bad-result', `${what}: '${name}' must be a string`)
    }
    texts[name.toLowerCase()] = String(text)
  }
  return texts
}

function reasonOf(error: unknown): string {
  try {
    const message: unknown = (error as { message?: unknown } | null)?.message
    return typeof message === 'string' ? (message.slice(0, 512).split('\n')[0] ?? '') : 'toJSON threw'
  } catch {
    return 'toJSON threw'
  }
}

export function tooLarge(bytes: number, maxBytes: number): ResultProblem {
  return new ResultProblem(
    'result-too-large',
    `the results take ${bytes} bytes, ${maxBytes} are allowed (maxResultBytes)`,
  )
}
