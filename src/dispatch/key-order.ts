import type { Invocation } from '../workers/invocation.ts'
import { Delivery } from './delivery.ts'
import { HeldLanes } from './held-lanes.ts'
import type { Hold, PausedPart } from './hold.ts'
import { maxFrameBytes, type FrameSize } from './frame-size.ts'
import type { HostCrashes } from './host-crashes.ts'
import type { Lane } from './lane.ts'
import type { ParkedKeys } from './parked-keys.ts'
import { isOf, type PausedParts } from './paused-parts.ts'
import { isTooOld } from './retry-decision.ts'
import type { RouteTarget } from './route.ts'
import type { TriggerRoute } from './trigger-route.ts'
import type { TriggerRoutes } from './trigger-routes.ts'
import { turnTimeMs } from './turn-clock.ts'

export interface KeyOrderOptions {
  readonly parkAfterMs: number
  readonly now: () => number
  readonly parked: ParkedKeys
  readonly routes: TriggerRoutes
  readonly paused: PausedParts
  /** At most once: what has not run is nowhere but here, so a stop keeps all of it. */
  readonly isOnlyCopy: boolean
  /** Whether the trigger runs: while it does not, nothing is given up either. */
  readonly isRunning: () => boolean
  /** No version will ever run the event; it has left its lane, which is blocked. */
  readonly onUnroutable: (delivery: Delivery, thrown: unknown) => void
  /** The event has grown too old for another attempt while it waited; it has left its lane, which is blocked. */
  readonly onTooOld: (delivery: Delivery) => void
  readonly crashes: HostCrashes
  /** Nothing but recorded results of the event is to go out; it has left its lane. */
  readonly onRecorded: (delivery: Delivery) => void
  /** The event has ended the host of its worker too often; it has left its lane, which is blocked. */
  readonly onGuilty: (delivery: Delivery) => void
  /** A suspect was taken, in no frame: it is to be run alone. */
  readonly onAlone: (delivery: Delivery) => void
  /** The events of a lane below a sequence number leave memory for the parked store; `delayMs` until the first may run. */
  readonly onPark: (lane: Lane, delayMs: number, below: number) => void
}

/** Keeps the order of keys: which lanes may run, what a frame takes of them, what happens when their run comes back. */
export class KeyOrder {
  readonly #options: KeyOrderOptions
  readonly #routes: TriggerRoutes
  /** Lanes that wait for their next attempt, and until when. */
  readonly #waiting = new Map<Lane, { readonly timer: NodeJS.Timeout; readonly dueAtMs: number }>()
  /** Lanes whose partition, key or version is paused. */
  readonly #held: HeldLanes
  /** Lanes whose oldest event needs no worker, only that its trigger runs. */
  readonly #unpublished = new Set<Lane>()
  /** Lanes that have a run in a frame: its first event, or all of them where they need not be of one key. */
  readonly #inFrames = new Map<Lane, Delivery | readonly Delivery[]>()
  #stopped = false

  constructor(options: KeyOrderOptions) {
    this.#options = options
    this.#routes = options.routes
    const { parkAfterMs } = options
    const now = (): number => performance.now()
    this.#held = new HeldLanes({ parkAfterMs, now, onOverdue: (lane, hold) => this.#overdue(lane, hold) })
  }

  /** Lanes that wait for the next attempt of their oldest event, and when that is due. */
  get waiting(): ReadonlyMap<Lane, { readonly dueAtMs: number }> {
    return this.#waiting
  }

  /** Lanes that stand in no queue of a version: they wait for an attempt or their trigger, are held, or have a run in a frame. */
  *apart(): Iterable<Lane> {
    yield* this.#waiting.keys()
    yield* this.#held.lanes
    yield* this.#unpublished
    yield* this.#inFrames.keys()
  }

  /** Puts an event behind the others of its key. */
  push(delivery: Delivery): void {
    const { lane } = delivery
    lane.push(delivery)
    if (lane.state === 'idle') {
      if (lane.held) lane.state = 'blocked'
      else this.makeReady(lane)
    } else if (lane.state === 'ready') (lane.route as TriggerRoute).ready.events++
    else if (lane.state === 'unrouted') this.#routes.unrouted.events++
    if (lane.route !== undefined) lane.route.engine.received++
  }

