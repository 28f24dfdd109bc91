import { SluiceError } from '../../errors/sluice-error.ts'
import type { FunctionResult } from '../function-result.ts'

/** What goes back to the caller of a `reply` source. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** undefined: no body at all. */
  readonly body: Buffer | undefined
}

const MAX_HEADERS = 64
const MAX_HEADER_VALUE_LENGTH = 8192
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Visible ASCII, space, tab and obs-text (RFC 9110 §5.5): no line end can start a header or an answer of its own. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** Headers that belong to the connection (RFC 9110 §7.6.1) or to the length of the body, which the server sets itself. */
const ownHeaders = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Statuses that have no body (RFC 9110 §15). */
const isBodiless = (status: number): boolean => status === 204 || status === 205 || status === 304

/**
 * Turns what a handler returned into an HTTP answer: nothing is 204, a value is 200 with its content type, and
 * `{ status, headers, body }` is taken at its word, checked. Of several results the one that was returned counts, which
 * is the last.
 * @throws {SluiceError} SLUICE_SINKS_REPLY_INVALID: what a function returns is as untrusted as what a sender sends.
 */
export function replyOf(results: readonly FunctionResult[]): Reply {
  const result = results.at(-1)
  if (result === undefined) return { status: 204, headers: {}, body: undefined }
  const status = result.meta.status ?? 200
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw invalid(`the status ${String(status).slice(0, 20)} is not between 200 and 599`)
  }
  const headers = checkedHeaders(result.meta.headers ?? {})
  if (isBodiless(status)) return { status, headers, body: undefined }
  headers['content-type'] ??= checkedValue('content-type', result.contentType)
  return { status, headers, body: result.data }
}

function checkedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(headers)
  if (entries.length > MAX_HEADERS) throw invalid(`there are ${entries.length} headers, ${MAX_HEADERS} are allowed`)
  // No prototype: a header may be called __proto__.
  const checked = Object.create(null) as Record<string, string>
  for (const [name, value] of entries) {
    const lowerCase = name.toLowerCase()
    if (!token.test(name) || name.length > 128) throw invalid('a header has a name that is none')
    if (ownHeaders.has(lowerCase)) throw invalid(`the header ${lowerCase} is set by the gateway itself`)
    checked[lowerCase] = checkedValue(lowerCase, value)
  }
  return checked
}

function checkedValue(name: string, value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_HEADER_VALUE_LENGTH || !fieldValue.test(value)) {
    throw invalid(`the value of the header ${name} is too long or has characters that no header may have`)
  }
  return value
}

function invalid(message: string): SluiceError {
  return new SluiceError('SLUICE_SINKS_REPLY_INVALID', `the function's reply is not valid: ${message}`)
}
