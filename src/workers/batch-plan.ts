/** What the batches of a frame are made of. */
export interface BatchFacts {
  /** Events in the frame. */
  readonly count: number
  readonly maxEvents: number
  /** Bytes of the bodies in one call; one event alone may have more. */
  readonly maxBytes: number
  byteLength(index: number): number
  /** Whether the event must not be called together with the one before it. */
  startsBatch(index: number): boolean
}

/** Where the batch that begins at `from` ends: the first event that is not in it. */
export function batchEnd(from: number, facts: BatchFacts): number {
  const limit = Math.min(facts.count, from + facts.maxEvents)
  let bytes = facts.byteLength(from)
  let to = from + 1
  while (to < limit && !facts.startsBatch(to)) {
    bytes += facts.byteLength(to)
    if (bytes > facts.maxBytes) break
    to++
  }
  return to
}

/**
 * How many events of a call that failed as a whole come into the first of two calls; the rest comes into the second. Both
 * are smaller than what failed, so a search ends after log2 steps, and one event alone is never halved.
 */
export function firstHalf(events: number): number {
  return Math.ceil(events / 2)
}
