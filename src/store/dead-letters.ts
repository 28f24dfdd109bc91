import type { KeptPlace } from './kept-place.ts'

/** An event that used up its attempts, or a message that could not become an event, as it is written. Kept whole. */
export interface NewDeadLetter {
  /** Uid of the trigger, or `source:<name>` for a message that never became an event. */
  readonly trigger: string
  readonly stream: string
  readonly partition: number
  readonly offset: number
  readonly eventId: string
  /** The event's ordering key; '' when it has none. */
  readonly key: string
  /** Encoded event header (event-header-codec.ts), or what the record had instead of one. */
  readonly header: Uint8Array
  /** The original bytes; null for a tombstone. */
  readonly value: Uint8Array | null
  readonly stage: 'source' | 'handler' | 'sink'
  /** `name@version` of the function that ran the last attempt; '' when none did. */
  readonly function: string
  /** Last reason, e.g. `error`, `timeout`, `invalid-cloudevent`. */
  readonly reason: string
  readonly message: string
  /** The failed attempts, a JSON array. */
  readonly failures: string
  /** Results that a sink did not take (stage `sink`), JSON; '' otherwise. */
  readonly results: string
  /** When the event was accepted. */
  readonly firstSeenAtMs: number
  /** When the last attempt ended. */
  readonly lastAttemptAtMs: number
}

export interface DeadLetter extends NewDeadLetter {
  /** Assigned by the store, ascending; a letter that comes back from a redrive keeps it. */
  readonly id: number
  /** When it became a dead letter for the first time. */
  readonly createdAtMs: number
  /** Failed attempts over all its lives; `failures` holds the newest {@link maxKeptFailures} of them. */
  readonly attempts: number
  /** How many redrives of it have failed. */
  readonly redriveCount: number
  /** The redrive that it is part of now; 0: it lies still. */
  readonly redrive: number
  /** Length of the original bytes; `value` may be cut off (see {@link DeadLetterPage}). */
  readonly valueBytes: number
}

export const maxKeptFailures = 1_000

/** All that is given must hold; an empty filter matches every letter. */
export interface DeadLetterFilter {
  readonly ids?: readonly number[]
  /** Became a dead letter at this time or later. */
  readonly fromMs?: number
  /** Became a dead letter before this time. */
  readonly toMs?: number
  readonly key?: string
  readonly eventId?: string
  readonly stage?: DeadLetter['stage']
  readonly reason?: string
  /** Name of the function that ran the last attempt. */
  readonly function?: string
  /** `latest` or the number of the version that ran it. */
  readonly version?: string
  /** Part of the message, whatever its case. */
  readonly text?: string
}

/** Which of the matching letters, and how much of each. */
export interface DeadLetterPage {
  readonly filter?: DeadLetterFilter
  /** Only older ones, newest first (the default order). */
  readonly beforeId?: number
  /** Only younger ones, oldest first. */
  readonly afterId?: number
  /** Only up to this one. */
  readonly upToId?: number
  /** `value` is cut off behind so many bytes. Default: whole. */
  readonly maxValueBytes?: number
  /** The page ends early, but not empty, when its letters hold more than this. Default 8 MiB. */
  readonly maxBytes?: number
}

/** Letters with the same fate, for the plan of a redrive. */
export interface DeadLetterGroup {
  readonly stage: DeadLetter['stage']
  /** `name@version`. */
  readonly function: string
  readonly reason: string
  /** Part of a redrive now. */
  readonly isRedriving: boolean
  readonly redriveCount: number
  readonly letters: number
  readonly bytes: number
  readonly firstCreatedAtMs: number
  readonly lastCreatedAtMs: number
}

/** What a redrive takes, and how. */
export interface RedriveSpec {
  /** Uid of the trigger. */
  readonly trigger: string
  readonly filter: DeadLetterFilter
  /** Letters with a higher id came later and are not part of it. */
  readonly upToId: number
  /** Letters that it takes at most. */
  readonly total: number
  /** Letters that matched, but had failed too many redrives. */
  readonly guarded: number
  /** Letters a second; absent: as fast as the trigger takes them. */
  readonly ratePerS?: number
  /** The version or alias that runs them; absent: what the trigger runs. */
  readonly version?: string
  /** Takes letters that failed {@link maxRedrives} redrives, too. */
  readonly force: boolean
}

