import { SluiceError } from '../errors/sluice-error.ts'
import type { CallLimits } from '../functions/function-version.ts'
import type { PauseRecord } from '../store/home-store.ts'
import type { Invocation, InvocationOutcome } from '../workers/invocation.ts'
import type { WorkerPool } from '../workers/worker-pool.ts'
import type { Delivery } from './delivery.ts'
import type { DirectInvocation } from './direct-invocation.ts'
import { CallPermits, type PermitUser } from './call-permits.ts'
import { DirectQueue } from './direct-queue.ts'
import { callsOf, eventsOfCalls, nextFrameSize } from './frame-size.ts'
import { runnableOf, type FrameSource } from './frame-source.ts'
import { pausedError } from './hold.ts'
import type { ProcessGate } from './process-gate.ts'
import { watchedFrameEvents, type FrameNote, type RunRecord } from './run-record.ts'
import type { TriggerRoute } from './trigger-route.ts'
import { versionSeed } from './version-choice.ts'
import { VersionStats } from './version-stats.ts'

export interface VersionDispatchOptions {
  readonly pool: WorkerPool
  /** Direct invocations that may wait; beyond it they are refused with SLUICE_DISPATCH_OVERLOADED. Default 1,024. */
  readonly maxWaitingInvocations: number
  /** Bytes of the direct invocations that may wait; one alone may be larger. Default 64 MiB. */
  readonly maxWaitingBytes?: number
  /** Work waits and the pool has no permit: scaling from zero happens on the dispatch path, without waiting for a tick. */
  readonly onStarved: () => void
  /** Shared by the versions of a function. Default: of its own. */
  readonly permits?: CallPermits
  /** Closed while something runs alone in the process. */
  readonly gate?: ProcessGate
  /** Told which frames of triggers run, after a process that died. */
  readonly record?: RunRecord | undefined
}

/**
 * Feeds one worker pool: frames from the triggers of its version in turn, direct invocations within their share, and what
 * shadows copied when nothing else waits; never more than the limits of the function permit.
 */
export class VersionDispatch implements PermitUser {
  readonly pool: WorkerPool
  /** Those of all versions of the function. */
  readonly permits: CallPermits
  /** Tells the version apart in the choice of version-choice.ts. */
  readonly seed: number
  readonly stats = new VersionStats()
  /** Events that arrived while their key belonged to this version, for the rate of arrivals. Triggers count here. */
  received = 0
  readonly #options: VersionDispatchOptions
  readonly #routes: TriggerRoute[] = []
  readonly #shadows: FrameSource[] = []
  readonly #direct: DirectQueue
  /** Events that are to run in a frame of their own. */
  readonly #alone: Delivery[] = []
  /** What the last look at the permits found. To look again would find those that came since, and wait for none. */
  #lacksPermit = false
  #lacksPermitToCopy = false
  #directFrames = 0
  /** Frames that the pool has. */
  #frames = 0
  /** Direct invocations and copies in them; of events the routes know how many are not settled. */
  #callsRunning = 0
  #wasDirect = false
  #turn = 0
  #scheduled = false
  #stopping = false
  #pause: PauseRecord | undefined
  /** Called when nothing runs any more. */
  #quiet: (() => void)[] = []
  #retirements: (() => void)[] = []
  readonly #forgetGate: (() => void) | undefined

