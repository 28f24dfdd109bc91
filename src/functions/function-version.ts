/** How a failed attempt is repeated. The function gives defaults, the trigger overrides. */
export interface RetryPolicy {
  /** Attempts in all, the first one included: 1 to 1,000. Default 5. */
  readonly maxAttempts: number
  /** Delay before the second attempt; doubles per attempt. Default 200 ms. */
  readonly initialDelayMs: number
  /** Upper bound of one delay. Default 30,000 ms. */
  readonly maxDelayMs: number
  /** Share of a delay that is random, 0 to 1. Default 0.2. */
  readonly jitter: number
}

/** Bounds and aims of one version's worker pool. */
export interface ScalingPolicy {
  /** Warm workers that always run; 0 scales to zero. Default 0. */
  readonly minWorkers: number
  /** Default: number of cores, at least 2. */
  readonly maxWorkers: number
  /** The backlog shall be gone within this time. Default 2,000 ms. */
  readonly targetDrainMs: number
  /** Idle time before the last worker goes. Default 60,000 ms. */
  readonly scaleToZeroAfterMs: number
}

/** One version of a function, complete: no default is open any more. Immutable; a change makes another version. */
export interface FunctionVersion {
  readonly name: string
  /** `latest` or a published number. */
  readonly version: string
  /** Hash of code and definition: the key of the worker pool. */
  readonly hash: string
  /** Absolute path of the ES module. */
  readonly file: string
  /** Name of the export that is called. Default `default`. */
  readonly handler: string
  /** The only environment variables the worker sees. */
  readonly environment: Readonly<Record<string, string>>
  /** Resolved secrets, by name; reach the handler as `context.secrets`, never a log or an answer. */
  readonly secrets: Readonly<Record<string, string>>
  /** An attempt longer than this is ended by ending its worker: 10 to 3,600,000 ms. Default 30,000. */
  readonly timeoutMs: number
  /** Events of different keys that one worker runs at a time (asynchronous handlers): 1 to 1,000. Default 8. */
  readonly concurrency: number
  /** Old-space limit of one worker's heap in MiB (buffers are not covered): 16 to 16,384. Default 128. */
  readonly memoryMiB: number
  /** Largest result of one invocation in bytes. Default 1 MiB. */
  readonly maxResultBytes: number
  /** Whether the handler takes an array of events; `maxEvents` bounds it. Absent: one event per call. */
  readonly batch?: { readonly maxEvents: number }
  readonly retry: RetryPolicy
  readonly scaling: ScalingPolicy
}
