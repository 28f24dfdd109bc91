import { SluiceError } from '../../errors/sluice-error.ts'
import type { IncomingEvent, StreamIntake } from '../source.ts'
import { TokenBucket, type TokenBucketOptions } from '../../log/token-bucket.ts'

/** Called once: without an error the event is durable. Not called when its connection was abandoned. */
export type Settled = (error: SluiceError | undefined, duplicate: boolean) => void

export interface IntakeLaneOptions {
  /** Bytes of all events that wait; beyond it {@link IntakeLane.push} settles with SLUICE_MQTT_OVERLOADED at once. */
  readonly maxHeldBytes: number
  /** How fast events may go into the stream; what comes faster waits, its acknowledgement withheld. Default: no limit. */
  readonly rate?: TokenBucketOptions | undefined
  /** Told when the log begins to refuse, and with undefined when it takes events again. */
  readonly stalled: (error: SluiceError | undefined) => void
}

interface Entry {
  readonly event: IncomingEvent
  readonly owner: object | undefined
  readonly deadlineMs: number
  settle: Settled | undefined
}

/** More would only delay the first of them; a commit group of the log is not larger. */
const maxBatchEvents = 1024
const maxBatchBytes = 4 * 1024 * 1024
const firstRetryMs = 50
const lastRetryMs = 1_000
const sweepMs = 100
/** What an event costs beside its value: header, entry, callbacks. */
const entryBytes = 512

/**
 * The ordered way of one source into its stream. Everything that arrives while one batch becomes durable is the next
 * batch, so the lane needs no timer, costs one promise per batch and never lets an event overtake another, even when the
 * log refuses for a while: a refused batch is tried again before anything behind it.
 *
 *   idle ──push──▶ scheduled ──▶ appending ──durable──▶ idle | appending
 *                                    │ refused ▲
 *                                    ▼         │ after a pause
 *                                  stalled ────┘
 *
 * Where the rate is limited, it is `throttled` between two batches until the next one may go.
 */
export class IntakeLane {
  readonly #intake: StreamIntake
  readonly #options: IntakeLaneOptions
  readonly #bucket: TokenBucket | undefined
  #state: 'idle' | 'scheduled' | 'throttled' | 'appending' | 'stalled' = 'idle'
  /** Nothing more comes: what waits goes as fast as it can. */
  #isDraining = false
  #queue: Entry[] = []
  #appending: Entry[] = []
  #heldBytes = 0
  #retryMs = firstRetryMs
  #refusal: SluiceError | undefined
  /** Events to be appended one by one, to find the one that a batch was rejected for. */
  #alone = 0
  #retryTimer: NodeJS.Timeout | undefined
  #sweepTimer: NodeJS.Timeout | undefined
  #idleWaiters: (() => void)[] = []

  constructor(intake: StreamIntake, options: IntakeLaneOptions) {
    this.#intake = intake
    this.#options = options
    this.#bucket = options.rate === undefined ? undefined : new TokenBucket(options.rate, performance.now())
  }

