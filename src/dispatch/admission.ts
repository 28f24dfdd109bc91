import { setTimeout as wait } from 'node:timers/promises'
import { SluiceError } from '../errors/sluice-error.ts'
import type { LogRecord } from '../log/log-record.ts'
import type { AssignedPartition, PositionAnomaly, Subscription, SubscriptionHandlers } from '../log/partition-log.ts'
import { AssignedWindow } from './assigned-window.ts'
import { CommitScheduler } from './commit-scheduler.ts'
import { readAheadBytes } from './read-ahead.ts'
import type { TriggerOptions } from './trigger-options.ts'

export interface PartitionProgress {
  readonly partition: number
  readonly completed: number
  /** What a crash would begin at again. */
  readonly committed: number
  readonly taken: number
  readonly inFlight: number
  /** Timestamp of the oldest record that is here and not complete; undefined when there is none. */
  readonly oldestMs: number | undefined
}

export interface AdmissionHandlers {
  /** A record entered the window of its partition under this sequence number. */
  admit(window: AssignedWindow, record: LogRecord, sequence: number): void
  /** Whether records may be committed before they run: not while they could not. */
  mayClaim(): boolean
  /** Events may start that could not before. */
  runnable(): void
  /** The subscription is broken (message), or works again (undefined). */
  broken(problem: string | undefined): void
}

/** The trigger's side of its consumer group: assignments, bounded windows, pausing of partitions, commits. */
export class Admission implements SubscriptionHandlers {
  readonly windows = new Map<number, AssignedWindow>()
  /** Records that were never handed out, by reason. */
  readonly anomalies: Record<PositionAnomaly['kind'], number> = { expired: 0, truncated: 0, damaged: 0 }
  readonly #options: TriggerOptions
  readonly #handlers: AdmissionHandlers
  readonly #commits: CommitScheduler
  readonly #stopped = new AbortController()
  /** At most once: offsets are committed before their events run. */
  readonly #commitsFirst: boolean
  /** Revoked windows that have something under way, by partition. */
  readonly #retired = new Map<number, AssignedWindow>()
  #isAdmissionPlanned = false
  #isClosed = false
  #subscription: Subscription | undefined
  #subscribing: Promise<void> | undefined

