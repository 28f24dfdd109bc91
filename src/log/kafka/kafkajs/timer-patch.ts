import { RequestQueue, type RequestQueueInternals } from './kafkajs-internals.ts'

const CHECK_INTERVAL_MS = 10
const patched = Symbol.for('sluice.kafkajs.timer-patch')

/**
 * Stops the timer that kafkajs 2.2.4 runs once per millisecond and broker connection, for ever: it schedules the next
 * look at its pending requests even when there are none, with a negative delay (tulios/kafkajs#1751; also the
 * TimeoutNegativeWarning of Node 24). Requests wait only when the broker throttles or too many are in flight; only then
 * is there something to look at. Idempotent.
 */
export function patchRequestTimer(prototype: RequestQueueInternals = RequestQueue.prototype): void {
  if (patched in prototype) return
  if (typeof prototype.scheduleCheckPendingRequests !== 'function')
    throw new Error('kafkajs has another request queue than 2.2.4')
  prototype.scheduleCheckPendingRequests = function (this: RequestQueueInternals): void {
    if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return
    const throttledMs = this.throttledUntil - Date.now()
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null
        this.checkPendingRequests()
      },
      Math.max(throttledMs, CHECK_INTERVAL_MS),
    )
  }
  Object.defineProperty(prototype, patched, { value: true })
}
