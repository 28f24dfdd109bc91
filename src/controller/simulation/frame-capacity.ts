/** What decides how many events a worker gets at a time. */
export interface FrameFacts {
  readonly serviceTimeMs: number | undefined
  /** Share of a core that a worker keeps busy. */
  readonly cpuShare: number
  readonly concurrency: number
  readonly runnable: number
  readonly freeSlots: number
}

const targetFrameMs = 10
const minSharedEvents = 16
const maxFrameEvents = 1_024

/** The rule of the dispatcher (dispatch/frame-size.ts), which this folder cannot import; a test compares the two. */
export function frameCapacity(facts: FrameFacts): { readonly maxEvents: number; readonly maxPerKey: number } {
  if (facts.serviceTimeMs === undefined) return { maxEvents: 1, maxPerKey: 1 }
  const serviceMs = Math.max(facts.serviceTimeMs, 0.001)
  const maxPerKey = within(targetFrameMs / serviceMs)
  const byTime = Math.min(
    within(targetFrameMs / Math.max(serviceMs * facts.cpuShare, 0.001)),
    maxPerKey * facts.concurrency,
  )
  const floor = serviceMs * minSharedEvents < 1 ? minSharedEvents : 1
  const share = Math.max(floor, Math.ceil(facts.runnable / Math.max(facts.freeSlots, 1)))
  return { maxEvents: Math.max(1, Math.min(byTime, share, maxFrameEvents)), maxPerKey }
}

/** What decides whether events join a busy worker. */
export interface JoinFacts {
  readonly serviceTimeMs: number | undefined
  /** Of late: handler time, and time in which threads computed or waited for a core. */
  readonly handlerMs: number
  readonly activeMs: number
  readonly concurrency: number
  /** Of the time of a worker, 0 to 1. */
  readonly activeShare: number
  /** Events in the worker that have not ended. */
  readonly open: number
}

const joinFromMs = 1
const fullShare = 0.9

/** How many may join it now: the rule of the pool (workers/session-room.ts), which a test compares, too. */
export function joinCapacity(facts: JoinFacts): number {
  const { serviceTimeMs = 0, handlerMs, activeMs, activeShare, concurrency, open } = facts
  const fill = Math.floor(handlerMs / Math.max(activeMs, 0.001))
  if (serviceTimeMs < joinFromMs || activeShare > fullShare || fill < 2) return 0
  return Math.max(0, Math.min(concurrency, fill) - open)
}

function within(events: number): number {
  return Math.max(1, Math.min(Math.floor(events), maxFrameEvents))
}
