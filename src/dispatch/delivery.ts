import type { LogRecord } from '../log/log-record.ts'
import type { BatchPart, Feed, Invocation, InvocationOutcome } from '../workers/invocation.ts'
import type { ActiveSpan } from '../telemetry/tracer.ts'
import type { Lane } from './lane.ts'
import type { RecordedResults } from './recorded-results.ts'
import type { RouteTarget } from './route.ts'
import type { TriggerRoute } from './trigger-route.ts'

/** One failed attempt, as dead letters show it. */
export interface FailedAttempt {
  readonly attempt: number
  readonly atMs: number
  readonly stage: 'handler' | 'sink'
  readonly reason: string
  readonly message: string
  /** `latest` or the number of the version that ran it; absent in histories that were written before versions were told. */
  readonly version?: string
  /** Context of the attempt's span; absent when it was not sampled. */
  readonly traceparent?: string
}

/** Who is told how a delivery's attempt ended. */
export interface DeliveryOwner {
  settled(delivery: Delivery, outcome: InvocationOutcome): void
}

/**
 * One event on its way from the log to completion, in the order of its key. It is the `Invocation` that the pool runs.
 *
 *   waiting ──taken into a frame──▶ running ──succeeded──▶ publishing ──results are out──▶ done
 *      ▲                              │                        └─ sink gives up ─▶ burying ─▶ done
 *      ├ not-started, suspect, batch-failed ┤
 *      └──── failed: backs off ───────┴── attempts used up ──▶ burying ──dead letter durable──▶ done
 *   waiting ──its key is parked──▶ done for the tracker (the parked copy is durable)
 *   waiting ──its results are recorded──▶ publishing
 */
export type DeliveryState = 'waiting' | 'running' | 'publishing' | 'burying' | 'done'

export class Delivery implements Invocation {
  readonly lane: Lane
  readonly feed: Feed
  readonly record: LogRecord
  readonly partition: number
  readonly epoch: number
  /** Sequence number in the partition's offset tracker; -1 for an event that was loaded from the parked store. */
  readonly sequence: number
  readonly byteLength: number
  state: DeliveryState = 'waiting'
  attempt = 1
  traceparent: string | undefined = undefined
  span: ActiveSpan | undefined = undefined
  /**
   * What its next spans hang below, where that is not what its header says: a trace that began here, or with a redrive.
   * Null: it was decided here that there is none. Undefined: the header decides.
   */
  trace: string | null | undefined = undefined
  /** Number of the redrive that runs it; 0: none does. */
  redrive = 0
  /** Context of the attempt that a redrive follows. */
  link: string | undefined = undefined
  followsPrevious = false
  /** It may end the host of its worker and runs in a frame of its own; see host-crashes.ts. */
  alone = false
  /** After a call of several events failed as a whole: those it may be called with, until one of them fails alone. */
  part: BatchPart | undefined = undefined
  /** The version that runs the attempt, or ran the last one. It is chosen anew for each. */
  target: RouteTarget | undefined = undefined
  route: TriggerRoute | undefined = undefined
  /** Results of the attempt that succeeded. */
  results = 0
  failures: FailedAttempt[] | undefined = undefined
  /** A redrive delivers these, instead of running a handler. */
  recorded: RecordedResults | undefined = undefined
  /** The version or alias that a redrive wants to run it, instead of what the trigger runs. */
  wantedVersion: string | undefined = undefined
  /** Whether an index of recent events keeps what happens to it; undefined before it has decided. */
  isIndexed: boolean | undefined = undefined
  /** Next event of the lane. */
  next: Delivery | undefined = undefined
  readonly #owner: DeliveryOwner

  constructor(
    owner: DeliveryOwner,
    lane: Lane,
    feed: Feed,
    record: LogRecord,
    partition: number,
    epoch: number,
    sequence: number,
  ) {
    this.#owner = owner
    this.lane = lane
    this.feed = feed
    this.record = record
    this.partition = partition
    this.epoch = epoch
    this.sequence = sequence
    this.byteLength = (record.value?.length ?? 0) + (record.header?.length ?? 64)
  }

  addFailure(told: FailedAttempt): void {
    const { traceparent } = this
    const failure = traceparent === undefined ? told : { ...told, traceparent }
    if (this.failures === undefined) this.failures = [failure]
    else this.failures.push(failure)
  }

  /** Function and version that ran the last attempt, or made what is recorded; undefined before the first. */
  get maker(): { readonly name: string; readonly version: string } | undefined {
    return this.recorded ?? this.target?.engine.pool.version
  }

  /** `name@version` of {@link maker}; '' before the first attempt. */
  get ranBy(): string {
    const { maker } = this
    return maker === undefined ? '' : `${maker.name}@${maker.version}`
  }

  settle(outcome: InvocationOutcome): void {
    this.#owner.settled(this, outcome)
  }
}
