import type { SluiceError } from '../errors/sluice-error.ts'
import type { RecentEvents, RecentEventsBounds } from './recent-events.ts'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** One line of a function's log: what its code wrote, or what happened to it (created, published, deleted …). */
export interface FunctionLogLine {
  readonly atMs: number
  readonly function: string
  /** `latest` or a number; '' for what concerns the function as a whole. */
  readonly version: string
  readonly kind: 'console' | 'lifecycle'
  readonly level: LogLevel
  readonly message: string
  /** JSON, or undefined. */
  readonly fields?: string
  readonly invocationId?: string
  readonly trigger?: string
  readonly traceId?: string
}

/** A kept line; ids ascend in the order of arrival. They begin again when the file is lost. */
export type KeptLogLine = FunctionLogLine & { readonly id: number }

export interface LogQuery {
  /** Absent: of all functions. */
  readonly function?: string
  readonly version?: string
  /** The least level. */
  readonly level?: LogLevel
  /** Inclusive. */
  readonly fromMs?: number
  /** Exclusive. */
  readonly toMs?: number
  /** Part of the message or the fields, whatever its case. */
  readonly text?: string
  readonly invocationId?: string
  readonly traceId?: string
  readonly beforeId?: number
  readonly afterId?: number
  /** 1 to 1,000. */
  readonly limit: number
}

/** What one version did in one interval, or in a part of it; the time series keeps these for an hour. */
export interface VersionSample {
  /** Start of the interval, a multiple of its length. */
  readonly atMs: number
  readonly function: string
  readonly version: string
  /** JSON of the numbers; see dispatch/version-stats.ts. */
  readonly values: string
}

/**
 * What is kept to be looked at and may be lost: function logs and time series, in a file of their own, bounded. Nothing
 * here is ever waited for on the way of an event, and a failure of it stops nothing.
 */
export interface Observations {
  /** Takes lines in; never blocks, never throws. What does not fit is counted in {@link dropped}. */
  log(lines: readonly FunctionLogLine[]): void
  /** Newest first, unless `afterId` is given: then oldest first, from there on. */
  logs(query: LogQuery): Promise<readonly KeptLogLine[]>
  /**
   * Calls back with every line that is kept from now on, in order. Returns how to stop. Together with {@link logs} there
   * is no gap and no double: follow first and hold what comes; then read, with `afterId` page by page until a page is not
   * full; then take of what came, and of what comes, the lines with an id above the last one that was read. What was
   * logged before a read began is always in its answer.
   */
  follow(listener: (lines: readonly KeptLogLine[]) => void): () => void
  sample(samples: readonly VersionSample[]): void
  /** Ascending by time. */
  samples(functionName: string, fromMs: number): Promise<readonly VersionSample[]>
  /** What happened to recent events; undefined when it is not kept. */
  readonly recent: RecentEvents | undefined
  /** Lines that were not kept since the start, because more came than could be written, or the file took none. */
  readonly dropped: number
  /** Writes what waits. */
  close(): Promise<void>
}

export interface ObservationsOptions {
  /** Directory of the database file `observations.sqlite`. */
  readonly dir: string
  /** Default 200,000. */
  readonly maxLines?: number
  /** Default 7 days. */
  readonly maxAgeMs?: number
  /** Size of what the file holds; the oldest lines go first. Default 512 MiB. */
  readonly maxBytes?: number
  /** Bounds of the index of recent events, in the file `recent-events.sqlite`. Absent: there is none. */
  readonly recentEvents?: RecentEventsBounds | undefined
  /** Told when a damaged file, or one of a newer version, was put aside: a new one was begun. */
  readonly onWarning?: (message: string) => void
  /** False while the disk has room only for what is promised: then lines are counted as dropped. Default: always. */
  readonly mayKeep?: () => boolean
  /** Told once when the thread died: logs are lost from then on, events are not. */
  readonly onFailed?: (error: SluiceError) => void
}