  constructor(options: VersionDispatchOptions) {
    this.#options = options
    this.pool = options.pool
    const { name, version } = this.pool.version
    this.seed = versionSeed(name, version)
    this.#direct = new DirectQueue({
      name,
      maxInvocations: options.maxWaitingInvocations,
      maxBytes: options.maxWaitingBytes,
    })
    this.permits = options.permits ?? new CallPermits()
    this.permits.join(this)
    this.pool.onFree = () => this.schedule()
    this.#forgetGate = options.gate?.onOpen(() => this.schedule())
  }

  get limits(): CallLimits | undefined {
    return this.pool.version.limits
  }

  /** `limited to 10/s` while something could start and has no permit. */
  get limitedBy(): string | undefined {
    return this.permits.reason(this)
  }

  /** Triggers whose events run here now, with their share. */
  get routes(): readonly TriggerRoute[] {
    return this.#routes
  }

  /** Called by a trigger when the first key chooses this version. */
  attach(route: TriggerRoute): void {
    this.#routes.push(route)
  }

  /** Called by a trigger when nothing of it is ready or runs here any more, and no new key chooses this version. */
  detach(route: TriggerRoute): void {
    remove(this.#routes, route)
    this.#checkRetired()
  }

  /** Copies to be run when neither events nor direct invocations wait. */
  attachShadow(shadow: FrameSource): void {
    this.#shadows.push(shadow)
  }

  detachShadow(shadow: FrameSource): void {
    remove(this.#shadows, shadow)
    this.#checkRetired()
  }

  /** While there is one, nothing of the version starts; its triggers hold the keys that choose it. */
  get pauseRecord(): PauseRecord | undefined {
    return this.#pause
  }

  /**
   * Starts nothing more, and settles the direct invocations that wait as not started; resolves when nothing runs any more, or
   * when the pause was taken back meanwhile. The triggers that feed it are to be rerouted in the same step, and again after
   * {@link resume}.
   */
  async pause(pause: PauseRecord): Promise<void> {
    this.#pause = pause
    this.#settleWaiting()
    while (this.#pause !== undefined && this.#frames > 0) await new Promise<void>(resolve => this.#quiet.push(resolve))
  }

  resume(): void {
    this.#pause = undefined
    for (const resolve of this.#quiet.splice(0)) resolve()
    this.schedule()
  }

  /** Events, direct invocations and copies that could start now. */
  get runnable(): number {
    return this.#pause === undefined ? this.#wanted + runnableOf(this.#shadows) : 0
  }

  /** Events and direct invocations that could start now, apart from a pause. */
  get #wanted(): number {
    return this.#direct.length + runnableOf(this.#routes)
  }

  get runnableKeys(): number {
    if (this.#pause !== undefined) return 0
    let keys = this.#direct.length
    for (const source of this.#routes) keys += source.runnableKeys
    for (const source of this.#shadows) keys += source.runnableKeys
    return keys
  }

  /** Events, direct invocations and copies that the pool has and that are not settled; it may still be starting their worker. */
  get running(): number {
    let events = this.#callsRunning
    for (const route of this.#routes) events += route.running
    return events
  }

  /** Whether nothing runs or waits here, and no trigger or shadow is attached. */
  get isIdle(): boolean {
    const waiting = this.#direct.length + this.#alone.length
    return this.#frames === 0 && waiting === 0 && this.#routes.length === 0 && this.#shadows.length === 0
  }

  /**
   * Resolves when nothing is attached, waits or runs any more, so that the pool can be closed. To be called when no route
   * names the version any more: one that is named and has nothing to do is idle as well.
   */
  async retired(): Promise<void> {
    while (!this.isIdle) await new Promise<void>(resolve => this.#retirements.push(resolve))
  }

  /** Fills free workers once the current burst of arrivals is in, so that a burst makes few frames instead of many. */
  schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  /**
   * @throws {SluiceError} SLUICE_DISPATCH_OVERLOADED when too many wait, SLUICE_DISPATCH_LIMITED when more wait for a permit
   *   than soon get one, SLUICE_DISPATCH_STOPPED while stopping, SLUICE_FUNCTIONS_PAUSED.
   */
  invoke(invocation: DirectInvocation): void {
    const { name, version } = this.pool.version
    if (this.#stopping) throw new SluiceError('SLUICE_DISPATCH_STOPPED', `function ${name} is stopping`)
    if (this.#pause !== undefined) throw pausedError(name, version, this.#pause)
    const { serviceTimeMs } = this.pool.stats()
    const { limits, freeAtOnce } = this.permits
    const tokenWaitMs = this.permits.tokenWaitMs(this.#direct.length + 1)
    this.#direct.checkRoom(invocation.byteLength, { limits, freeAtOnce, tokenWaitMs, serviceTimeMs })
    invocation.accepted(this.stats)
    this.#direct.push(invocation)
    this.schedule()
  }

  /** Runs an event that may end its worker, in a frame of its own; the gate is its own affair. */
  runAlone(delivery: Delivery): void {
    if (this.#pause !== undefined || this.#stopping) return delivery.settle({ kind: 'not-started' })
    this.#alone.push(delivery)
    this.#pumpAlone()
  }

  /** The handler is through with an event, a direct invocation or a copy that came in a frame of others, or never had it. */
  released(outcome: InvocationOutcome): void {
    if (this.pool.version.batch !== undefined) return
    this.permits.release(1, outcome.kind === 'not-started' && outcome.interrupted !== true ? 1 : 0)
  }

  /** Refuses direct invocations; what waits is settled as not started. */
  stop(): void {
    this.#stopping = true
    this.#forgetGate?.()
    this.#settleWaiting()
    this.permits.leave(this)
    this.#checkRetired()
  }

  #pump(): void {
    const { pool } = this
    this.#pumpAlone()
    if (this.#pause !== undefined || this.#options.gate?.isOpen === false) return this.#awaitPermit(false)
    // A trigger may turn out to have nothing; then it is the turn of direct invocations all the same.
    while (pool.freeSlots > 0 && (this.#runWanted() || this.#runCopies()));
    while (this.#mayJoin && this.#runWanted());
    if (this.runnable > 0 && pool.stats().permits === 0) this.#options.onStarved()
    this.#awaitPermit(pool.freeSlots > 0 || this.#mayJoin)
  }

  /** Whether frames go to busy workers now, where their events begin beside others that wait. */
  get #mayJoin(): boolean {
    return this.pool.freeSlots === 0 && this.pool.room > 0 && this.#options.record?.isWatching !== true
  }

  #runWanted(): boolean {
    this.#lacksPermit = this.permits.free(this) === 0
    return !this.#lacksPermit && (this.#runDirect() || this.#runEvents() || this.#runDirect())
  }

  /** Waits for a permit when that is what is missing, and only then: one is kept for whoever waits. */
  #awaitPermit(isOpen: boolean): void {
    if (this.#stopping) this.permits.stopWaiting(this)
    else if (this.#alone.length > 0 || (isOpen && this.#lacksPermit && this.#wanted > 0)) this.permits.wait(this)
    else if (isOpen && this.#hasRoomToCopy && this.#lacksPermitToCopy && runnableOf(this.#shadows) > 0)
      this.permits.waitToCopy(this)
    else this.permits.stopWaiting(this)
  }

  /** Waits for no rate, which they are charged: nothing else of the process may run meanwhile. */
  #pumpAlone(): void {
    while (this.#alone.length > 0 && this.permits.freeAtOnce > 0) this.#runOne(this.#alone.shift() as Delivery)
    if (this.#alone.length > 0) this.permits.wait(this)
  }

  #runOne(delivery: Delivery): void {
    this.#frames++
    this.permits.take(this, 1, 1)
    const noted = this.#note([delivery], delivery.route, true)
    void this.pool.run([delivery], noted?.begin).then(() => {
      noted?.end()
      this.permits.release(1)
      this.#ended()
    })
    if (this.pool.stats().permits === 0) this.#options.onStarved()
  }

  #settleWaiting(): void {
    const waiting = [...this.#direct.take(this.#direct.length), ...this.#alone.splice(0)]
    for (const invocation of waiting) invocation.settle({ kind: 'not-started' })
    this.permits.stopWaiting(this)
  }

  /**
   * Direct invocations may hold half of the workers while events wait as well; of a single worker, of the room in busy
   * ones, and of the permits of a function with limits, every other turn is theirs.
   */
  #runDirect(): boolean {
    const waiting = this.#direct.length
    if (waiting === 0) return false
    const { permits } = this.pool.stats()
    const share = Math.max(1, Math.floor(permits / 2))
    const joins = this.pool.freeSlots === 0
    const takesTurns = joins || share >= permits || this.permits.free(this) !== Infinity
    const isTurnOfEvents = (!joins && this.#directFrames >= share) || (takesTurns && this.#wasDirect)
    if (isTurnOfEvents && this.#routes.some(route => route.runnable > 0)) return false
    this.#wasDirect = true
    this.#directFrames++
    const frame = this.#direct.take(Math.min(this.#size(waiting).maxEvents, this.permits.free(this)))
    for (const invocation of frame) invocation.taken(this)
    return this.#runCalls(frame, () => this.#directFrames--)
  }

  #runEvents(): boolean {
    this.#wasDirect = false
    const frame: Invocation[] = []
    const { length } = this.#routes
    let route: TriggerRoute | undefined
    for (let i = 0; i < length && frame.length === 0; i++) {
      route = this.#routes[this.#turn++ % length] as TriggerRoute
      if (route.runnable === 0) continue
      route.take(this.#size(route.runnable), frame)
      this.#returnSurplus(frame, this.permits.free(this))
    }
    const noted = frame.length === 0 ? undefined : this.#note(frame, route, false)
    return this.#run(frame, noted?.end, noted?.begin)
  }

  #note(frame: readonly Invocation[], route: TriggerRoute | undefined, always: boolean): FrameNote | undefined {
    return route && this.#options.record?.note(route.trigger.uid, route.trigger.log.stream, frame, always)
  }

  #runCopies(): boolean {
    const permits = this.permits.freeToCopy
    this.#lacksPermitToCopy = permits === 0
    if (!this.#hasRoomToCopy || this.#lacksPermitToCopy) return false
    const frame: Invocation[] = []
    for (const shadow of this.#shadows) {
      const { runnable } = shadow
      if (runnable > 0 && frame.length === 0) shadow.take(this.#size(runnable, permits), frame)
    }
    this.#returnSurplus(frame, permits)
    return this.#runCalls(frame)
  }

  /** Events that come soon shall find a worker free: a copy may take as long as its time-out. */
  get #hasRoomToCopy(): boolean {
    return this.pool.freeSlots > (this.#routes.length > 0 ? 1 : 0)
  }

  /** How many calls a batch handler makes of a frame is known only now: what its rate does not permit goes back. */
  #returnSurplus(frame: Invocation[], permits: number): void {
    const { batch } = this.pool.version
    if (batch === undefined || this.permits.limits.ratePerSecond === undefined) return
    const surplus = frame.splice(eventsOfCalls(frame, batch, permits))
    for (const invocation of surplus) invocation.settle({ kind: 'not-started' })
  }

  #runCalls(frame: readonly Invocation[], onEnd?: () => void): boolean {
    this.#callsRunning += frame.length
    return this.#run(frame, () => {
      this.#callsRunning -= frame.length
      onEnd?.()
    })
  }

  #run(frame: readonly Invocation[], onEnd?: () => void, onBegin?: () => void): boolean {
    if (frame.length === 0) return false
    const { gate } = this.#options
    const { batch } = this.pool.version
    this.#frames++
    // The batches of a frame run one after the other.
    if (batch === undefined) this.permits.take(this, frame.length, frame.length)
    else this.permits.take(this, callsOf(frame, batch), 1)
    gate?.entered()
    void this.pool.run(frame, onBegin).then(() => {
      gate?.left()
      if (batch !== undefined) this.permits.release(1)
      onEnd?.()
      this.#ended()
    })
    return true
  }

  #ended(): void {
    this.#frames--
    this.schedule()
    this.#checkRetired()
    if (this.#quiet.length > 0 && this.#frames === 0) for (const resolve of this.#quiet.splice(0)) resolve()
  }

  #checkRetired(): void {
    if (this.#retirements.length === 0 || !this.isIdle) return
    for (const resolve of this.#retirements.splice(0)) resolve()
  }

  #size(runnable: number, permits = this.permits.free(this)) {
    const size = nextFrameSize(this.pool, runnable, permits)
    if (this.#options.record?.isWatching !== true) return size
    return { ...size, maxEvents: Math.min(size.maxEvents, watchedFrameEvents) }
  }
}

function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item)
  if (index >= 0) list.splice(index, 1)
}