  constructor(options: TriggerOptions, handlers: AdmissionHandlers) {
    this.#options = options
    this.#handlers = handlers
    this.#commitsFirst = options.delivery === 'at-most-once'
    this.#commits = new CommitScheduler(this.windows, {
      intervalMs: this.#commitsFirst ? 0 : options.commitIntervalMs,
      // A quarter of the window: commits under load overlap with work instead of closing the window.
      maxEvents: Math.max(1, Math.floor(options.window.maxEvents / 4)),
      onCommitted: () => this.#admitWaiting(),
      onError: error => this.#warn(error, 'the offsets could not be committed and will be again'),
    })
  }

  /** By assigned partition: what a commit would say, the offset after the last one taken in, and events in flight. */
  progress(): readonly PartitionProgress[] {
    return [...this.windows.values()].map(({ partition, tracker, committedOffset, inFlight, oldestMs }) => ({
      partition,
      completed: tracker.committable,
      committed: committedOffset,
      taken: tracker.nextOffset,
      inFlight,
      oldestMs,
    }))
  }

  /** Joins the group. An unreachable log is tried again with backoff in the background; the first try is awaited. */
  async start(): Promise<void> {
    if (await this.#trySubscribe()) return
    this.#subscribing = this.#keepSubscribing()
  }

  /**
   * Takes in nothing more, not even what has arrived and waits for room: a stop parks the older events of a key, and
   * what came in behind its back would be parked in front of the younger ones that stay in the log.
   */
  close(): void {
    this.#isClosed = true
    this.#subscription?.pause([...this.windows.keys()])
  }

  /** An event of a window is complete; its offset may move the watermark. */
  complete(window: AssignedWindow, sequence: number, byteLength: number): void {
    window.left(byteLength)
    if (!window.owned) return this.#retire(window)
    if (window.tracker.complete(sequence)) this.#commits.completed(window)
    // A window that was full of bytes has room before its oldest event is done.
    if (window.hasWaiting ? !window.full : window.readAhead.paused) this.#planAdmission()
  }

  /** Something of a window is in a frame or on its way to a sink, until {@link ended}. */
  began(window: AssignedWindow): void {
    window.underWay++
  }

  ended(window: AssignedWindow): void {
    window.underWay--
    if (!window.owned) this.#retire(window)
  }

  /** The state has changed: what could not be claimed may be now. */
  goOn(): void {
    if (this.#commitsFirst) this.#planAdmission()
  }

  /**
   * Commits what is claimed and hands it out, so that a stop knows of all that it has to keep. What the log does not take
   * now is read again at the next start.
   */
  async settleClaims(): Promise<void> {
    await this.#commits.flush()
  }

  /** A window of an earlier assignment may be over: then the one that follows may begin. */
  #retire(window: AssignedWindow): void {
    if (!window.isOver) return
    if (this.#retired.get(window.partition) === window) this.#retired.delete(window.partition)
    const successor = this.windows.get(window.partition)
    if (successor?.predecessor !== window) return
    successor.predecessor = undefined
    this.#admitWaiting()
  }

  /** Commits what is complete and leaves the group. Resolves with whether the log has taken all of it. */
  async stop(): Promise<boolean> {
    this.#stopped.abort()
    await this.#subscribing
    if (!this.#commitsFirst) await this.#commits.flush()
    this.#commits.stop()
    const isCommitted = [...this.windows.values()].every(
      ({ tracker, committedOffset }) => this.#commitsFirst || tracker.committable <= committedOffset,
    )
    // Committed now, it would be run by nobody: it is read again, unless a commit under way comes to be all the same.
    if (this.#commitsFirst) for (const window of this.windows.values()) this.#disown(window)
    // What is still on its way out of a forced stop is repeated by whoever follows: it must not come in between then.
    for (const window of [...this.windows.values(), ...this.#retired.values()]) window.revoke()
    await this.#subscription?.close()
    return isCommitted
  }

  assigned(epoch: number, partitions: readonly AssignedPartition[]): void {
    for (const { partition, position } of partitions) {
      const window = new AssignedWindow(partition, epoch, position, this.#options.window, this.#commitsFirst)
      window.predecessor = this.#retired.get(partition)
      this.windows.set(partition, window)
    }
    this.#shareReadAhead()
  }

  revoked(_epoch: number, partitions: readonly number[]): void {
    for (const partition of partitions) {
      const window = this.windows.get(partition)
      if (window === undefined) continue
      this.windows.delete(partition)
      if (this.#commitsFirst) this.#disown(window)
      else window.revoke()
      if (!window.isOver) this.#retired.set(partition, window)
      // A pause outlives the assignment, but the window that wanted it does not: the next one would never get a record.
      if (window.readAhead.paused) this.#subscription?.resume([partition])
    }
    this.#shareReadAhead()
  }

  records(epoch: number, partition: number, records: readonly LogRecord[]): void {
    const window = this.windows.get(partition)
    if (window === undefined || window.epoch !== epoch) return
    window.offer(records)
    if (window.predecessor === undefined) this.#admit(window)
    else if (window.readAhead.isOverfed) this.#pause(window)
    this.#handlers.runnable()
  }

  anomaly(anomaly: PositionAnomaly): void {
    const { partition, kind, from, to } = anomaly
    const { name, log, logger } = this.#options
    logger.error(
      { trigger: name, partition, kind, from, to },
      `records ${from} to ${to} of ${log.stream}/${partition} are ${kind}`,
    )
    this.anomalies[kind] += Math.max(0, to - from)
  }

  fatal(error: SluiceError): void {
    if (error.retryable) this.#warn(error, 'the subscription was interrupted and goes on by itself')
    else this.#handlers.broken(`the subscription ended: ${error.message}`)
  }

  /** Whoever owns the partition now begins behind what is committed: nobody else would run it. */
  #disown(window: AssignedWindow): void {
    const dropped = window.disown()
    if (dropped === 0) return
    const { name, log, logger } = this.#options
    logger.warn(
      { trigger: name, partition: window.partition, events: dropped },
      `${log.stream}/${window.partition} was left while ${dropped} offsets were being committed: their events run at most once, so they are not run here`,
    )
  }

  #shareReadAhead(): void {
    for (const { readAhead } of this.windows.values()) readAhead.maxBytes = readAheadBytes(this.windows.size)
  }

  #admitWaiting(): void {
    for (const window of this.windows.values()) {
      for (const { record, sequence } of window.takeDurable()) this.#handlers.admit(window, record, sequence)
      if (window.hasWaiting && window.predecessor === undefined) this.#admit(window)
      const { readAhead } = window
      if (!readAhead.paused || !readAhead.isHungry || this.#isClosed) continue
      readAhead.resume(performance.now())
      this.#subscription?.resume([window.partition])
    }
    this.#handlers.runnable()
  }

  #planAdmission(): void {
    if (this.#isAdmissionPlanned) return
    this.#isAdmissionPlanned = true
    setImmediate(() => {
      this.#isAdmissionPlanned = false
      if (!this.#stopped.signal.aborted) this.#admitWaiting()
    })
  }

  #admit(window: AssignedWindow): void {
    while (!this.#isClosed && (!this.#commitsFirst || this.#handlers.mayClaim())) {
      const record = window.takeWaiting()
      if (record === undefined) break
      const sequence = window.tracker.add(record.offset, record.timestampMs)
      if (sequence < 0) continue
      if (this.#commitsFirst) window.claim(record, sequence)
      else this.#handlers.admit(window, record, sequence)
    }
    if (window.readAhead.isOverfed) this.#pause(window)
    if (window.tracker.committable > window.committedOffset) this.#commits.completed(window)
  }

  #pause(window: AssignedWindow): void {
    if (window.readAhead.paused) return
    window.readAhead.pause(performance.now())
    this.#subscription?.pause([window.partition])
  }

  async #trySubscribe(): Promise<boolean> {
    const { log, group, start } = this.#options
    try {
      const subscription = await log.subscribe(group, start, this)
      this.#subscription = subscription
      this.#commits.attach(subscription)
      // What arrived before the promise resolved could not pause anything yet.
      subscription.pause(
        [...this.windows.values()].filter(({ readAhead }) => readAhead.paused).map(({ partition }) => partition),
      )
      this.#handlers.broken(undefined)
      return true
    } catch (thrown) {
      this.#handlers.broken(`cannot subscribe to ${log.stream}: ${SluiceError.from(thrown).message}`)
      return false
    }
  }

  async #keepSubscribing(): Promise<void> {
    for (let delayMs = 500; !this.#stopped.signal.aborted; delayMs = Math.min(delayMs * 2, 15_000)) {
      await wait(delayMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
      if (!this.#stopped.signal.aborted && (await this.#trySubscribe())) return
    }
  }

  #warn(error: SluiceError, what: string): void {
    this.#options.logger.warn({ trigger: this.#options.name, code: error.code }, `${what}: ${error.message}`)
  }
}
