import { messageOf } from '../errors/sluice-error.ts'
import type { LogRecord } from '../log/log-record.ts'
import type { PauseRecord } from '../store/home-store.ts'
import type { Histogram } from '../telemetry/histogram.ts'
import type { InvocationOutcome } from '../workers/invocation.ts'
import { Admission } from './admission.ts'
import type { AssignedWindow } from './assigned-window.ts'
import { Delivery, type DeliveryOwner } from './delivery.ts'
import type { FrameSize } from './frame-size.ts'
import { KeyOrder } from './key-order.ts'
import { Lane } from './lane.ts'
import { ParkedKeys } from './parked-keys.ts'
import { Settlement, type TriggerCounters } from './settlement.ts'
import type { TriggerOptions } from './trigger-options.ts'

/**
 *   stopped ──start()──▶ running ──pause()──▶ pausing ──frames settled──▶ paused ──resume()──▶ running
 *                         │   ▲                                    (also the first state after a restart)
 *                         ▼   │
 *                        blocked: the store takes no dead letters or parked events, or the subscription is broken;
 *                                 nothing starts, nothing is dropped
 *   any ──stop()──▶ stopping ──drained or forced──▶ stopped
 */
export type TriggerState = 'stopped' | 'running' | 'blocked' | 'pausing' | 'paused' | 'stopping'

/** Parts of a trigger that can hinder it, each for itself. */
type TriggerPart = 'store' | 'parking' | 'subscription' | 'dispatch'

export interface PartitionProgress {
  readonly partition: number
  readonly completed: number
  readonly taken: number
  readonly inFlight: number
}

/** One trigger at work: takes records of its stream, keeps the order of keys, feeds its function's pool, commits. */
export class TriggerDispatch implements DeliveryOwner {
  readonly name: string
  /** Called when events may start that could not before. */
  onRunnable: () => void = () => undefined
  readonly #options: TriggerOptions
  readonly #admission: Admission
  readonly #order: KeyOrder
  readonly #parked: ParkedKeys
  readonly #settlement: Settlement
  #state: TriggerState = 'stopped'
  #pause: PauseRecord | undefined
  /** By part of the trigger: one that works again says nothing about the others. */
  readonly #problems = new Map<TriggerPart, string>()
  /** Events in frames; a pause is confirmed when it is 0. */
  #running = 0
  #waiters: (() => void)[] = []

