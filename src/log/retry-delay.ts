/** Nobody is asked to come back sooner: HTTP counts whole seconds. */
export const minRetryMs = 1_000
/** Nobody is sent away for longer: what is in the way may be gone long before it was expected to. */
export const maxRetryMs = 300_000
/** When nothing is known of how fast things leave. */
const unknownMs = 2_000

/**
 * How long whoever was refused should wait, in ms: until `needed` has left at `perSecond`, bounded to 1 s to 5 minutes.
 * Up to half of it and a second are added by chance, so that those who were refused together do not come back together.
 * @param needed what has to leave first, in any unit: bytes, events, tokens. 0: only a moment is missing.
 * @param perSecond how fast it leaves; 0: not at all now; undefined: not known.
 * @param random from 0 to below 1.
 */
export function retryDelayMs(needed: number, perSecond: number | undefined, random: number): number {
  if (needed <= 0) return withJitter(0, random)
  if (perSecond === undefined || Number.isNaN(perSecond)) return withJitter(unknownMs, random)
  return withJitter(perSecond <= 0 ? maxRetryMs : (needed / perSecond) * 1_000, random)
}

/** A wait that is known, bounded and spread in the same way. */
export function withJitter(waitMs: number, random: number): number {
  // Infinite when next to nothing leaves, and infinity times a chance of 0 is no number.
  const knownMs = Math.min(maxRetryMs, waitMs)
  const spreadMs = knownMs + random * (knownMs / 2 + minRetryMs)
  return Math.min(maxRetryMs, Math.max(minRetryMs, Math.ceil(spreadMs)))
}