  /**
   * Takes what is ready for a version: of each lane its oldest events as one run, at most `size.maxPerKey`. They are in
   * the frame from here on; {@link settled} is to be called when all of a lane's run came back.
   * @param maxTaken bound of what is taken in all, with suspects that run beside the frame.
   */
  take(
    { ready }: TriggerRoute,
    size: FrameSize,
    into: Invocation[],
    onTaken: (delivery: Delivery) => void,
    maxTaken = Infinity,
  ): void {
    const { crashes } = this.#options
    let bytes = 0
    let alone = 0
    let postponed: Lane | undefined
    while (into.length < size.maxEvents && into.length + alone < maxTaken && bytes < maxFrameBytes) {
      const lane = ready.shift()
      if (lane === undefined) return
      if (!lane.window.assigned) continue
      if (lane.held) {
        lane.state = 'blocked'
        continue
      }
      if (this.#isTooOld(lane)) {
        this.#giveUp(lane, this.#options.onTooOld)
        continue
      }
      if (lane === postponed) return ready.push(lane)
      if (crashes.has(lane.head as Delivery)) {
        if (crashes.isGuilty(lane.head as Delivery)) this.#giveUp(lane, this.#options.onGuilty)
        else if (crashes.hasRoom) {
          this.#takeAlone(lane, onTaken)
          alone++
        } else {
          // It is the turn of those behind it.
          ready.push(lane)
          postponed ??= lane
        }
        continue
      }
      const maxEvents = Math.min(size.maxPerKey, size.maxEvents - into.length)
      bytes += this.#takeRun(lane, maxEvents, maxFrameBytes - bytes, into, onTaken)
    }
  }

  /** Every event of the lane's run came back: it runs on, waits for its retry, is parked, or is empty. */
  settled(lane: Lane): void {
    this.#inFrames.delete(lane)
    if (!lane.window.assigned) {
      // Its events are another owner's now: they are neither tried again nor parked from here.
      lane.state = 'idle'
      return
    }
    if (lane.held) {
      lane.state = 'blocked'
      return
    }
    const delayMs = lane.retryInMs
    lane.retryInMs = undefined
    lane.state = 'idle'
    if (lane.length === 0) {
      if (lane.publications === 0) lane.window.release(lane)
    } else if (delayMs === undefined) {
      lane.blockedSinceMs = 0
      this.makeReady(lane)
    } else this.#postpone(lane, delayMs)
  }