  /** Why the log refuses at the moment. */
  get refusal(): SluiceError | undefined {
    return this.#refusal
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /**
   * Takes an event; the order of calls is the order in the stream.
   * @param owner the connection, for {@link abandon}; undefined when nobody waits for an acknowledgement.
   * @param limitMs settles with SLUICE_MQTT_HOLD_EXPIRED when the event is not durable by then.
   */
  push(event: IncomingEvent, owner: object | undefined, limitMs: number, settle: Settled): void {
    const bytes = event.value.length + entryBytes
    if (this.#heldBytes + bytes > this.#options.maxHeldBytes) {
      const error = new SluiceError(
        'SLUICE_MQTT_OVERLOADED',
        `${this.#heldBytes} bytes of publications wait for the stream ${this.#intake.stream} already`,
      )
      settle(error, false)
      return
    }
    this.#heldBytes += bytes
    this.#queue.push({ event, owner, deadlineMs: performance.now() + limitMs, settle })
    if (this.#state === 'idle') {
      this.#setState('scheduled')
      // Not at once: what the other sockets delivered in this turn of the event loop joins the first batch.
      setImmediate(this.#append)
    }
    this.#sweepTimer ??= setInterval(this.#expire, sweepMs)
  }

  /**
   * Forgets the waiting events of a connection that is closed without acknowledging them: its client sends them again,
   * and a late append of the later ones would put them before the earlier ones.
   */
  abandon(owner: object): void {
    const kept = this.#queue.filter(entry => entry.owner !== owner)
    for (const entry of this.#queue) if (entry.owner === owner) this.#release(entry)
    this.#queue = kept
    for (const entry of this.#appending) if (entry.owner === owner) entry.settle = undefined
  }

  /** Resolves when nothing waits; every event is durable or expired by then. */
  async drain(): Promise<void> {
    if (this.#state === 'idle') return
    this.#isDraining = true
    if (this.#state === 'throttled') this.#appendNow()
    await new Promise<void>(resolve => this.#idleWaiters.push(resolve))
    this.#isDraining = false
  }

  #setState(state: 'idle' | 'scheduled' | 'throttled' | 'appending' | 'stalled'): void {
    this.#state = state
    if (state !== 'idle') return
    clearInterval(this.#sweepTimer)
    this.#sweepTimer = undefined
    const waiters = this.#idleWaiters
    this.#idleWaiters = []
    for (const resolve of waiters) resolve()
  }

  readonly #append = (): void => {
    this.#retryTimer = undefined
    if (this.#queue.length === 0) {
      this.#setState('idle')
      return
    }
    const waitMs = this.#isDraining ? 0 : (this.#bucket?.waitMs(performance.now()) ?? 0)
    if (waitMs > 0) {
      this.#setState('throttled')
      this.#retryTimer = setTimeout(this.#append, Math.ceil(waitMs))
      return
    }
    const batch = this.#takeBatch()
    this.#appending = batch
    this.#setState('appending')
    const events = new Array<IncomingEvent>(batch.length)
    for (let index = 0; index < batch.length; index++) events[index] = (batch[index] as Entry).event
    this.#accept(events).then(
      acceptances => {
        this.#appending = []
        this.#alone = Math.max(0, this.#alone - batch.length)
        this.#retryMs = firstRetryMs
        this.#note(undefined)
        for (let index = 0; index < batch.length; index++) {
          const entry = batch[index] as Entry
          this.#release(entry)
          entry.settle?.(undefined, acceptances[index]?.duplicate === true)
        }
        this.#append()
      },
      (thrown: unknown) => {
        this.#appending = []
        this.#refused(batch, SluiceError.from(thrown, 'SLUICE_LOG_UNAVAILABLE'))
      },
    )
  }

  #appendNow(): void {
    clearTimeout(this.#retryTimer)
    this.#append()
  }

  /** An intake that throws instead of rejecting must not end the lane. */
  async #accept(events: readonly IncomingEvent[]) {
    return this.#intake.accept(events)
  }

  #takeBatch(): Entry[] {
    const limit = this.#alone > 0 ? 1 : this.#allowed()
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && count < limit) {
      bytes += (this.#queue[count] as Entry).event.value.length
      if (bytes > maxBatchBytes && count > 0) break
      count += 1
    }
    this.#bucket?.take(count, performance.now())
    if (count < this.#queue.length) return this.#queue.splice(0, count)
    const all = this.#queue
    this.#queue = []
    return all
  }

  #allowed(): number {
    if (this.#bucket === undefined || this.#isDraining) return maxBatchEvents
    return Math.max(1, Math.min(maxBatchEvents, this.#bucket.available(performance.now())))
  }

  #refused(batch: Entry[], error: SluiceError): void {
    this.#bucket?.take(-batch.length, performance.now())
    if (error.retryable || batch.length > 1) {
      // Whoever gave up meanwhile is not appended behind its client's back; see abandon.
      const waiting = batch.filter(entry => entry.settle !== undefined || (this.#release(entry), false))
      this.#queue = [...waiting, ...this.#queue]
    }
    if (error.retryable) {
      this.#note(error)
      this.#setState('stalled')
      this.#retryTimer = setTimeout(this.#append, this.#retryMs)
      this.#retryMs = Math.min(this.#retryMs * 2, lastRetryMs)
      return
    }
    // One event can be at fault, such as one that is too large for the log; the others must not share its fate.
    if (batch.length > 1) this.#alone = batch.length
    else {
      this.#alone = Math.max(0, this.#alone - 1)
      for (const entry of batch) {
        this.#release(entry)
        entry.settle?.(error, false)
      }
    }
    this.#append()
  }

  readonly #expire = (): void => {
    const now = performance.now()
    // Entries of all clients share the queue and their limits differ, so all have to be looked at; ten times a second.
    const expired = [...this.#appending, ...this.#queue].filter(
      entry => entry.settle !== undefined && entry.deadlineMs <= now,
    )
    if (expired.length === 0) return
    const gone = new Set(expired)
    this.#queue = this.#queue.filter(entry => !gone.has(entry))
    const appending = new Set(this.#appending)
    const reason = this.#refusal === undefined ? 'the log did not answer' : this.#refusal.message
    for (const entry of expired) {
      const settle = entry.settle
      entry.settle = undefined
      if (!appending.has(entry)) this.#release(entry)
      settle?.(new SluiceError('SLUICE_MQTT_HOLD_EXPIRED', `the event could not be kept in time: ${reason}`), false)
    }
    if (this.#queue.length === 0 && (this.#state === 'stalled' || this.#state === 'throttled')) this.#appendNow()
  }

  #release(entry: Entry): void {
    this.#heldBytes -= entry.event.value.length + entryBytes
  }

  #note(refusal: SluiceError | undefined): void {
    const changed = this.#refusal?.code !== refusal?.code
    this.#refusal = refusal
    if (changed) this.#options.stalled(refusal)
  }
}
