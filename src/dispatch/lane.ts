import type { Delivery } from './delivery.ts'
import type { AssignedWindow } from './assigned-window.ts'
import type { RouteTarget } from './route.ts'
import type { TriggerRoute } from './trigger-route.ts'

/**
 * The events of one key of one partition, in order. At most one run of its head stands in a frame at a time.
 *
 *   idle ──push──▶ ready ──take──▶ running ──all settled──▶ ready | idle
 *                    ▲                ├──an earlier event is not out yet──▶ blocked ──it is out──▶ ready | idle
 *                    │                └──head failed──▶ waiting ──due──▶ ready
 *                    └─────────── parked ◀──blocked too long──┘   (its events wait in the store, see parked-keys.ts)
 *
 * Whatever becomes ready chooses its version. `unrouted` stands in for ready while no version can run the head, and `held`
 * while its partition, its key or its version is paused, or recorded results wait for their trigger; when the routes or the pauses change, all three choose again.
 */
export type LaneState = 'idle' | 'ready' | 'unrouted' | 'held' | 'running' | 'blocked' | 'waiting' | 'parked'

export class Lane {
  readonly key: string
  readonly window: AssignedWindow
  state: LaneState = 'idle'
  head: Delivery | undefined = undefined
  tail: Delivery | undefined = undefined
  length = 0
  /** Events of the run that is in a frame and not settled yet. */
  inFrame = 0
  /** Since when the head could not run, by the monotonic clock; 0 while it can. */
  blockedSinceMs = 0
  /** Delay before the head's next attempt, set while its run is still in the frame. */
  retryInMs: number | undefined = undefined
  /** Results of this key leave in order: the last publication that is under way. */
  publishing: Promise<void> | undefined = undefined
  publications = 0
  /** Publications whose sink has refused them at least once: the key starts nothing until they are out. */
  failingPublications = 0
  /** Dead letters on their way to the store: the key starts nothing until they are durable. */
  burying = 0
  /** The choice of the version that runs the head, and what it was made of; of the last run while there is none. */
  route: TriggerRoute | undefined = undefined
  target: RouteTarget | undefined = undefined
  targets: readonly RouteTarget[] | undefined = undefined
  /** When the head became ready, by the clock of turn-clock.ts. */
  readyAtMs = 0
  /** When the run that is in a frame, or was last, was taken into it, by the same clock. */
  takenAtMs = 0
  /** Next lane of the queue that it stands in. */
  nextReady: Lane | undefined = undefined

  constructor(key: string, window: AssignedWindow) {
    this.key = key
    this.window = window
  }

  /** The key may start nothing: an earlier event of it is not out of the gateway's hands yet. */
  get held(): boolean {
    return this.burying > 0 || this.failingPublications > 0
  }

  push(delivery: Delivery): void {
    if (this.tail === undefined) this.head = delivery
    else this.tail.next = delivery
    this.tail = delivery
    this.length++
  }

  /** Takes out a settled event: the head, unless a worker died in the middle of a run. */
  remove(delivery: Delivery): void {
    if (this.head === delivery) {
      this.shift()
      return
    }
    for (let before = this.head; before !== undefined; before = before.next) {
      if (before.next !== delivery) continue
      before.next = delivery.next
      if (this.tail === delivery) this.tail = before
      delivery.next = undefined
      this.length--
      return
    }
  }

  /** Takes the head out. */
  shift(): Delivery | undefined {
    const head = this.head
    if (head === undefined) return undefined
    this.head = head.next
    if (this.head === undefined) this.tail = undefined
    head.next = undefined
    this.length--
    return head
  }
}

/** First in, first out; lanes are linked through themselves, so queueing allocates nothing. */
export class ReadyQueue {
  #head: Lane | undefined = undefined
  #tail: Lane | undefined = undefined
  /** Events in the queued lanes. */
  events = 0
  lanes = 0

  get empty(): boolean {
    return this.#head === undefined
  }

  *[Symbol.iterator](): Iterator<Lane> {
    for (let lane = this.#head; lane !== undefined; lane = lane.nextReady) yield lane
  }

  push(lane: Lane): void {
    if (this.#tail === undefined) this.#head = lane
    else this.#tail.nextReady = lane
    this.#tail = lane
    this.events += lane.length
    this.lanes++
  }

  shift(): Lane | undefined {
    const lane = this.#head
    if (lane === undefined) return undefined
    this.#head = lane.nextReady
    if (this.#head === undefined) this.#tail = undefined
    lane.nextReady = undefined
    this.events -= lane.length
    this.lanes--
    return lane
  }
}
