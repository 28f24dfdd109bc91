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

/** Whether a `tracestate` is worth keeping: printable ASCII and within the bound. Its members are the vendors' matter. */
export function isTracestate(text: string): boolean {
  return text.length > 0 && text.length <= maxTracestateBytes && /^[\x20-\x7e]+$/.test(text)
}
