import type { WhyFacts } from '../../api/views/why-view.ts'
import type { EventPlace, LaneView } from '../../dispatch/inspection.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import type { StartPosition } from '../../log/partition-log.ts'

type Failure = NonNullable<WhyFacts['failure']>

/** Somebody has paused the partition, the key or the version of an event. */
export interface HoldFacts {
  /** What is paused, as `sluice resume` takes it: `key price-orders c7`. */
  readonly target: string
  readonly pause: PauseRecord
}

/** Whether a trigger starts anything, and who or what keeps it from it. */
export type GateFacts =
  | { readonly kind: 'open' }
  /** Its stream or a sink is not there, or it is being stopped. */
  | { readonly kind: 'stopped'; readonly problem: string }
  | { readonly kind: 'disabled'; readonly problem: string }
  | { readonly kind: 'paused'; readonly pause: PauseRecord }

export interface TriggerFacts {
  readonly name: string
  readonly stream: string
  readonly ordering: 'key' | 'partition' | 'none'
  readonly gate: GateFacts
  readonly start: StartPosition
  readonly createdAtMs: number
  readonly hasSinks: boolean
}

/** What the log has at the position of an event. */
export type RecordFacts =
  | { readonly kind: 'kept'; readonly timestampMs: number }
  /** Older than what the log keeps, which begins at `low`. */
  | { readonly kind: 'expired'; readonly low: number }
  /** Between the records that the log keeps: damaged, or taken by compaction. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'not-accepted'; readonly end: number }
  /** The log could not be asked. */
  | { readonly kind: 'unknown'; readonly problem: string }

/** What becomes of an event before any handler sees it. */
export type IntakeFacts =
  | { readonly kind: 'taken' }
  | { readonly kind: 'filtered'; readonly condition: string }
  | { readonly kind: 'skipped'; readonly problem: string }

/** The version that would run an event, and its workers. */
export interface VersionFacts {
  /** `name@version`. */
  readonly label: string
  readonly maxAttempts: number
  readonly permits: number
  readonly workers: number
  readonly busy: number
  readonly ready: number
  readonly isQuarantined: boolean
  readonly problem: string | undefined
  /** What the controller decided last. */
  readonly scaling: string | undefined
  /** `limited to 10/s` while something could start and the limits of the function do not permit it. */
  readonly limitedBy: string | undefined
  /** When the next permit comes, wall clock; undefined: when a call ends. */
  readonly permitAtMs: number | undefined
}

/** A row of the parked store. */
export interface ParkedFacts {
  readonly offset: number
  readonly attempt: number
  readonly dueAtMs: number
  readonly failure: Failure | undefined
}

export interface EventFacts {
  readonly nowMs: number
  readonly trigger: TriggerFacts
  readonly partition: number
  readonly offset: number
  /** '' for an event without one, or where it is not known. */
  readonly key: string
  readonly record: RecordFacts
  readonly intake: IntakeFacts
  /** A pause of its partition, key or version. */
  readonly hold: HoldFacts | undefined
  /** Undefined while the trigger is not running. */
  readonly place: EventPlace | undefined
  /** Next offset of the partition that is not complete; undefined when nothing was ever committed, or it is not known. */
  readonly committed: number | undefined
  readonly parked:
    | {
        readonly row: ParkedFacts
        /** The oldest parked event of the key, when that is another one. */
        readonly first: ParkedFacts | undefined
        readonly lane: LaneView | undefined
        readonly place: EventPlace | undefined
      }
    | undefined
  /** It is a dead letter that this redrive runs again. */
  readonly redrive: number | undefined
  readonly deadLetter:
    | {
        readonly id: number
        readonly stage: string
        readonly atMs: number
        readonly attempts: number
        readonly failure: Failure
      }
    | undefined
  /** Why no version can run it, or the one that would; undefined: not known. */
  readonly version: VersionFacts | { readonly problem: string } | undefined
}
