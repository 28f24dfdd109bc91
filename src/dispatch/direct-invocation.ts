import type { LogRecord } from '../log/log-record.ts'
import type { Feed, Invocation, InvocationOutcome } from '../workers/invocation.ts'
import { turnTimeMs } from './turn-clock.ts'
import type { VersionStats } from './version-stats.ts'

/** Who has taken a permit for a call. */
export interface PermitHolder {
  released(outcome: InvocationOutcome): void
}

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
  /** A failed call is told to its caller, so nobody else's event is in it. */
  readonly part = { events: 1 }
  readonly invocationId?: string
  /** What it holds while it waits. */
  readonly byteLength: number
  readonly outcome: Promise<InvocationOutcome>
  #resolve!: (outcome: InvocationOutcome) => void
  #stats: VersionStats | undefined
  #holder: PermitHolder | undefined
  #acceptedAtMs = 0

  /** @param invocationId what the handler and its log lines call it; absent: a name that is made of its place. */
  constructor(feed: Feed, record: LogRecord, traceparent: string | undefined, invocationId?: string) {
    this.feed = feed
    this.record = record
    this.traceparent = traceparent
    if (invocationId !== undefined) this.invocationId = invocationId
    this.byteLength = (record.value?.length ?? 0) + (record.header?.length ?? 0) + (record.key?.length ?? 0)
    this.outcome = new Promise(resolve => (this.#resolve = resolve))
  }

  /** A version has taken it in, and counts how it ends. */
  accepted(stats: VersionStats): void {
    this.#stats = stats
    this.#acceptedAtMs = turnTimeMs()
  }

  /** It goes into a frame. */
  taken(holder: PermitHolder): void {
    this.#holder = holder
  }

  settle(outcome: InvocationOutcome): void {
    this.#holder?.released(outcome)
    this.#stats?.ended(outcome, this.#acceptedAtMs, turnTimeMs())
    this.#resolve(outcome)
  }
}
