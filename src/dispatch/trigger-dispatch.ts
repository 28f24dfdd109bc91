import type { PartitionLog } from '../log/partition-log.ts'
import type { PauseRecord } from '../store/home-store.ts'
import type { Histogram } from '../telemetry/histogram.ts'
import type { Invocation, InvocationOutcome } from '../workers/invocation.ts'
import { Admission, type PartitionProgress } from './admission.ts'
import type { Delivery, DeliveryOwner } from './delivery.ts'
import { EventIntake } from './event-intake.ts'
import { startProcessSpan, startSettleSpan } from './event-spans.ts'
import type { FrameSize } from './frame-size.ts'
import type { Hold, PausedPart } from './hold.ts'
import { Inspection } from './inspection.ts'
import { HostCrashes } from './host-crashes.ts'
import { KeyOrder } from './key-order.ts'
import { ParkedKeys, type EventPlace } from './parked-keys.ts'
import { PausedParts, type PartPauses } from './paused-parts.ts'
import { Settlement, type TriggerCounters } from './settlement.ts'
import { TriggerBreaker } from './trigger-breaker.ts'
import { TriggerGate, type TriggerState } from './trigger-gate.ts'
import type { TriggerOptions } from './trigger-options.ts'
import type { TriggerRoute } from './trigger-route.ts'
import { TriggerRoutes } from './trigger-routes.ts'
import { turnTimeMs } from './turn-clock.ts'

/**
 * One trigger at work: takes records of its stream, keeps the order of keys, feeds the versions of its routes, commits.
 * Its states are those of trigger-gate.ts.
 */
export class TriggerDispatch implements DeliveryOwner {
  readonly name: string
  readonly uid: string
  readonly log: PartitionLog
  /** Where its events stand, for people who ask. */
  readonly inspection: Inspection
  /** What pauses it by itself; undefined when nothing does. */
  readonly breaker: TriggerBreaker | undefined
  readonly #options: TriggerOptions
  readonly #gate: TriggerGate
  readonly #admission: Admission
  readonly #routes: TriggerRoutes
  readonly #order: KeyOrder
  readonly #parked: ParkedKeys
  readonly #paused = new PausedParts()
  readonly #crashes: HostCrashes
  readonly #settlement: Settlement
  readonly #intake: EventIntake
  /** Events in frames; a pause is confirmed when it is 0. */
  #running = 0

