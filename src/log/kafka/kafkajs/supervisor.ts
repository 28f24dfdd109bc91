import type { KafkaSubscription, KafkaSubscriptionHandlers } from '../kafka-client.ts'
import { Backoff, wait } from './backoff.ts'
import { ConsumerSession, type ConsumerSessionOptions } from './consumer-session.ts'
import { isPassing, kafkaErrorOf } from './errors.ts'

export type SupervisorOptions = Omit<
  ConsumerSessionOptions,
  'pauses' | 'truncatedAt' | 'lastCommitted' | 'lastMemberId' | 'joined' | 'ended'
>

type SupervisorState = 'connecting' | 'consuming' | 'waiting' | 'failed' | 'closed'

const RETRY_MIN_MS = 250
const RETRY_MAX_MS = 5_000
/** A consumer that lives shorter than this is part of the outage before: a record that nothing can decode, say. */
const STABLE_MS = 10_000

/**
 * A subscription that outlives its consumers: it keeps what kafkajs forgets (pauses, a lost position) and builds a new
 * consumer when one has crashed, since kafkajs restarts after some errors only and otherwise consumes nothing in silence.
 *
 *   connecting ──joined──▶ consuming
 *       ▲  │                  │
 *       │  └──── crash ───────┤
 *   backoff over              ▼
 *       └───────────────── waiting          an error that does not pass ──▶ failed          close ──▶ closed
 */
export class SupervisedSubscription implements KafkaSubscription {
  readonly #options: SupervisorOptions
  readonly #pauses = new Set<number>()
  readonly #truncatedAt = new Map<number, number>()
  readonly #lastCommitted = new Map<number, number>()
  readonly #backoff = new Backoff(RETRY_MIN_MS, RETRY_MAX_MS)
  readonly #closing = new AbortController()
  readonly #closed: () => void
  #state: SupervisorState = 'connecting'
  #session: ConsumerSession | undefined
  #memberId: string | undefined
  #joins = 0
  /** When the present session first joined; Infinity before. */
  #joinedAt = Infinity
  /** The handlers know of the present outage. */
  #isTold = false
  #stopping: Promise<void> = Promise.resolve()

  /** @param closed called when the subscription has ended for good. */
  constructor(options: SupervisorOptions, closed: () => void) {
    this.#options = { ...options, handlers: guarded(options.handlers, () => this.#state === 'closed') }
    this.#closed = closed
  }

  start(): void {
    this.#setState('connecting')
    const session = new ConsumerSession({
      ...this.#options,
      pauses: this.#pauses,
      truncatedAt: this.#truncatedAt,
      lastCommitted: this.#lastCommitted,
      lastMemberId: this.#memberId,
      joined: memberId => this.#sessionJoined(memberId),
      ended: error => this.#sessionEnded(session, error),
    })
    this.#session = session
    session.start()
  }

  pause(partitions: readonly number[]): void {
    for (const partition of partitions) this.#pauses.add(partition)
    this.#session?.pause(partitions)
  }

  resume(partitions: readonly number[]): void {
    for (const partition of partitions) this.#pauses.delete(partition)
    this.#session?.resume(partitions)
  }

  commit(epoch: number, offsets: ReadonlyMap<number, number>): Promise<void> {
    return this.#session?.commit(epoch, offsets) ?? Promise.resolve()
  }

  rebalances(): number {
    return Math.max(0, this.#joins - 1)
  }

  async close(): Promise<void> {
    if (this.#state !== 'closed') {
      this.#setState('closed')
      this.#closing.abort()
      const session = this.#session
      this.#session = undefined
      this.#stopping = Promise.all([this.#stopping, session?.stop()]).then(() => this.#closed())
    }
    await this.#stopping
  }

  #sessionJoined(memberId: string): void {
    this.#memberId = memberId
    this.#joins += 1
    if (this.#state !== 'consuming') this.#joinedAt = performance.now()
    this.#setState('consuming')
  }

  #sessionEnded(session: ConsumerSession, error: unknown): void {
    const { group, topic } = this.#options.subscribe
    if (performance.now() - this.#joinedAt >= STABLE_MS) {
      this.#backoff.reset()
      this.#isTold = false
    }
    this.#joinedAt = Infinity
    const reason = kafkaErrorOf(error, 'SLUICE_KAFKA_CONSUMER', `let group "${group}" consume topic "${topic}"`)
    this.#options.health.failed(reason)
    this.#session = undefined
    // The old member must have left before a new one joins.
    this.#stopping = session.stop()
    this.#setState(reason.retryable ? 'waiting' : 'failed')
    // Every group passes through these when its broker starts.
    // An end for good is told in any case: nobody would hear of it otherwise.
    if (!reason.retryable || (!this.#isTold && !isPassing(error))) {
      this.#isTold = true
      this.#options.handlers.fatal(reason)
    }
    if (reason.retryable) void this.#startAgain()
  }

  async #startAgain(): Promise<void> {
    await this.#stopping
    await wait(this.#backoff.nextMs(), this.#closing.signal)
    if (this.#state === 'waiting') this.start()
  }

  #setState(state: SupervisorState): void {
    if (this.#state === 'closed') return
    this.#state = state
  }
}

/** Handlers that are silent once the subscription is closed. */
function guarded(handlers: KafkaSubscriptionHandlers, isClosed: () => boolean): KafkaSubscriptionHandlers {
  return {
    assigned: (epoch, partitions) => {
      if (!isClosed()) handlers.assigned(epoch, partitions)
    },
    revoked: (epoch, partitions, lost) => {
      if (!isClosed()) handlers.revoked(epoch, partitions, lost)
    },
    records: (epoch, partition, records) => {
      if (!isClosed()) handlers.records(epoch, partition, records)
    },
    outOfRange: (partition, kind, from, to) => {
      if (!isClosed()) handlers.outOfRange(partition, kind, from, to)
    },
    fatal: error => {
      if (!isClosed()) handlers.fatal(error)
    },
  }
}