  makeReady(lane: Lane): void {
    // Queued twice, a lane would run its head twice at a time.
    if (lane.state === 'ready' || lane.state === 'unrouted' || lane.state === 'held' || lane.state === 'running') return
    if (lane.length === 0 || !lane.window.assigned || this.#stopped) return
    const hold = this.#options.paused.holdOf(lane.head as Delivery)
    if (hold !== undefined) return this.#hold(lane, hold)
    let isRouted: boolean
    try {
      isRouted = this.#routes.choose(lane)
    } catch (thrown) {
      // Whoever has paused the trigger may be about to make the version.
      if (this.#options.isRunning()) return this.#giveUp(lane, delivery => this.#options.onUnroutable(delivery, thrown))
      isRouted = false
    }
    if (!isRouted) {
      lane.state = 'unrouted'
      return this.#routes.unrouted.push(lane)
    }
    const { ready, engine } = lane.route as TriggerRoute
    const { pauseRecord: pause } = engine
    if (pause !== undefined) {
      const { name, version } = engine.pool.version
      return this.#hold(lane, { kind: 'version', function: name, version, pause })
    }
    if ((lane.head as Delivery).recorded !== undefined) return this.#publish(lane)
    lane.state = 'ready'
    lane.readyAtMs = turnTimeMs()
    ready.push(lane)
    engine.schedule()
  }

  /** The versions changed, or the trigger runs again: what waits for a version chooses anew, the rest when it is ready. */
  reroute(): void {
    const unpublished = [...this.#unpublished]
    this.#unpublished.clear()
    for (const lane of [...this.#routes.recall(), ...this.#held.recall(), ...unpublished]) {
      lane.state = 'idle'
      this.makeReady(lane)
    }
    this.#routes.sweep()
  }

  /** Events in memory that wait for the end of a pause. */
  get held(): number {
    return this.#held.events
  }

  /** Whether an event of a paused part is in a frame. */
  isRunning(part: PausedPart): boolean {
    for (const run of this.#inFrames.values())
      if (run instanceof Delivery ? isOf(part, run) : run.some(delivery => isOf(part, delivery))) return true
    return false
  }

  /**
   * Parks what stands in front of something that is complete and would otherwise be repeated with it, or what nothing but
   * this memory has. To be called when nothing is to start any more; runs that are under way leave their keys for later.
   */
  parkLeftovers(): void {
    const { onPark, isOnlyCopy } = this.#options
    const park = (lane: Lane, delayMs: number): void => {
      if (isOnlyCopy) return onPark(lane, delayMs, Infinity)
      const { sequence } = lane.head as Delivery
      const { newestComplete } = lane.window.tracker
      // Of a parked key all is in the store already.
      if (sequence >= 0 && sequence < newestComplete && lane.window.assigned) onPark(lane, delayMs, newestComplete)
    }
    for (const lane of [...this.#routes.recall(), ...this.#held.recall()]) park(lane, 0)
    for (const [lane, { dueAtMs }] of this.#waiting) park(lane, Math.max(0, Math.ceil(dueAtMs - performance.now())))
  }

  stop(): void {
    this.#stopped = true
    for (const { timer } of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
    this.#held.stop()
    this.#unpublished.clear()
    this.#routes.close()
  }

  /** What a pause says about a lane that could run: it waits, aside when others of its partition are to pass it. */
  #hold(lane: Lane, hold: Hold): void {
    const { parked, parkAfterMs, isOnlyCopy } = this.#options
    // It is in the store already, unless it had to leave it to run.
    if ((lane.head as Delivery).sequence < 0)
      return isOnlyCopy ? this.#held.add(lane, hold) : parked.setAside(lane, hold)
    // Where all of a partition is in order, a paused key holds it up.
    if (hold.kind === 'key' && Number.isFinite(parkAfterMs) && !parked.isFull) {
      if (lane.publications === 0) this.#options.onPark(lane, 0, Infinity)
      // It comes here again when they are out.
      else lane.state = 'blocked'
    } else this.#held.add(lane, hold)
  }

  /** A partition keeps its place in the log, and so does everything when no other version of the trigger can run. */
  #overdue(lane: Lane, hold: Hold): void {
    if (
      (lane.head as Delivery).sequence < 0 ||
      hold.kind === 'partition' ||
      lane.publications > 0 ||
      this.#options.parked.isFull
    )
      return
    if (hold.kind === 'version' && lane.targets?.every(({ engine }) => engine.pauseRecord !== undefined) === true)
      return
    this.#held.remove(lane)
    this.#options.onPark(lane, 0, Infinity)
  }

  /** Takes no worker, and starts nothing all the same while the trigger does not run. */
  #publish(lane: Lane): void {
    if (!this.#options.isRunning()) {
      lane.state = 'held'
      this.#unpublished.add(lane)
      return
    }
    const delivery = lane.shift() as Delivery
    delivery.target = lane.target
    this.#options.onRecorded(delivery)
  }

  #giveUp(lane: Lane, bury: (delivery: Delivery) => void): void {
    lane.state = 'blocked'
    bury(lane.shift() as Delivery)
  }

  /** An attempt may begin later than it was due: after a pause or a restart, or because no worker was free. */
  #isTooOld({ head, target }: Lane): boolean {
    const { attempt, record } = head as Delivery
    if (attempt === 1) return false
    return isTooOld(attempt, (target as RouteTarget).retry, this.#options.now() - record.timestampMs)
  }

  #postpone(lane: Lane, delayMs: number): void {
    lane.state = 'waiting'
    const head = lane.head as Delivery
    if (head.sequence < 0) void this.#options.parked.postpone(head, delayMs)
    else if (this.#isTooLong(lane, delayMs)) this.#options.onPark(lane, delayMs, Infinity)
    else if (!this.#stopped) {
      const timer = setTimeout(() => {
        this.#waiting.delete(lane)
        this.makeReady(lane)
      }, delayMs)
      this.#waiting.set(lane, { timer, dueAtMs: performance.now() + delayMs })
    }
  }

  /** Parked events publish by themselves, so results of the key that are still on their way go first. */
  #isTooLong(lane: Lane, delayMs: number): boolean {
    const { parkAfterMs, parked } = this.#options
    return !parked.isFull && lane.publications === 0 && performance.now() + delayMs - lane.blockedSinceMs > parkAfterMs
  }

  #takeAlone(lane: Lane, onTaken: (delivery: Delivery) => void): void {
    const delivery = lane.head as Delivery
    this.#takeRun(lane, 1, maxFrameBytes, [], onTaken)
    this.#options.onAlone(delivery)
  }

  #takeRun(
    lane: Lane,
    maxEvents: number,
    maxBytes: number,
    into: Invocation[],
    onTaken: (delivery: Delivery) => void,
  ): number {
    lane.state = 'running'
    const first = into.length
    this.#inFrames.set(lane, lane.head as Delivery)
    lane.takenAtMs = turnTimeMs()
    const { crashes } = this.#options
    let bytes = 0
    let delivery = lane.head
    for (let index = 0; delivery !== undefined && index < maxEvents; index++, delivery = delivery.next) {
      if (index > 0 && (bytes >= maxBytes || crashes.has(delivery) || !this.#isNext(lane, delivery))) break
      delivery.state = 'running'
      delivery.followsPrevious = index > 0
      delivery.route = lane.route
      delivery.target = lane.target
      bytes += delivery.byteLength
      lane.inFrame++
      into.push(delivery)
      onTaken(delivery)
    }
    // Without a name it holds many keys, if it holds several events.
    if (lane.key === '' && lane.inFrame > 1) this.#inFrames.set(lane, into.slice(first) as Delivery[])
    return bytes
  }

  /** Whether a later event of a lane may be in one run with its oldest one. */
  #isNext(lane: Lane, delivery: Delivery): boolean {
    if (delivery.recorded !== undefined) return false
    return this.#routes.isSame(lane, delivery) && this.#options.paused.holdOf(delivery) === undefined
  }
}
