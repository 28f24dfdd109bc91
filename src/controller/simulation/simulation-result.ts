/** What happened in a simulation. */
export interface SimulationResult {
  readonly load: string
  readonly scaler: string
  readonly durationMs: number
  readonly functions: readonly FunctionResult[]
}

export interface FunctionResult {
  readonly name: string
  readonly series: readonly SeriesPoint[]
  /** Every change of the number of workers, with its reason. */
  readonly decisions: readonly {
    readonly atMs: number
    readonly from: number
    readonly to: number
    readonly reason: string
  }[]
  readonly summary: Summary
}

/** One interval of a series; rates and means over it, the rest at its end. */
export interface SeriesPoint {
  readonly atMs: number
  readonly arrivalsPerS: number
  readonly completedPerS: number
  /** Workers that were permitted. */
  readonly desired: number
  /** Workers that had started. */
  readonly workers: number
  /** Events that wait. */
  readonly lag: number
  /** From arrival to the start of the handler; 0 when nothing started. */
  readonly p99DelayMs: number
  /** Cores that its calls used. */
  readonly cores: number
}

export interface Summary {
  readonly arrived: number
  readonly succeeded: number
  readonly failed: number
  /** Changes of the number of permitted workers, and those after the first 30 s. */
  readonly resizes: number
  readonly resizesAfter30S: number
  readonly mostWorkers: number
  /** Cost: time that workers lived, and with their heap limits in GiB. */
  readonly workerSeconds: number
  readonly gibSeconds: number
  readonly cpuSeconds: number
  /** From arrival to the start of the handler. */
  readonly p50DelayMs: number
  readonly p99DelayMs: number
  readonly longestDelayMs: number
  readonly mostLag: number
  readonly lagAtEnd: number
  /** From the first lasting change of the load; absent when it has none, or when nothing had to be changed. */
  readonly change?: ChangeSummary
}

/** How the number of workers answered to a lasting change of the load. */
export interface ChangeSummary {
  readonly before: number
  /** What it settled at: the median of the second half of the time until the next change. */
  readonly settled: number
  /** Until the first worker more, or less, had started; undefined: it never came. */
  readonly reactionMs: number | undefined
  /** Until the number stayed within 10 % of what it settled at for at least 30 s, or until the next change. */
  readonly settledMs: number | undefined
  /** Most workers beyond what it settled at, as a share of that. */
  readonly overshoot: number
}
