import type { DeadLetterStore } from './dead-letters.ts'
import type { KeptPlace } from './kept-place.ts'

/** An event of a blocked key that waits aside, durably, while its partition flows on. */
export interface ParkedEvent {
  readonly trigger: string
  readonly stream: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly header: Uint8Array
  readonly value: Uint8Array | null
  readonly timestampMs: number
  /** The attempt that comes next. */
  readonly attempt: number
  readonly failures: string
  /** Wall clock before which it must not run. */
  readonly dueAtMs: number
  /** A redrive wants this version or alias to run it; absent: what the trigger runs. Kept when the event is parked again. */
  readonly version?: string
  /** The redrive that runs it. Written by the redrive alone, as are `version` and `link`. */
  readonly redrive?: number
  /** It is a letter of stage `sink` that is being redriven: its results, and the `name@version` that made them. Only read. */
  readonly recorded?: { readonly results: string; readonly function: string }
  /** `traceparent` that its next attempts hang below; absent: what its header says. */
  readonly trace?: string
  /** `traceparent` of its last failed attempt before the redrive. */
  readonly link?: string
}

export interface ParkedKey {
  readonly partition: number
  readonly key: string
  readonly events: number
  readonly dueAtMs: number
  /** How long its oldest failure had to wait, whatever the clock shows since; 0 when nothing of it has failed. */
  readonly waitMs: number
}

/** An event that may end, or has ended, the host of its worker. */
export interface Suspect extends KeptPlace {
  /** How often it has. */
  readonly crashes: number
  /** It has begun to run alone and is not known to have come to an end. */
  readonly isRunning: boolean
  /** Alone in the whole process, not only in its worker. */
  readonly isExclusive: boolean
  /** The attempt that runs or comes next. */
  readonly attempt: number
  /** The attempts so far, JSON. */
  readonly failures: string
  readonly sinceMs: number
}

export interface PauseRecord {
  readonly reason: string
  readonly by: string
  readonly sinceMs: number
  /** It ends by itself then; absent: somebody has to end it. */
  readonly expiresAtMs?: number
  /** Made by the circuit breaker of a trigger, which may end it: so often has probing failed since. Absent: a person's. */
  readonly failedProbes?: number
}

/**
 * What is small and needs queries: dead letters, parked events, pauses, the last ticks of schedules. Every promise of a
 * writing method resolves once the change is durable (SQLite in WAL mode with synchronous=FULL, one transaction per
 * round of waiting calls).
 * Parked events are keyed by (trigger, stream, partition, offset): a repeat overwrites.
 */
export interface HomeStore extends DeadLetterStore {
  park(events: readonly ParkedEvent[]): Promise<void>
  /** Oldest parked events of a key, by offset. */
  parkedOf(
    trigger: string,
    stream: string,
    partition: number,
    key: string,
    limit: number,
  ): Promise<readonly ParkedEvent[]>
  /** Keys that have parked events. */
  parkedKeys(trigger: string): Promise<readonly ParkedKey[]>
  parkedAt(place: KeptPlace): Promise<ParkedEvent | undefined>
  /** The parked event of a trigger that was accepted first. */
  oldestParked(trigger: string): Promise<ParkedEvent | undefined>
  /** The event is done: it is parked no longer, and its letter goes if it was being redriven. */
  unpark(event: KeptPlace): Promise<void>

  /**
   * Places of the dead letters and parked events that may have this event id, at most `limit` of each. Looks through all
   * of them. The id of a parked event is only looked for among the bytes of its header: a place may be of another event.
   */
  placesOf(eventId: string, limit: number): Promise<readonly KeptPlace[]>

  /** Keeps what is known of a suspect; overwrites. */
  putSuspect(suspect: Suspect): Promise<void>
  /**
   * The process before this one ended while workers had these events: each is a suspect that runs exclusively from now on,
   * and one that did so already (`isRunning`, `isExclusive`) has ended it. Called again it charges nobody again.
   */
  processEnded(places: readonly KeptPlace[], nowMs: number): Promise<void>
  suspectsOf(trigger: string, stream: string, nowMs: number): Promise<readonly Suspect[]>
  removeSuspect(place: KeptPlace): Promise<void>

  /** @param scope what is paused, as gateway/pauses/pause-scope.ts writes it. */
  pause(scope: string, pause: PauseRecord): Promise<void>
  resume(scope: string): Promise<void>
  pauses(): Promise<ReadonlyMap<string, PauseRecord>>

  /** Forgets the parked events, the redrives and the pauses of a trigger that is deleted; its dead letters stay. */
  forgetTrigger(trigger: string): Promise<void>

  /** Up to when the ticks of a schedule source are done, in ms since the epoch; undefined for one that never ran. */
  scheduleTick(source: string): Promise<number | undefined>
  /** Never moves back: an earlier time than the kept one changes nothing. */
  putScheduleTick(source: string, tickMs: number): Promise<void>

  close(): Promise<void>
}