/**
 *   running ──every letter is taken and has succeeded or failed──▶ done
 *      └────cancelled, or the trigger is deleted──▶ cancelled (what is taken goes on to its end)
 */
export interface RedriveJob extends RedriveSpec {
  readonly id: number
  readonly state: 'running' | 'done' | 'cancelled'
  /** Letters that were taken so far; each is in flight, has succeeded or has failed. */
  readonly redriven: number
  /** The letter is deleted. */
  readonly succeeded: number
  /** The letter is back, with a longer history. */
  readonly failed: number
  readonly startedAtMs: number
  readonly endedAtMs: number | null
}

/** A letter that failed so many redrives is only taken by force: what redrives everything again and again shall end. */
export const maxRedrives = 3

/** One step of a redrive. */
export interface RedriveStep {
  /** Letters to take at most. */
  readonly limit: number
  /** Letters of the job that may be in flight at a time. */
  readonly maxInFlight: number
  readonly nowMs: number
}

export interface RedriveProgress {
  readonly job: RedriveJob
  /** Where the letters of the job stand that are in flight now: each is a parked event under a name of its own. */
  readonly inFlight: readonly { readonly partition: number; readonly offset: number }[]
  /** Nothing was taken only because no letter among those looked at matched: the next step looks further. */
  readonly isSearching: boolean
}

export interface DeadLetterDeletion {
  readonly deleted: number
  /** Go on after this id; undefined at the end. */
  readonly next: number | undefined
}

/**
 * The dead letters. One is keyed by (trigger, stream, partition, offset): an event that dies again is the same letter with a
 * longer history. Reads have a thread of their own, so that a search in a million letters holds up no event.
 */
export interface DeadLetterStore {
  /**
   * Writes a letter. In the same step its parked copy goes, if there is one, so that it is either parked or dead; the attempts of a letter
   * that is there already stay in front; if it was being redriven, that redrive has failed.
   */
  putDeadLetter(letter: NewDeadLetter): Promise<void>
  /** Newest first, unless the page says otherwise. */
  listDeadLetters(trigger: string, limit: number, page?: DeadLetterPage): Promise<readonly DeadLetter[]>
  /** With all its bytes. */
  deadLetter(trigger: string, id: number): Promise<DeadLetter | undefined>
  /** The letter at a place, unless it is being redriven: then its event is parked. */
  deadLetterAt(place: KeptPlace): Promise<DeadLetter | undefined>
  /** How many match; counting ends at `limit`. */
  countMatching(trigger: string, filter: DeadLetterFilter, limit: number): Promise<number>
  groupDeadLetters(trigger: string, filter: DeadLetterFilter): Promise<readonly DeadLetterGroup[]>
  /** Highest id of a letter of the trigger; 0 without any. */
  lastDeadLetter(trigger: string): Promise<number>
  /** Letters by trigger. */
  countDeadLetters(): Promise<ReadonlyMap<string, number>>
  /** One that is part of a redrive stays. */
  deleteDeadLetter(trigger: string, id: number): Promise<'deleted' | 'absent' | 'redriving'>
  /** One step: looks at a bounded number of letters with an id above `afterId`. Those that are part of a redrive stay. */
  deleteDeadLetters(
    trigger: string,
    filter: DeadLetterFilter,
    range: { readonly afterId: number; readonly upToId: number },
  ): Promise<DeadLetterDeletion>

  startRedrive(spec: RedriveSpec, nowMs: number): Promise<RedriveJob>
  /**
   * One step, all or nothing: the next letters become parked events, each under a name of its own, and are marked as being
   * redriven. The mark goes with the letter when its event is done (`unpark`), or when it dies again. Undefined for a job
   * that is not there.
   */
  advanceRedrive(id: number, step: RedriveStep): Promise<RedriveProgress | undefined>
  /** Takes no more letters; resolves with the job as it is then, undefined for one that is not there. */
  cancelRedrive(id: number, nowMs: number): Promise<RedriveJob | undefined>
  /** Of one trigger or all, newest first, with how many of their letters are in flight. */
  redrives(trigger?: string): Promise<readonly (RedriveJob & { readonly inFlight: number })[]>
}
