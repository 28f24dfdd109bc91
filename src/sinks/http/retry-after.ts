/** Longest wait that a destination may ask for; retry policies have their own limits below it. */
const MAX_RETRY_AFTER_MS = 3_600_000

/** Reads `Retry-After` (RFC 9110 §10.2.3): seconds or an HTTP date. undefined when it is neither. */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  const waitMs = /^[0-9]+$/.test(text) ? Number(text) * 1000 : httpDateMs(text) - nowMs
  if (Number.isNaN(waitMs)) return undefined
  return Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS)
}

/** Date.parse alone would take nearly anything for a date, `-5` for the year 2001. */
function httpDateMs(text: string): number {
  return /^[A-Z][a-z]{2,8}, .* GMT$/.test(text) ? Date.parse(text) : Number.NaN
}
