import type { AssignedWindow } from './assigned-window.ts'
import type { Delivery, FailedAttempt } from './delivery.ts'
import type { KeyOrder } from './key-order.ts'
import type { Lane, LaneState } from './lane.ts'
import { loneKey } from '../store/parked-key.ts'
import type { ParkedKeys } from './parked-keys.ts'
import type { TriggerRoutes } from './trigger-routes.ts'

/** One event that waits or runs. */
export interface WaitingEvent {
  readonly offset: number
  /** The attempt that comes next or runs. */
  readonly attempt: number
  readonly lastFailure: FailedAttempt | undefined
}

/** The events of one key in memory, as they stand now. */
export interface LaneView {
  readonly key: string
  readonly partition: number
  readonly state: LaneState
  /** Events that wait or run. */
  readonly events: number
  /** The oldest of them; the others wait for it. */
  readonly head: WaitingEvent | undefined
  /** When the next attempt of the oldest is due; wall clock. */
  readonly dueAtMs: number | undefined
  /** Since when a run of it is in a frame; wall clock. The frame may still wait for its worker to start. */
  readonly runningSinceMs: number | undefined
  /** Events that have left the lane and whose results are on their way to the sinks. */
  readonly publications: number
  /** Those of them that a sink has refused: the key starts nothing before they are out. */
  readonly failingPublications: number
  /** Events that have left the lane and whose dead letter is being written. */
  readonly burying: number
  /** `name@version` that runs the oldest event, or ran the last one; undefined before a choice. */
  readonly version: string | undefined
  readonly maxAttempts: number | undefined
}

/** Where an event of a trigger stands in this process. */
export type EventPlace =
  /** Its partition is not assigned to this process now. */
  | { readonly kind: 'not-assigned' }
  /** The trigger has not taken it in; `next` is the offset that it takes next. `full`: it waits for older events to complete. */
  | { readonly kind: 'not-taken'; readonly next: number; readonly oldest: number; readonly isFull: boolean }
  /** Nothing of it is to be done here: completed, filtered, a dead letter, or its copy in the parked store counts. */
  | { readonly kind: 'complete' }
  | {
      readonly kind: 'in-lane'
      readonly lane: LaneView
      readonly event: WaitingEvent
      /** Events of its key before it. */
      readonly before: number
      readonly isRunning: boolean
    }
  /** The handler is through with it and something of it is on its way: results, a dead letter, a parked copy. */
  | { readonly kind: 'leaving'; readonly lane: LaneView | undefined }

export interface InspectionParts {
  readonly windows: ReadonlyMap<number, AssignedWindow>
  readonly order: KeyOrder
  readonly parked: ParkedKeys
  readonly routes: TriggerRoutes
  readonly ordering: 'key' | 'partition' | 'none'
  readonly now: () => number
}

/** Looks at a trigger at work for people who ask why something does not run. Changes nothing, and is not for the hot path. */
export class Inspection {
  readonly #parts: InspectionParts

  constructor(parts: InspectionParts) {
    this.#parts = parts
  }

