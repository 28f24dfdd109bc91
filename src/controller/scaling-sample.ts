import type { CallLimits } from '../functions/function-version.ts'

/** What the controller sees of one function version at one moment. */
export interface ScalingSample {
  /** Monotonic time in ms. */
  readonly nowMs: number
  /** ms since the epoch, for warm windows; absent: they are not looked at. */
  readonly wallMs?: number
  /** Workers that are permitted. */
  readonly workers: number
  /** Those of them that have started. Absent: all. */
  readonly ready?: number
  /** Frames in progress. */
  readonly busy: number
  /** Events in handlers. Absent: as many as frames. */
  readonly running?: number
  /**
   * Events that wait for the version and could run: the lag of its triggers, without paused, parked and backing-off
   * events. Undefined when a lag could not be read, or is too old: then nothing is changed.
   */
  readonly backlog: number | undefined
  /** Different keys among the events in memory that could start now. */
  readonly runnableKeys: number
  /** Smoothed arrivals per second. */
  readonly arrivalsPerS: number
  /** Attempts that ended since the last sample, per second. Absent: growth is never judged. */
  readonly completedPerS?: number
  /** Something arrived or ended since the last sample. Absent: what the other figures say. */
  readonly active?: boolean
  /** Share of failures among the latest attempts, 0 to 1. Absent: too few to tell. */
  readonly failureShare?: number | undefined
  readonly serviceTimeMs: number | undefined
  /** Share of CPU time in the handler time, 0 to 1; undefined counts as 1. */
  readonly cpuShare: number | undefined
  /** Asynchronous handlers per worker. */
  readonly concurrency: number
  readonly cores: number
  /** Threads wait for a core: workers can do more than they do. Whether growth paid is judged all the same. Absent: they do not. */
  readonly contended?: boolean
  /** What it takes to start a worker. Absent: 50 ms. */
  readonly coldStartMs?: number
  /** Most workers that other versions leave to this one. Absent: as many as it needs. */
  readonly limit?: Limit | undefined
  /** What the function may ask of what stands behind it. Absent: anything. */
  readonly calls?: CallLimits | undefined
  /** `limited to 10/s` when events could start and the limits keep them from it. */
  readonly limitedBy?: string | undefined
  /** Why no worker can start, such as a module that cannot be loaded. */
  readonly cannotStart?: string | undefined
}

export interface Limit {
  readonly workers: number
  /** `its share of 2 cores beside 2 others` */
  readonly why: string
}

/** The name of the first figure that is none; undefined when all can be used. */
export function unusable(sample: ScalingSample): string | undefined {
  if (!isCount(sample.arrivalsPerS)) return 'arrival rate'
  if (!isCount(sample.runnableKeys)) return 'number of runnable keys'
  if (!isCount(sample.busy)) return 'number of busy workers'
  if (sample.running !== undefined && !isCount(sample.running)) return 'number of running events'
  if (sample.completedPerS !== undefined && !isCount(sample.completedPerS)) return 'throughput'
  if (sample.ready !== undefined && !isCount(sample.ready)) return 'number of started workers'
  if (sample.serviceTimeMs !== undefined && !isCount(sample.serviceTimeMs)) return 'service time'
  if (sample.cpuShare !== undefined && !isCount(sample.cpuShare)) return 'CPU share'
  if (sample.failureShare !== undefined && !isCount(sample.failureShare)) return 'share of failures'
  if (!(sample.concurrency >= 1)) return 'concurrency'
  if (!(sample.cores > 0)) return 'number of cores'
  return undefined
}

export function isCount(value: number): boolean {
  return value >= 0 && value < Infinity
}
