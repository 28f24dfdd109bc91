import type { FunctionVersion } from '../functions/function-version.ts'
import type { Invocation } from './invocation.ts'

/**
 * The worker pool of one function version.
 *
 *   starting ──first worker loaded the module──▶ ready ──close()──▶ draining ──all frames ended──▶ closed
 *      │                                           │
 *      └──────────── cannot load ──▶ quarantined ◀─┘ (workers die before they are ready; retried with backoff)
 */
export type WorkerPoolState = 'starting' | 'ready' | 'draining' | 'quarantined' | 'closed'

export interface WorkerPool {
  readonly version: FunctionVersion
  readonly state: WorkerPoolState
  /** Frames that may be handed in now to idle workers: permitted workers minus those that run something. */
  readonly freeSlots: number
  /**
   * Events that one of the busy workers could begin at once, beside those that it waits for: what its `concurrency` leaves.
   * 0 while none could, and for functions that compute or are so fast that their frames end soon anyway.
   */
  readonly room: number
  /** Called whenever `freeSlots` or `room` may have grown. */
  onFree: () => void
  /** Permits: workers that may run at a time, 0 to `scaling.maxWorkers`. Shrinking never interrupts an invocation. */
  setWorkers(count: number): void
  /**
   * Runs a frame in one worker: an idle one, else one that has room for it, else the next that is idle. Every invocation is settled exactly once, as soon as its outcome is known, before the
   * promise resolves; the promise never rejects.
   * @param onBegin called when a worker that has started gets the frame; again when it goes to another one.
   */
  run(frame: readonly Invocation[], onBegin?: () => void): Promise<void>
  stats(): WorkerPoolStats
  /** Waits for running frames up to `drainMs`, then ends the workers; what was running settles as `not-started`. */
  close(drainMs: number): Promise<void>
}

export interface WorkerPoolStats {
  readonly state: WorkerPoolState
  readonly permits: number
  /** Threads alive. */
  readonly workers: number
  readonly busy: number
  /** Smoothed handler time of one event in ms; undefined before the first. */
  readonly serviceTimeMs: number | undefined
  readonly succeeded: number
  readonly failed: number
  readonly coldStarts: number
  readonly killed: number
  /** Threads that did not end when they were told to; they sit in a system call. */
  readonly leaked: number
  /** Smoothed share of CPU time in the time that frames run, 0 to 1. */
  readonly cpuShare: number | undefined
  /** CPU time of the threads since the function was loaded in them. A thread that was ended in a loop counts as computing. */
  readonly cpuMs: number
  /** Sum of the durations of all handler calls; calls that run at the same time count each. */
  readonly handlerMs: number
  /** `handlerMs` × the declared memory in MiB ÷ 1,000: what a platform with pay per use would charge. */
  readonly memoryMiBSeconds: number
  /** How long threads lived, in all. */
  readonly workerSeconds: number
  /** Why the last worker could not be started; absent when all is well. */
  readonly problem?: string
}
