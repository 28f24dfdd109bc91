import type { InvocationOutcome } from '../workers/invocation.ts'
import type { Burial } from './dead-letters.ts'
import type { Delivery } from './delivery.ts'

/**
 * Is told what happens to the events of a trigger, for people who ask later. What it is given are views into buffers that
 * do not last: it copies what it keeps. Nothing waits for it, and it must not throw.
 */
export interface EventRecorder {
  /** An attempt has ended; the delivery still has its number and its version. */
  attempted(delivery: Delivery, outcome: InvocationOutcome): void
  /**
   * A sink has a result, or gives up on it.
   * @param durationMs over all attempts, waiting included.
   */
  delivered(delivery: Delivery, sink: string, attempts: number, durationMs: number, error: string | undefined): void
  /** The event is durably set aside: its key is blocked, or it waits alone for its next attempt. */
  parked(delivery: Delivery): void
  /** The event is complete; `burial` says why it is a dead letter. */
  completed(delivery: Delivery, burial: Burial | undefined): void
}
