import type { SpanRecord } from '../telemetry/span-record.ts'
import type { CustomMetricChange } from './custom-metric.ts'
import type { FunctionLogEntry } from './worker-settings.ts'

/** What the gateway wants of a worker pool beside the version itself. */
export interface WorkerPoolOptions {
  /** Handlers of sampled events run under an active span, and user spans are posted. Default false. */
  readonly tracing?: boolean
  /** Called with what functions log; already bounded. */
  readonly onLog?: (entry: FunctionLogEntry) => void
  /** Called with ended spans of user code in sampled events. */
  readonly onSpans?: (spans: readonly SpanRecord[]) => void
  /** Called with what functions measured, and how much of it was dropped in the worker; bounded, and in the right form. */
  readonly onMetrics?: (changes: readonly CustomMetricChange[], dropped: number) => void
  /** A module and its `init` must be loaded within this time. Default 10,000 ms. */
  readonly loadTimeoutMs?: number
  /** A worker beyond the permits ends when it was idle for this time. Default 5,000 ms. */
  readonly idleTimeoutMs?: number
  /** First wait after a failed start; doubles up to 60 s. Default 1,000 ms. */
  readonly restartDelayMs?: number
  /** A worker is replaced after this many frames. Default 100,000. */
  readonly maxFramesPerWorker?: number
  /**
   * Folder where compiled modules are kept, which halves the time that a worker takes to start. Default: one of this user
   * in the system's folder for temporary files.
   */
  readonly compileCacheDirectory?: string
}
