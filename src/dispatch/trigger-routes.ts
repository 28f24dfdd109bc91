import { isLone } from '../store/parked-key.ts'
import type { Delivery } from './delivery.ts'
import { ReadyQueue, type Lane } from './lane.ts'
import type { RouteTable, RouteTarget } from './route.ts'
import type { TriggerDispatch } from './trigger-dispatch.ts'
import { TriggerRoute } from './trigger-route.ts'
import { chooseVersion, hashKey, hashPosition } from './version-choice.ts'
import type { VersionDispatch } from './version-dispatch.ts'

/** The versions that a trigger feeds now, and the choice between them. */
export class TriggerRoutes {
  /** Keys whose oldest event no version can run now: they keep their place until the table changes. */
  readonly unrouted = new ReadyQueue()
  readonly #trigger: TriggerDispatch
  readonly #table: RouteTable
  readonly #attached = new Map<VersionDispatch, TriggerRoute>()
  #last: TriggerRoute | undefined

  constructor(trigger: TriggerDispatch, table: RouteTable) {
    this.#trigger = trigger
    this.#table = table
  }

  get attached(): Iterable<TriggerRoute> {
    return this.#attached.values()
  }

  /** Why events wait that no version can run. */
  get problem(): string {
    return this.#table.problem ?? 'no version is there to run them'
  }

  /**
   * Chooses the version of a lane's oldest event; false when none can run it now.
   * @throws what the table throws for an event that nothing will ever run.
   */
  choose(lane: Lane): boolean {
    const delivery = lane.head as Delivery
    const targets = this.#table.targetsOf(delivery)
    if (targets.length === 0) return false
    const target = targetOf(targets, delivery)
    const route = this.#routeTo(target.engine)
    route.weight = target.weight
    route.isStale = false
    lane.targets = targets
    lane.target = target
    lane.route = route
    return true
  }

  /** Whether a later event of a lane goes where its oldest one goes, so that both may be in one run. */
  isSame(lane: Lane, delivery: Delivery): boolean {
    let targets: readonly RouteTarget[]
    try {
      targets = this.#table.targetsOf(delivery)
    } catch {
      // It is told when the event is the oldest one.
      return false
    }
    // One key, one set of weights, one choice. A lane without a name holds events of many keys, if it holds several.
    if (targets === lane.targets && (lane.key !== '' || targets.length === 1)) return true
    return targets.length > 0 && targetOf(targets, delivery).engine === lane.target?.engine
  }

  /** The table changed: gives back all lanes that wait for a version, in the order in which they became ready. */
  recall(): readonly Lane[] {
    const lanes: Lane[] = []
    for (const route of this.#attached.values()) {
      route.isStale = true
      drain(route.ready, lanes)
    }
    drain(this.unrouted, lanes)
    return lanes
  }

  /** Detaches what no key has chosen since {@link recall} and what nothing runs on. */
  sweep(): void {
    for (const route of this.#attached.values()) this.settled(route)
  }

  /** An event came back from a version. */
  settled(route: TriggerRoute): void {
    if (!route.isStale || !route.isAttached || route.running > 0 || !route.ready.empty) return
    this.#attached.delete(route.engine)
    this.#detach(route)
  }

  schedule(): void {
    for (const route of this.#attached.values()) route.engine.schedule()
  }

  /** Detaches everything; what is in frames comes back all the same. */
  close(): void {
    this.recall()
    for (const route of this.#attached.values()) this.#detach(route)
    this.#attached.clear()
  }

  #routeTo(engine: VersionDispatch): TriggerRoute {
    // Most keys go where the one before went.
    if (this.#last?.engine === engine && this.#last.isAttached) return this.#last
    let route = this.#attached.get(engine)
    if (route === undefined) {
      route = new TriggerRoute(this.#trigger, engine)
      this.#attached.set(engine, route)
      engine.attach(route)
    }
    this.#last = route
    return route
  }

  #detach(route: TriggerRoute): void {
    route.isAttached = false
    route.engine.detach(route)
  }
}

function targetOf(targets: readonly RouteTarget[], delivery: Delivery): RouteTarget {
  // Most triggers feed one version: their keys are never hashed.
  return targets.length === 1 ? (targets[0] as RouteTarget) : chooseVersion(targets, choiceHash(delivery))
}

/** What decides: the event's key, or its place when it has none. The same for every redelivery, from the store as well. */
export function choiceHash(delivery: Delivery): number {
  const key = keyOf(delivery)
  return key === '' ? hashPosition(delivery.partition, delivery.record.offset) : hashKey(key)
}

/** The key of an event, '' when it has none. Without ordering its lane has no name, and one of its own once it is parked. */
export function keyOf({ lane, feed, record }: Delivery): string {
  return isLone(lane.key, record.offset) ? feed.reader.key(record) : lane.key
}

function drain(queue: ReadyQueue, into: Lane[]): void {
  for (let lane = queue.shift(); lane !== undefined; lane = queue.shift()) into.push(lane)
}