  /** @param key '' for an event without one. */
  event(partition: number, offset: number, key: string): EventPlace {
    const window = this.#parts.windows.get(partition)
    if (window === undefined) return { kind: 'not-assigned' }
    const { tracker } = window
    const isComplete = tracker.isComplete(offset)
    if (isComplete === undefined)
      return { kind: 'not-taken', next: tracker.nextOffset, oldest: tracker.committable, isFull: window.full }
    const lane = this.#laneOf(window, offset, key)
    const found = lane === undefined ? undefined : this.#inLane(lane, offset)
    if (found !== undefined) return found
    if (isComplete) return { kind: 'complete' }
    return { kind: 'leaving', lane: lane === undefined ? undefined : this.#viewOf(lane) }
  }

  /** A parked key as far as it is in memory: whether its oldest event runs, is ready, or waits. */
  parked(
    partition: number,
    key: string,
    offset: number,
  ): { readonly stored: number; readonly lane: LaneView; readonly place: EventPlace | undefined } | undefined {
    const found = this.#parts.parked.keyOf(partition, key) ?? this.#parts.parked.keyOf(partition, loneKey(offset))
    if (found === undefined) return undefined
    return { stored: found.stored, lane: this.#viewOf(found.lane), place: this.#inLane(found.lane, offset) }
  }

  /** The lanes of a key, by partition; a key of a Kafka topic may stand in several. */
  key(key: string): readonly LaneView[] {
    const views: LaneView[] = []
    for (const { lanes } of this.#parts.windows.values()) {
      const lane = lanes.get(key)
      if (lane !== undefined) views.push(this.#viewOf(lane))
    }
    return views
  }

  /** Offsets of the events of a key that wait or run in memory, oldest first. */
  offsetsOf(partition: number, key: string, limit: number): readonly number[] {
    const offsets: number[] = []
    let delivery = this.#parts.windows.get(partition)?.lanes.get(key)?.head
    for (; delivery !== undefined && offsets.length < limit; delivery = delivery.next)
      offsets.push(delivery.record.offset)
    return offsets
  }

  /** Places of the events with this id that wait in memory. */
  find(id: string): readonly { readonly partition: number; readonly offset: number }[] {
    const found: { partition: number; offset: number }[] = []
    for (const lane of this.#lanes()) {
      for (let delivery = lane.head; delivery !== undefined; delivery = delivery.next)
        if (delivery.feed.reader.attribute(delivery.record, 'id') === id)
          found.push({ partition: delivery.partition, offset: delivery.record.offset })
    }
    return found
  }

  /** Every lane: those of keys, and of events without one. */
  *#lanes(): Iterable<Lane> {
    const { windows, ordering } = this.#parts
    for (const { lanes } of windows.values()) yield* lanes.values()
    if (ordering === 'partition') for (const window of windows.values()) yield window.partitionLane
    else for (const lane of this.#reached()) if (lane.key === '') yield lane
  }

  *#reached(): Iterable<Lane> {
    const { order, routes } = this.#parts
    for (const { ready } of routes.attached) yield* ready
    yield* routes.unrouted
    yield* order.apart()
  }

  #laneOf(window: AssignedWindow, offset: number, key: string): Lane | undefined {
    const { ordering } = this.#parts
    if (ordering === 'partition') return window.partitionLane
    return key === '' || ordering === 'none' ? this.#loneLane(window, offset) : window.lanes.get(key)
  }

  #loneLane(window: AssignedWindow, offset: number): Lane | undefined {
    for (const lane of this.#reached())
      if (lane.window === window && lane.key === '' && lane.head?.record.offset === offset) return lane
    return undefined
  }

  #inLane(lane: Lane, offset: number): Extract<EventPlace, { kind: 'in-lane' }> | undefined {
    let before = 0
    for (let delivery = lane.head; delivery !== undefined; delivery = delivery.next, before++) {
      if (delivery.record.offset !== offset) continue
      const isRunning = delivery.state === 'running'
      return { kind: 'in-lane', lane: this.#viewOf(lane), event: eventOf(delivery), before, isRunning }
    }
    return undefined
  }

  #viewOf(lane: Lane): LaneView {
    const { now, order } = this.#parts
    const { head, target, window } = lane
    const version = target?.engine.pool.version
    const dueAtMs = order.waiting.get(lane)?.dueAtMs
    // What waits has monotonic times; people want to know when.
    const wallOf = (monotonicMs: number): number => Math.round(now() + monotonicMs - performance.now())
    return {
      key: lane.key,
      partition: head?.partition ?? window.partition,
      state: lane.state,
      events: lane.length,
      head: head === undefined ? undefined : eventOf(head),
      dueAtMs: dueAtMs === undefined ? undefined : wallOf(dueAtMs),
      runningSinceMs: lane.inFrame === 0 ? undefined : wallOf(lane.takenAtMs),
      publications: lane.publications,
      failingPublications: lane.failingPublications,
      burying: lane.burying,
      version: version === undefined ? undefined : `${version.name}@${version.version}`,
      maxAttempts: target?.retry.maxAttempts,
    }
  }
}

function eventOf({ record, attempt, failures }: Delivery): WaitingEvent {
  return { offset: record.offset, attempt, lastFailure: failures?.at(-1) }
}
