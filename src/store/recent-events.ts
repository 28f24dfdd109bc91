import type { EventMoment, EventPosition } from './event-moment.ts'

/** Moments that are written together. */
export interface MomentChunk {
  /** Of events that something went wrong with: they are kept longer, and whatever the rate. */
  readonly isNotable: boolean
  readonly fromMs: number
  readonly toMs: number
  /** Events that begin in it, to be counted should it not be kept. */
  readonly events: number
  /** Encoded moments, one behind the other. */
  readonly data: Uint8Array
}

/** Events whose moments are not in the index: more came than it takes, or it could not write, or the process died. */
export interface MomentGap {
  readonly fromMs: number
  readonly toMs: number
  /** Null: a process died, and how many moments it had not written is not known. */
  readonly events: number | null
}

export interface MomentQuery {
  readonly wanted:
    | { readonly kind: 'place'; readonly place: EventPosition }
    | { readonly kind: 'id' | 'key' | 'trace'; readonly value: string }
    | { readonly kind: 'newest' }
  readonly stream?: string
  readonly trigger?: string
  /** Only events with a failed attempt, a failed sink or a dead letter. */
  readonly failed?: boolean
  /** Of what happened last; inclusive. */
  readonly fromMs?: number
  /** Exclusive. */
  readonly toMs?: number
  /** `next` of the answer before. */
  readonly before?: number
  readonly limit: number
}

/** One event and everything that is known to have happened to it, oldest first. */
export interface RecentEvent extends EventPosition {
  readonly moments: readonly EventMoment[]
}

export interface RecentEventsAnswer {
  /** Newest first: by what happened last. */
  readonly events: readonly RecentEvent[]
  /** Null: there are no more. */
  readonly next: number | null
  readonly gaps: {
    /** Null when there was none. */
    readonly fromMs: number | null
    readonly toMs: number | null
    readonly events: number
    readonly crashes: number
  }
}

/**
 * What happened to recent events, bounded, to be looked at. May be lost: what a process that dies had not written yet, and
 * what comes faster than it is taken. Nothing waits for it, and a failure of it stops nothing.
 */
export interface RecentEvents {
  /** Takes a chunk whose memory is given away. False: it cannot be taken now; the caller counts what it had. */
  keep(chunk: MomentChunk): boolean
  /** Tells of moments that are not kept. */
  keepGap(gap: MomentGap): void
  find(query: MomentQuery): Promise<RecentEventsAnswer>
}

export interface RecentEventsBounds {
  /** Half of it belongs to events that something went wrong with. */
  readonly maxBytes: number
  readonly maxAgeMs: number
}
