import type { CallLimits } from '../functions/function-version.ts'

/** What the controller needs to know of the events that wait for one function version; dispatch and logs stand behind it. */
export interface LagSource {
  /** Events ready to run, over all triggers of the version that are neither paused nor blocked. */
  readonly runnable: number
  readonly runnableKeys: number
  /** Events that the pool has and that are not settled, those included that wait in it for a worker to start. */
  readonly running: number
  /** What the function may ask of what stands behind it. Absent: anything. */
  readonly calls?: CallLimits
  /** `limited to 10/s` while events could start and the limits keep them from it. */
  readonly limitedBy?: string | undefined
  /** Events taken in since the start, for the arrival rate. */
  readonly received: number
  /**
   * Events that are in the log and not taken into a window yet. Undefined when a log could not tell.
   * Sampled off the hot path; may be as old as one tick.
   */
  notTaken(): Promise<number | undefined>
}
