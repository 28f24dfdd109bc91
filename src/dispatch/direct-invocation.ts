import type { LogRecord } from '../log/log-record.ts'
import type { Feed, Invocation, InvocationOutcome } from '../workers/invocation.ts'

/**
 * A synchronous call of a function: it goes straight to the pool in the same frames as events, takes no key lock, is
 * not durable and has one attempt.
 */
export class DirectInvocation implements Invocation {
  readonly feed: Feed
  readonly record: LogRecord
  readonly partition = -1
  readonly attempt = 1
  readonly epoch = 0
  readonly followsPrevious = false
  readonly traceparent: string | undefined
  readonly outcome: Promise<InvocationOutcome>
  #resolve!: (outcome: InvocationOutcome) => void

  constructor(feed: Feed, record: LogRecord, traceparent: string | undefined) {
    this.feed = feed
    this.record = record
    this.traceparent = traceparent
    this.outcome = new Promise(resolve => (this.#resolve = resolve))
  }

  settle(outcome: InvocationOutcome): void {
    this.#resolve(outcome)
  }
}
