/** What a simulated function does with one event. */
export interface Behaviour {
  /** Mean duration of a call when it waits for nothing but what it calls; a function of time for recorded load. */
  readonly serviceTimeMs: number | ((atMs: number) => number)
  /** CPU time of a call within it. Default: all of it, the function computes. */
  readonly cpuTimeMs?: number
  /**
   * How the duration of calls varies: not at all, exponentially, or log-normally with a coefficient of variation.
   * Default: log-normal, 0.3.
   */
  readonly variation?: 'constant' | 'exponential' | { readonly coefficient: number }
  /** Asynchronous handlers per worker. Default 8. */
  readonly concurrency?: number
  /** Different keys, drawn evenly; events of a key run one after the other. Default: every event its own. */
  readonly keys?: number
  /** Share of the events that the first key gets on top, 0 to 1. Default 0. */
  readonly hotKeyShare?: number
  /** From the permission of a worker to its first event. Default 50 ms, the first 35 of them CPU time. */
  readonly coldStartMs?: number
  /** Share of calls that fail, 0 to 1; failed events are not repeated. Default 0. */
  readonly failureShare?: number | ((atMs: number) => number)
  /** Calls per second that what the function calls can bear; beyond it they queue there. Default: any number. */
  readonly downstreamPerS?: number
  /** Heap limit of one worker. Default 128. */
  readonly memoryMiB?: number
}

/** The arrivals of one function over time. */
export interface FunctionLoad {
  readonly name: string
  /** Mean arrivals per second at a time. */
  readonly perS: (atMs: number) => number
  /**
   * `poisson`: independent senders. `even`: one after the other at equal distances. Recorded counts are spread within
   * their interval either way. Default `poisson`.
   */
  readonly arrivals?: 'poisson' | 'even'
  readonly behaviour: Behaviour
  /** Times at which the load changes for good, for reaction, settling and overshoot. */
  readonly changesAtMs?: readonly number[]
  /** Times during which the lag cannot be read, as when brokers are replaced. */
  readonly lagUnknown?: readonly (readonly [fromMs: number, toMs: number])[]
}

export interface Load {
  readonly name: string
  readonly durationMs: number
  /** ms since the epoch, for warm windows. Default: Monday, 5 January 2026, 00:00 UTC. */
  readonly startedAtMs?: number
  readonly functions: readonly FunctionLoad[]
}
