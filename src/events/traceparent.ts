/** A W3C `traceparent`: https://www.w3.org/TR/trace-context/#traceparent-header */
export interface Traceparent {
  readonly traceId: string
  readonly spanId: string
  /** The flags byte; bit 0 is `sampled`. */
  readonly flags: number
}

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/**
 * Parses a `traceparent` strictly; undefined when it is invalid and has to be ignored (§2.2.3). A later version is read
 * as version 00, and may have more fields behind the flags (§2.2.4); version ff and ids of zeros are invalid.
 */
export function parseTraceparent(text: string): Traceparent | undefined {
  if (text.length < 55 || text.length > 512) return undefined
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [, version, traceId, spanId, flags, rest] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string?,
  ]
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (traceId === '00000000000000000000000000000000' || spanId === '0000000000000000') return undefined
  return { traceId, spanId, flags: Number.parseInt(flags, 16) }
}

export function isTraceparent(text: string): boolean {
  return parseTraceparent(text) !== undefined
}

/** Vendors must be able to carry 512 characters (§3.3.1.5); more is dropped as a whole, as a cut list has another meaning. */
export const maxTracestateBytes = 512

/** Members of a list (§3.3.1.1). */
const maxTracestateMembers = 32

/** `key`, simple or `tenant@system`, and `value` (§3.3.1.3). */
const memberPattern =
  /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/**
 * Whether a `tracestate` is to be handed on: at most 32 members, each well-formed and each key once; empty members are
 * allowed. One with an error is dropped as a whole, and its `traceparent` counts all the same (§3.3.1.4, §4.3).
 */
export function isTracestate(text: string): boolean {
  if (text.length === 0 || text.length > maxTracestateBytes) return false
  const keys = new Set<string>()
  for (const part of text.split(',')) {
    const member = part.replace(/^[ \t]+|[ \t]+$/g, '')
    if (member === '') continue
    if (!memberPattern.test(member)) return false
    const key = member.slice(0, member.indexOf('='))
    if (keys.has(key) || keys.size === maxTracestateMembers) return false
    keys.add(key)
  }
  return keys.size > 0
}