  constructor(options: TriggerOptions) {
    this.#options = options
    const { store, name, uid, log, now, logger } = options
    this.name = name
    this.uid = uid
    this.log = log
    this.#gate = new TriggerGate({
      running: () => this.#running,
      onState: state => this.#changed(state),
      onProblem: problem => logger.error({ trigger: name }, problem),
    })
    if (options.breaker !== undefined)
      this.breaker = new TriggerBreaker(options, options.breaker, this.#gate, () => this.#running)
    this.#parked = new ParkedKeys({
      trigger: uid,
      stream: log.stream,
      store,
      owner: this,
      feed: options.storedFeed,
      now,
      maxKeys: options.maxParkedKeys,
      takesFirst: this.#runsOnce,
      onTaken: () => this.#gate.update(),
      holdOf: delivery => this.#paused.holdOf(delivery),
      onUnparked: delivery => startSettleSpan('unpark', options, delivery)?.end(),
      onReady: lane => this.#order.makeReady(lane),
      onBlocked: problem => this.#gate.setProblem('parking', problem),
    })
    this.#crashes = new HostCrashes(options, problem => this.#gate.setProblem('suspects', problem))
    this.#routes = new TriggerRoutes(this, options.routes)
    this.#order = new KeyOrder({
      // Parked, a partition would be copied into the store, event by event; in the log they wait at no cost.
      parkAfterMs: options.ordering === 'partition' ? Infinity : options.parkAfterMs,
      now,
      parked: this.#parked,
      routes: this.#routes,
      paused: this.#paused,
      isOnlyCopy: this.#runsOnce,
      isRunning: () => this.state === 'running',
      onUnroutable: (delivery, thrown) => this.#settlement.buryUnroutable(delivery, thrown),
      onTooOld: delivery => this.#settlement.buryTooOld(delivery),
      onRecorded: delivery => this.#settlement.publishRecorded(delivery),
      crashes: this.#crashes,
      onGuilty: delivery => this.#settlement.buryGuilty(delivery),
      onAlone: delivery => void this.#crashes.run(delivery),
      onPark: (lane, delayMs, below) => this.#settlement.park(lane, delayMs, below),
    })
    this.#admission = new Admission(options, {
      admit: (window, record, sequence) => this.#intake.admit(window, record, sequence),
      mayClaim: () => this.state === 'running' || this.state === 'probing',
      runnable: () => this.#routes.schedule(),
      broken: problem => this.#gate.setProblem('subscription', problem),
    })
    this.#settlement = new Settlement(options, {
      order: this.#order,
      parked: this.#parked,
      admission: this.#admission,
      crashes: this.#crashes,
      isCharged: () => this.breaker?.isClosed !== false,
      onProgress: () => this.#gate.update(),
      onBlocked: problem => this.#gate.setProblem('store', problem),
      onBroken: problem => this.#gate.setProblem('dispatch', problem),
    })
    this.#intake = new EventIntake(options, {
      ...{ owner: this, order: this.#order, parked: this.#parked, settlement: this.#settlement },
    })
    const { windows } = this.#admission
    this.inspection = new Inspection({
      ...{ windows, ordering: options.ordering, order: this.#order, parked: this.#parked, routes: this.#routes, now },
    })
  }

  get state(): TriggerState {
    return this.#gate.state
  }

  /** Why nothing starts while nobody has paused it: it or its function is disabled. */
  get heldFor(): string | undefined {
    return this.#gate.heldFor
  }

  get pauseRecord(): PauseRecord | undefined {
    return this.#gate.pauseRecord
  }

  /** Every pause that keeps events of it from starting, as far as they are its own; versions have theirs. */
  get holds(): readonly Hold[] {
    const { pauseRecord: pause } = this
    return [...(pause === undefined ? [] : [{ kind: 'trigger', pause } as const]), ...this.#paused.all]
  }

  /** Whether events of a partition that are not taken in yet wait for the end of a pause. */
  isPartitionPaused(partition: number): boolean {
    return this.#paused.hasPartition(partition)
  }

  /** Events in memory that wait for the end of the pause of a partition, a key or a version. */
  get held(): number {
    return this.#order.held
  }

  /** What is wrong, so that nothing starts although nobody has paused or held the trigger; undefined when all is well. */
  get problem(): string | undefined {
    return this.#gate.problem
  }

  /** The parts of which one is wrong. */
  get troubled(): TriggerGate['troubled'] {
    return this.#gate.troubled
  }

  /** Why some or all of its events do not start, whatever the reason but a pause; undefined when nothing hinders them. */
  get detail(): string | undefined {
    const { unrouted, problem } = this.#routes
    const waiting = unrouted.events === 0 ? undefined : `${unrouted.events} events wait: ${problem}`
    return this.problem ?? this.#gate.heldFor ?? waiting
  }

  /** The versions that it feeds now. */
  get routes(): readonly TriggerRoute[] {
    return [...this.#routes.attached]
  }

  get counters(): Readonly<TriggerCounters> {
    return this.#settlement.counters
  }

  /** From acceptance to completion, in ms. */
  get acceptToDoneMs(): Histogram {
    return this.#settlement.acceptToDoneMs
  }

  /** Events that could start now, over all versions. */
  get runnable(): number {
    let events = 0
    for (const route of this.#routes.attached) events += route.runnable
    return events
  }

  /** How many events may start at a time: any number, none, or those that probe for the circuit breaker. */
  get startable(): number {
    if (this.state === 'running') return Infinity
    return this.state === 'probing' ? (this.breaker?.room ?? 0) : 0
  }

  /** Events whose version is not there. */
  get unrouted(): number {
    return this.#routes.unrouted.events
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
    return this.#admission.progress()
  }

  /**
   * @param pause the pause that was in force when the gateway stopped. A hold may be set before.
   * @param parts the pauses of its partitions and keys.
   */
  async start(pause: PauseRecord | undefined, parts?: PartPauses): Promise<void> {
    this.#gate.preset(pause)
    this.breaker?.preset(pause)
    if (parts !== undefined) this.#paused.restore(parts)
    await this.#parked.load()
    await this.#crashes.load()
    this.#gate.start()
    await this.#admission.start()
  }

  /**
   * Starts no further invocation; resolves when none is running any more, or when the pause was taken back meanwhile (see
   * `state`). The caller has made the pause durable before.
   */
  pause(pause: PauseRecord): Promise<void> {
    this.breaker?.paused(pause)
    return this.#gate.pause(pause)
  }

  resume(): void {
    this.breaker?.resumed()
    this.#gate.resume()
  }

  /**
   * Starts nothing more of a partition or key; resolves when nothing of it is in a worker any more, or when the pause was
   * taken back meanwhile. Also while the trigger stops: what is in a frame may still begin. The caller has made the pause
   * durable before.
   */
  async pausePart(part: PausedPart, pause: PauseRecord): Promise<void> {
    this.#paused.set(part, pause)
    this.#order.reroute()
    await this.#gate.until(() => !this.#paused.has(part) || !this.#order.isRunning(part))
  }

  resumePart(part: PausedPart): void {
    this.#paused.delete(part)
    this.#order.reroute()
    this.#parked.releaseHeld(hold => hold.kind === part.kind)
  }

  /**
   * Starts nothing for another reason than a pause, as exactly: resolves when nothing is running any more, or when the
   * hold was taken back meanwhile. Another reason replaces the one before; a hold is not kept across restarts.
   */
  hold(reason: string): Promise<void> {
    return this.#gate.hold(reason)
  }

  release(): void {
    this.#gate.release()
  }

  /**
   * The table of routes gives other answers from now on. What is ready chooses its version again, everything else when it
   * becomes ready; what is in frames ends where it is.
   */
  reroute(): void {
    this.#order.reroute()
    this.#parked.releaseHeld(hold => hold.kind === 'version')
  }

  /** Runs what a redrive has parked, see {@link ParkedKeys.adopt}. */
  redrive(places: readonly EventPlace[]): void {
    this.#parked.adopt(places)
  }

  /** Takes what is ready for a version into a frame; each event comes back through {@link settled}. */
  take(route: TriggerRoute, size: FrameSize, into: Invocation[]): void {
    const { startable } = this
    if (startable === 0) return
    // Of different keys as far as there are any, and no more than may start.
    const bounded = this.state === 'probing' ? { maxEvents: Math.min(size.maxEvents, startable), maxPerKey: 1 } : size
    const onTaken = (delivery: Delivery): void => {
      this.#running++
      this.breaker?.started()
      route.running++
      this.#admission.began(delivery.lane.window)
      if (this.#options.tracer.enabled) startProcessSpan(this.#options, delivery)
    }
    this.#order.take(route, bounded, into, onTaken, startable)
  }

  settled(delivery: Delivery, outcome: InvocationOutcome): void {
    const { lane, route } = delivery
    lane.inFrame--
    this.#running--
    if (route !== undefined) {
      route.running--
      route.engine.stats.ended(outcome, lane.readyAtMs, turnTimeMs())
      if (!delivery.alone) route.engine.released(outcome)
    }
    if (lane.window.assigned) this.#settlement.apply(delivery, outcome)
    else delivery.span?.end('the partition was revoked')
    this.breaker?.ended(outcome)
    if (delivery.alone) this.#crashes.ended(delivery, outcome)
    if (lane.inFrame === 0) this.#order.settled(lane)
    this.#admission.ended(lane.window)
    if (route?.isStale === true) this.#routes.settled(route)
    if (this.#running === 0 || this.#gate.isAwaited) this.#gate.update()
  }

  /**
   * Lets running events finish for up to `drainMs` (Infinity: as long as they take), commits what is complete, leaves the
   * group and detaches from all versions. Resolves with whether they did: what did not is repeated at the next start.
   * Another trigger may follow with the same group and uid as soon as {@link ended} resolves, or at once after true.
   */
  async stop(drainMs: number): Promise<boolean> {
    if (this.#gate.isStopped) return true
    this.#gate.stopping()
    this.breaker?.stop()
    this.#admission.close()
    const limit = new AbortController()
    const timer = Number.isFinite(drainMs) ? setTimeout(() => (limit.abort(), this.#gate.update()), drainMs) : undefined
    if (this.#runsOnce) await this.#keepClaimed(limit.signal)
    await this.#untilQuiet(limit.signal)
    const { parkAtStop, ordering } = this.#options
    // Where a whole partition is in order, only what no function is given is complete behind something that is not.
    const mustPark = this.#runsOnce || (parkAtStop === true && ordering !== 'partition')
    if (mustPark && !limit.signal.aborted) {
      this.#order.parkLeftovers()
      await this.#untilQuiet(limit.signal)
    }
    clearTimeout(timer)
    const drained = this.#isQuiet
    this.#settlement.stop()
    this.#parked.stop()
    this.#crashes.stop()
    this.#order.stop()
    const isCommitted = await this.#admission.stop()
    this.#gate.stopped()
    return drained && isCommitted
  }

  /** Resolves when nothing of a stopped trigger is in a worker or on its way to a sink any more. */
  ended(): Promise<void> {
    return this.#gate.until(() => this.state === 'stopped' && this.#isQuiet)
  }

  async #untilQuiet(limit: AbortSignal): Promise<void> {
    await this.#gate.until(() => this.#isQuiet || limit.aborted)
  }

  /** What is committed and has not run is parked at once: the time that a stop has may not suffice for what runs. */
  async #keepClaimed(limit: AbortSignal): Promise<void> {
    await Promise.race([this.#admission.settleClaims(), this.#gate.until(() => limit.aborted)])
    this.#parked.close()
    this.#order.parkLeftovers()
  }

  get #runsOnce(): boolean {
    return this.#options.delivery === 'at-most-once'
  }

  get #isQuiet(): boolean {
    return this.#running === 0 && this.#settlement.finishing === 0 && !this.#parked.isTaking
  }

  #changed(state: TriggerState): void {
    // What became ready meanwhile has found no version, or has waited for something else than a worker.
    if (state === 'running' || state === 'probing') {
      this.reroute()
      this.#admission.goOn()
    }
    this.#options.onState?.(state)
  }
}
