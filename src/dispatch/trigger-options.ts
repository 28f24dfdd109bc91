import type { CompiledFilter } from '../events/filter.ts'
import type { RetryPolicy } from '../functions/function-version.ts'
import type { PartitionLog, StartPosition } from '../log/partition-log.ts'
import type { Sink } from '../sinks/sink.ts'
import type { HomeStore } from '../store/home-store.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { Feed } from '../workers/invocation.ts'
import type { WindowLimits } from './assigned-window.ts'
import type { Delivery } from './delivery.ts'

/** The part of a pino logger that dispatch uses. */
export interface DispatchLogger {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** Everything one trigger needs; all defaults are filled in by whoever composes it. */
export interface TriggerOptions {
  readonly name: string
  /** Consumer group: derived from the trigger's name, never from the function or its version. */
  readonly group: string
  readonly log: PartitionLog
  readonly start: StartPosition
  readonly feed: Feed
  /** The same trigger for events that come from the parked store: their headers are in the home form. */
  readonly storedFeed: Feed
  readonly filter: CompiledFilter | undefined
  readonly ordering: 'key' | 'none'
  /** Whether a record that cannot become an event is skipped (true) or kept as a dead letter (false), by reason. */
  readonly skips: (reason: string) => boolean
  /** Name of the function that the trigger feeds. */
  readonly function: string
  readonly functionVersion: string
  readonly retry: RetryPolicy
  /** For results that a sink does not take: the handler is not run again. */
  readonly sinkRetry: RetryPolicy
  /** A key blocked longer than this is parked. Default 1,000 ms. */
  readonly parkAfterMs: number
  readonly window: WindowLimits
  readonly commitIntervalMs: number
  readonly sinks: readonly Sink[]
  readonly store: HomeStore
  readonly tracer: Tracer
  readonly logger: DispatchLogger
  readonly now: () => number
  readonly random: () => number
  readonly onState?: (state: string) => void
  /** An event is complete: done or buried. For the log of what came in and out. */
  readonly onDone?: (delivery: Delivery) => void
}
