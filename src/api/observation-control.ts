import type { LogLevel } from '../store/observations.ts'
import type { LogLineView, LogPage } from './views/log-view.ts'
import type { StatsView } from './views/stats-view.ts'

/** Figures and logs of functions. */
export interface ObservationControl {
  /** @throws {SluiceError} SLUICE_FUNCTIONS_NOT_FOUND; SLUICE_API_NOT_FOUND for a version that never ran and is not there. */
  stats(functionName: string, query: StatsQuery): Promise<StatsView>
  /** @throws {SluiceError} SLUICE_FUNCTIONS_NOT_FOUND for a function that is not there and has no lines. */
  logs(functionName: string, query: LogsQuery): Promise<LogPage>
  /**
   * Calls back with lines of the function that are kept from now on, in order, until the returned function is called.
   * `filter` may be used to call back less; whatever comes is filtered by the API anyway.
   */
  followLogs(functionName: string, filter: LogFilter, onLines: (lines: readonly LogLineView[]) => void): () => void
}

export interface StatsQuery {
  /** `latest` or a published number; absent: all. */
  readonly version?: string
  /** What the series shall cover, back from now. */
  readonly windowMs: number
}

export interface LogFilter {
  /** The least level. */
  readonly level?: LogLevel
  readonly fromMs?: number
  /** Exclusive. */
  readonly toMs?: number
  /** Part of the message or the fields, whatever its case. */
  readonly text?: string
  readonly invocationId?: string
  /** 32 hexadecimal digits in lower case. */
  readonly traceId?: string
  /** `latest` or a published number. */
  readonly version?: string
}

export interface LogsQuery extends LogFilter {
  /** 1 to 1,000. */
  readonly limit: number
  /** Only lines with a lower id, newest first. Not together with `afterId`. */
  readonly beforeId?: number
  /** Only lines with a higher id, oldest first. */
  readonly afterId?: number
}