  constructor(options: TriggerOptions) {
    this.#options = options
    this.name = options.name
    const { store, name: trigger, log, now } = options
    this.#parked = new ParkedKeys({
      trigger,
      stream: log.stream,
      store,
      owner: this,
      feed: options.storedFeed,
      now,
      onReady: lane => this.#order.makeReady(lane),
      onBlocked: problem => this.#setProblem('parking', problem),
    })
    this.#order = new KeyOrder({
      parkAfterMs: options.parkAfterMs,
      now,
      parked: this.#parked,
      onReady: () => this.onRunnable(),
      onPark: (lane, delayMs) => this.#settlement.park(lane, delayMs),
    })
    this.#admission = new Admission(options, {
      admit: (window, record, sequence) => this.#admit(window, record, sequence),
      runnable: () => this.onRunnable(),
      broken: problem => this.#setProblem('subscription', problem),
    })
    this.#settlement = new Settlement(options, {
      order: this.#order,
      parked: this.#parked,
      admission: this.#admission,
      onProgress: () => this.#wake(),
      onBlocked: problem => this.#setProblem('store', problem),
      onBroken: problem => this.#setProblem('dispatch', problem),
    })
  }

  get state(): TriggerState {
    return this.#state
  }

  get pauseRecord(): PauseRecord | undefined {
    return this.#pause
  }

  /** Why nothing starts although the trigger is not paused; undefined when all is well. */
  get problem(): string | undefined {
    for (const problem of this.#problems.values()) return problem
    return undefined
  }

  get counters(): Readonly<TriggerCounters> {
    return this.#settlement.counters
  }

  /** From acceptance to completion, in ms. */
  get acceptToDoneMs(): Histogram {
    return this.#settlement.acceptToDoneMs
  }

  /** Events that could start now. */
  get runnable(): number {
    return this.#state === 'running' ? this.#order.events : 0
  }

  get runnableKeys(): number {
    return this.#state === 'running' ? this.#order.keys : 0
  }

  /** Records of the stream that this trigger never got: expired before it came, cut off, or damaged. */
  get anomalies(): Admission['anomalies'] {
    return this.#admission.anomalies
  }

  /** Events in frames now. */
  get running(): number {
    return this.#running
  }

  get parkedKeys(): number {
    return this.#parked.size
  }

  get parkedEvents(): number {
    return this.#parked.events
  }

  get deadLettered(): number {
    return this.#settlement.deadLettered
  }

  get published(): number {
    return this.#settlement.published
  }

  /** What a commit would say, the offset after the last one taken in, and events in flight, by assigned partition. */
  partitions(): readonly PartitionProgress[] {
    return [...this.#admission.windows.values()].map(({ partition, tracker }) => ({
      partition,
      completed: tracker.committable,
      taken: tracker.nextOffset,
      inFlight: tracker.next - tracker.oldest,
    }))
  }

  /** @param pause the pause that was in force when the gateway stopped. */
  async start(pause: PauseRecord | undefined): Promise<void> {
    await this.#parked.load()
    this.#pause = pause
    this.#setState(pause === undefined ? 'running' : 'paused')
    await this.#admission.start()
  }

  /**
   * Starts no further invocation; resolves when none is running any more, or when the pause was taken back meanwhile (see
   * `state`). The caller has made the pause durable before.
   */
  async pause(pause: PauseRecord): Promise<void> {
    this.#pause = pause
    if (this.#state === 'paused' || this.#state === 'stopping' || this.#state === 'stopped') return
    this.#setState('pausing')
    await this.#until(() => this.#running === 0 || this.#state !== 'pausing')
    if (this.#state === 'pausing') this.#setState('paused')
  }

  resume(): void {
    this.#pause = undefined
    if (this.#state !== 'paused' && this.#state !== 'pausing') return
    this.#setState(this.problem === undefined ? 'running' : 'blocked')
    this.#wake()
    this.onRunnable()
  }

  /** Takes runnable events into a frame; each comes back through {@link settled}. */
  take(size: FrameSize, into: Delivery[]): void {
    if (this.#state !== 'running') return
    this.#order.take(size, into, delivery => {
      this.#running++
      this.#admission.began(delivery.lane.window)
      if (this.#options.tracer.enabled) this.#trace(delivery)
    })
  }

  settled(delivery: Delivery, outcome: InvocationOutcome): void {
    const { lane } = delivery
    lane.inFrame--
    this.#running--
    if (lane.window.assigned) this.#settlement.apply(delivery, outcome)
    else delivery.span?.end('the partition was revoked')
    if (lane.inFrame === 0) this.#order.settled(lane)
    this.#admission.ended(lane.window)
    if (this.#running === 0) this.#wake()
  }

  /**
   * Lets running events finish for up to `drainMs`, commits what is complete and leaves the group. Resolves with whether
   * they did: what did not is repeated at the next start.
   */
  async stop(drainMs: number): Promise<boolean> {
    if (this.#state === 'stopped' || this.#state === 'stopping') return true
    this.#setState('stopping')
    this.#admission.pauseAll()
    let limit: NodeJS.Timeout | undefined
    const forced = new Promise<void>(resolve => (limit = setTimeout(resolve, drainMs)))
    const isDrained = (): boolean => this.#running === 0 && this.#settlement.finishing === 0
    await Promise.race([this.#until(isDrained), forced])
    clearTimeout(limit)
    const drained = isDrained()
    this.#settlement.stop()
    this.#parked.stop()
    this.#order.stop()
    await this.#admission.stop()
    this.#setState('stopped')
    return drained
  }

  #admit(window: AssignedWindow, record: LogRecord, sequence: number): void {
    this.#settlement.counters.received++
    const { feed, filter, ordering } = this.#options
    let key: string
    let carried: LogRecord
    try {
      const problem = feed.reader.problem(record)
      if (problem !== undefined) return this.#refuse(window, record, sequence, problem.reason, problem.message)
      if (filter !== undefined && !filter(feed.reader, record)) {
        this.#settlement.counters.filtered++
        window.tracker.complete(sequence)
        return
      }
      key = ordering === 'key' ? feed.reader.key(record) : ''
      carried = feed.reader.resolve === undefined ? record : feed.reader.resolve(record)
    } catch (thrown) {
      // Whatever is wrong with this record, it must not end the subscription for all that come after it.
      return this.#refuse(window, record, sequence, 'unreadable', messageOf(thrown))
    }
    const delivery = new Delivery(this, window.laneOf(key), feed, carried, window.partition, window.epoch, sequence)
    window.bytes += delivery.byteLength
    if (this.#parked.size > 0 && this.#parked.has(window.partition, key)) this.#settlement.joinParked(window, delivery)
    else this.#order.push(delivery)
  }

  /** The record cannot become an event: a dead letter, or skipped where the stream's policy says so. */
  #refuse(window: AssignedWindow, record: LogRecord, sequence: number, reason: string, message: string): void {
    const { feed, skips } = this.#options
    const delivery = new Delivery(this, new Lane('', window), feed, record, window.partition, window.epoch, sequence)
    window.bytes += delivery.byteLength
    if (skips(reason)) {
      this.#settlement.counters.skipped++
      this.#settlement.complete(delivery)
    } else void this.#settlement.bury(delivery, { stage: 'source', reason, message })
  }

  #trace(delivery: Delivery): void {
    const { tracer, log, group } = this.#options
    const { record, feed } = delivery
    const facts = {
      'messaging.destination.partition.id': String(delivery.partition),
      'kafka.offset': record.offset,
      'messaging.consumer.group.name': group,
      'faas.name': this.#options.function,
      'sluice.trigger': this.name,
      'sluice.attempt': delivery.attempt,
    }
    // A record of a topic may begin a trace here; what a source of ours took was decided there.
    delivery.span = tracer.process(feed.reader.traceparent(record), log.stream, facts, record.header === null)
    delivery.traceparent = delivery.span?.traceparent
  }

  #setProblem(part: TriggerPart, problem: string | undefined): void {
    if (problem === undefined) this.#problems.delete(part)
    else {
      if (problem !== this.#problems.get(part)) this.#options.logger.error({ trigger: this.name }, problem)
      this.#problems.set(part, problem)
    }
    if (this.#problems.size > 0 && this.#state === 'running') this.#setState('blocked')
    else if (this.#problems.size === 0 && this.#state === 'blocked') {
      this.#setState('running')
      this.onRunnable()
    }
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => this.#waiters.push(resolve))
  }

  #wake(): void {
    if (this.#waiters.length === 0) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  #setState(state: TriggerState): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onState?.(state)
  }
}
