import type { BatchOptions } from '../functions/function-version.ts'
import { batchEnd, type BatchFacts } from '../workers/batch-plan.ts'
import type { Invocation } from '../workers/invocation.ts'
import type { WorkerPool } from '../workers/worker-pool.ts'

/**
 * A frame never holds more than this, however fast its function is. The worker has nothing to do while the main thread
 * decodes a fetch or collects garbage, so a frame of a fast function has to last a few milliseconds, too.
 */
export const maxFrameEvents = 1024
export const maxFrameBytes = 512 * 1024

/** Expected work of one frame: long enough to hide the hop to the worker, short enough for synchronous calls to wait behind it. */
const targetFrameMs = 10

/** Below this service time splitting a small backlog over workers costs more than it brings. */
const minSharedEvents = 16

export interface FrameFacts {
  /** Smoothed handler time of one event; undefined: nothing is known yet. */
  readonly serviceTimeMs: number | undefined
  /** Share of CPU time in the handler time, 0 to 1; undefined counts as 1. */
  readonly cpuShare: number | undefined
  /** Asynchronous handlers that one worker runs at a time. */
  readonly concurrency: number
  /** Most events of one call of a batch handler; absent: one event per call. */
  readonly batchEvents?: number | undefined
  /** Events that could start now. */
  readonly runnable: number
  /** Workers that could take a frame now. */
  readonly freeSlots: number
  /** Whether the worker that takes the frame has to be started first. */
  readonly isCold?: boolean
}

export interface FrameSize {
  readonly maxEvents: number
  /** Bound for events of one key: they run one after the other. */
  readonly maxPerKey: number
}

/**
 * Of the next frame for a pool as it is now.
 * @param runnable events that could start.
 * @param permits calls that may begin now; Infinity: no limits.
 */
export function nextFrameSize(pool: WorkerPool, runnable: number, permits: number): FrameSize {
  const { serviceTimeMs, cpuShare, busy, workers } = pool.stats()
  const { concurrency, batch } = pool.version
  const { freeSlots, room } = pool
  const facts = { serviceTimeMs, cpuShare, concurrency, batchEvents: batch?.maxEvents, runnable, freeSlots }
  const whole = freeSlots === 0 && room > 0 ? { maxEvents: room, maxPerKey: 1 } : chooseFrameSize(facts)
  return withinPermits(whole, permits, { ...facts, isCold: freeSlots > 0 && busy >= workers })
}

/**
 * How many events the next frame may hold. Bounded by expected time: events of different keys overlap while they wait
 * but share one CPU, events of one key add up. A function of unknown speed gets one event.
 */
export function chooseFrameSize(facts: FrameFacts): FrameSize {
  const { serviceTimeMs, concurrency, batchEvents } = facts
  if (batchEvents !== undefined) return framesOfBatches(batchEvents, serviceTimeMs)
  if (serviceTimeMs === undefined) return { maxEvents: 1, maxPerKey: 1 }
  const serviceMs = Math.max(serviceTimeMs, 0.001)
  const cpuMs = Math.max(serviceMs * (facts.cpuShare ?? 1), 0.001)
  const perKey = clamp(targetFrameMs / serviceMs)
  const byTime = Math.min(clamp(targetFrameMs / cpuMs), perKey * concurrency)
  const floor = serviceMs * minSharedEvents < 1 ? minSharedEvents : 1
  const share = Math.max(floor, Math.ceil(facts.runnable / Math.max(facts.freeSlots, 1)))
  return { maxEvents: Math.max(1, Math.min(byTime, share, maxFrameEvents)), maxPerKey: perKey }
}

/**
 * Whole batches: what a call costs hardly depends on how many events it has, so a small one is not cut smaller to be
 * shared. They run one after the other, whatever their keys.
 *
 * @param serviceTimeMs of one event: its share of the call.
 */
function framesOfBatches(batchEvents: number, serviceTimeMs: number | undefined): FrameSize {
  const batch = Math.min(batchEvents, maxFrameEvents)
  const calls = serviceTimeMs === undefined ? 1 : clamp(targetFrameMs / Math.max(serviceTimeMs * batch, 0.001))
  const maxEvents = Math.min(calls, Math.floor(maxFrameEvents / batch)) * batch
  return { maxEvents, maxPerKey: maxEvents }
}

/**
 * The part of a frame that permits allow. An event that waits in the worker for another one would hold a permit for
 * nothing, so no more go together than it runs at a time, one of each key, spread over the workers that are free; and one
 * batch at a time. A worker that starts first gets one: what waits for it begins together with what is permitted meanwhile.
 *
 * @param permits calls that may begin now; Infinity: no limits.
 */
export function withinPermits(size: FrameSize, permits: number, facts: FrameFacts): FrameSize {
  if (permits === Infinity) return size
  const { batchEvents, concurrency, freeSlots, isCold } = facts
  if (batchEvents !== undefined) {
    const maxEvents = Math.min(size.maxEvents, batchEvents)
    return { maxEvents, maxPerKey: maxEvents }
  }
  const share = isCold === true ? 1 : Math.ceil(permits / Math.max(freeSlots, 1))
  return { maxEvents: Math.max(1, Math.min(size.maxEvents, concurrency, share)), maxPerKey: 1 }
}

/** How many times a batch handler is called for the events of a frame. */
export function callsOf(frame: readonly Invocation[], batch: BatchOptions): number {
  const facts = batchFacts(frame, batch)
  let calls = 0
  for (let from = 0; from < frame.length; from = batchEnd(from, facts)) calls++
  return calls
}

/** How many events of a frame the first calls of a batch handler take. */
export function eventsOfCalls(frame: readonly Invocation[], batch: BatchOptions, calls: number): number {
  const facts = batchFacts(frame, batch)
  let events = 0
  for (let call = 0; call < calls && events < frame.length; call++) events = batchEnd(events, facts)
  return events
}

function batchFacts(frame: readonly Invocation[], { maxEvents, maxBytes = Infinity }: BatchOptions): BatchFacts {
  return {
    ...{ count: frame.length, maxEvents, maxBytes },
    byteLength: index => frame[index]?.record.value?.length ?? 0,
    startsBatch: index => frame[index]?.part !== frame[index - 1]?.part,
  }
}

function clamp(events: number): number {
  return Math.max(1, Math.min(Math.floor(events), maxFrameEvents))
}
