import type { CompiledFilter } from '../events/filter.ts'
import type { RetryPolicy } from '../functions/function-version.ts'
import type { PartitionLog, StartPosition } from '../log/partition-log.ts'
import type { Sink } from '../sinks/sink.ts'
import type { HomeStore } from '../store/home-store.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { Feed, InvocationOutcome } from '../workers/invocation.ts'
import type { WindowLimits } from './assigned-window.ts'
import type { BreakerPolicy } from './breaker.ts'
import type { Delivery } from './delivery.ts'
import type { EventRecorder } from './event-recorder.ts'
import type { ProcessGate } from './process-gate.ts'
import type { RouteTable } from './route.ts'
import type { BreakerKeeper } from './trigger-breaker.ts'

/** The part of a pino logger that dispatch uses. */
export interface DispatchLogger {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** How often an event may be run. */
export type Delivering = 'at-least-once' | 'at-most-once'

/** Everything one trigger needs; all defaults are filled in by whoever composes it. */
export interface TriggerOptions {
  readonly name: string
  /** Under this the store keeps what belongs to it, and its results are known by it: another one than a deleted trigger of that name had. */
  readonly uid: string
  /** Consumer group: derived from the trigger, never from the function or its version. */
  readonly group: string
  readonly log: PartitionLog
  readonly start: StartPosition
  readonly feed: Feed
  /** The same trigger for events that come from the parked store: their headers are in the home form. */
  readonly storedFeed: Feed
  readonly filter: CompiledFilter | undefined
  /** What runs one after the other: the events of a key, all events of a partition, or nothing. */
  readonly ordering: 'key' | 'partition' | 'none'
  /**
   * `at-most-once`: an event runs only after its offset is durably committed, once, whatever comes of it. A crash loses what
   * was taken and not done: at most the window of each partition. Default `at-least-once`.
   */
  readonly delivery?: Delivering
  /** Whether a record that cannot become an event is skipped (true) or kept as a dead letter (false), by reason. */
  readonly skips: (reason: string) => boolean
  /** The versions that it feeds, and how they repeat what failed. */
  readonly routes: RouteTable
  /** For results that a sink does not take: the handler is not run again. */
  readonly sinkRetry: RetryPolicy
  /** A key blocked longer than this is parked. Default 1,000 ms. */
  readonly parkAfterMs: number
  /** Keys that may be parked at a time, and events that wait alone; beyond, a blocked key holds up its partition. Default 20,000. */
  readonly maxParkedKeys?: number
  /**
   * Whether a stop parks what stands unfinished in front of finished events, so that the next start repeats nothing. Only
   * where no other process ever reads the stream for the group: it would not find them. Default false.
   */
  readonly parkAtStop?: boolean
  /** How long an event waits that has ended the process before, counted from the start of the trigger. Default 5,000 ms. */
  readonly quarantineMs?: number | undefined
  /** Lets an event run alone in the process. Absent: it runs beside others. */
  readonly gate?: ProcessGate | undefined
  readonly window: WindowLimits
  readonly commitIntervalMs: number
  readonly sinks: readonly Sink[]
  readonly store: HomeStore
  readonly tracer: Tracer
  readonly logger: DispatchLogger
  /** Pauses it by itself when too many attempts fail. Absent: nothing does. */
  readonly breaker?: { readonly policy: BreakerPolicy; readonly keeper: BreakerKeeper } | undefined
  readonly now: () => number
  readonly random: () => number
  readonly onState?: (state: string) => void
  /**
   * The handler is through with an event: it succeeded, or failed for the last time. For shadows. What it is given are
   * views into buffers that do not last: copy what is kept. Must not throw.
   */
  readonly onSettled?: (delivery: Delivery, outcome: InvocationOutcome) => void
  /** Keeps what happens to events, to be looked at. Absent: nothing does. */
  readonly recorder?: EventRecorder | undefined
  /** An event is complete: done or buried. For the log of what came in and out. */
  readonly onDone?: (delivery: Delivery, isBuried: boolean) => void
}
