import { setTimeout as wait } from 'node:timers/promises'

/** When each event is due. A sender that was held up finds many due at once, and catches up as fast as it can. */
export interface Pace {
  /** ms until the event is due; 0 when it is. */
  dueInMs(index: number): number
}

/** @param ratePerS 0: everything is due at once. */
export function createPace(ratePerS: number): Pace {
  const startedAt = performance.now()
  if (ratePerS === 0) return { dueInMs: () => 0 }
  return { dueInMs: index => Math.max(0, startedAt + (index * 1000) / ratePerS - performance.now()) }
}

/** Waits until an event is due. @throws {Error} AbortError when the demo ends. */
export async function untilDue(pace: Pace, index: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const ms = pace.dueInMs(index)
  if (ms > 0) await wait(ms, undefined, { signal })
}
