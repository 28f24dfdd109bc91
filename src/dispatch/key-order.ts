import type { Delivery } from './delivery.ts'
import { maxFrameBytes, type FrameSize } from './frame-size.ts'
import { ReadyQueue, type Lane } from './lane.ts'
import type { ParkedKeys } from './parked-keys.ts'

export interface KeyOrderOptions {
  readonly parkAfterMs: number
  readonly now: () => number
  readonly parked: ParkedKeys
  /** Called when a lane became ready. */
  readonly onReady: () => void
  /** The events of a lane leave memory for the parked store; `delayMs` until the first may run. */
  readonly onPark: (lane: Lane, delayMs: number) => void
}

/** Keeps the order of keys: which lanes may run, what a frame takes of them, what happens when their run comes back. */
export class KeyOrder {
  readonly #options: KeyOrderOptions
  readonly #ready = new ReadyQueue()
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor(options: KeyOrderOptions) {
    this.#options = options
  }

  get events(): number {
    return this.#ready.events
  }

  get keys(): number {
    return this.#ready.lanes
  }

  /** Puts an event behind the others of its key. */
  push(delivery: Delivery): void {
    const { lane } = delivery
    lane.push(delivery)
    if (lane.state === 'idle') {
      if (lane.held) lane.state = 'blocked'
      else this.makeReady(lane)
    } else if (lane.state === 'ready') this.#ready.events++
  }

  /**
   * Takes runnable events: of each ready lane its oldest ones as one run, at most `size.maxPerKey`. They are in the
   * frame from here on; {@link settled} is to be called when all of a lane's run came back.
   */
  take(size: FrameSize, into: Delivery[], onTaken: (delivery: Delivery) => void): void {
    let bytes = 0
    while (into.length < size.maxEvents && bytes < maxFrameBytes) {
      const lane = this.#ready.shift()
      if (lane === undefined) return
      if (!lane.window.assigned) continue
      if (lane.held) {
        lane.state = 'blocked'
        continue
      }
      const alone = lane.head?.alone === true
      if (alone && into.length > 0) return this.#ready.push(lane)
      const maxEvents = alone ? 1 : Math.min(size.maxPerKey, size.maxEvents - into.length)
      bytes += takeRun(lane, maxEvents, maxFrameBytes - bytes, into, onTaken)
      if (alone) return
    }
  }

  /** Every event of the lane's run came back: it runs on, waits for its retry, is parked, or is empty. */
  settled(lane: Lane): void {
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
    if (lane.state === 'ready' || lane.state === 'running') return
    if (lane.length === 0 || !lane.window.assigned) return
    lane.state = 'ready'
    this.#ready.push(lane)
    this.#options.onReady()
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #postpone(lane: Lane, delayMs: number): void {
    lane.state = 'waiting'
    const head = lane.head as Delivery
    if (head.sequence < 0) void this.#options.parked.postpone(head, delayMs)
    else if (this.#isTooLong(lane, delayMs)) this.#options.onPark(lane, delayMs)
    else {
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        this.makeReady(lane)
      }, delayMs)
      this.#timers.add(timer)
    }
  }

  /** Parked events publish by themselves, so results of the key that are still on their way go first. */
  #isTooLong(lane: Lane, delayMs: number): boolean {
    const { now, parkAfterMs } = this.#options
    return lane.publications === 0 && now() + delayMs - lane.blockedSinceMs > parkAfterMs
  }
}

function takeRun(
  lane: Lane,
  maxEvents: number,
  maxBytes: number,
  into: Delivery[],
  onTaken: (delivery: Delivery) => void,
): number {
  lane.state = 'running'
  let bytes = 0
  let delivery = lane.head
  for (let index = 0; delivery !== undefined && index < maxEvents; index++, delivery = delivery.next) {
    if (index > 0 && (delivery.alone || bytes >= maxBytes)) break
    delivery.state = 'running'
    delivery.followsPrevious = index > 0
    bytes += delivery.byteLength
    lane.inFrame++
    into.push(delivery)
    onTaken(delivery)
  }
  return bytes
}
