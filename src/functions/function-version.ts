import type { ExecutionRole, FunctionBinding, NetworkPolicy } from '../config/sections/function-definition.ts'
import type { HttpBindingConfig, MqttBindingConfig } from '../config/sections/binding.ts'
import type { WarmWindow } from '../config/sections/scaling.ts'
import type { KafkaConfig } from '../config/config.ts'

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
  /**
   * Age of an event, from its acceptance (of a Kafka record: from its timestamp), beyond which no further attempt begins:
   * 1,000 to 2,592,000,000 ms. The first attempt begins at any age. Default: none.
   */
  readonly maxAgeMs?: number
  /**
   * `in-order`: a failed event holds up the later ones of its key. `delayed`: it waits aside, durably, and they overtake
   * it: order is given up for this event. Default `in-order`.
   */
  readonly mode?: 'in-order' | 'delayed'
}

/** How a batch handler is called. */
export interface BatchOptions {
  /** Most events of one call: 1 to 10,000. A call never has more than a frame holds, 1,024 events or 512 KiB. */
  readonly maxEvents: number
  /** Most bytes of the bodies in one call; one event alone may have more. Default: no limit but the frame's. */
  readonly maxBytes?: number
  /**
   * After a call that failed as a whole: `bisect` runs its events again in halves, uncharged, until the one that does it
   * fails alone; `retry` charges an attempt to each. Default `bisect`.
   */
  readonly onError?: 'bisect' | 'retry'
  /**
   * The span of a call: `links` begins a trace of its own, linked to its events; `parent` makes it part of the trace of the
   * first sampled one, linked to the others. Default `links`.
   */
  readonly trace?: 'links' | 'parent'
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
  /** Waiting events per worker, in KEDA's meaning; takes the place of `targetDrainMs`. Absent: time to drain counts. */
  readonly lagThreshold?: number
  /** The first worker starts when more events than this wait, in KEDA's meaning. Default 0. */
  readonly activationLagThreshold?: number
  /** Scheduled minimum of warm workers; where windows overlap, the largest counts. */
  readonly warmWindows?: readonly Readonly<WarmWindow>[]
  /** Share beside other versions when CPU time or memory do not suffice, 0.01 to 100. Default 1. */
  readonly weight?: number
}

/**
 * What a function may ask of what stands behind it. Counted over all of its versions on a node, so that a canary does not
 * double the load.
 */
export interface CallLimits {
  /** Handler calls that run at a time, at least 1. Absent: any number. */
  readonly maxConcurrency?: number
  /** Handler calls that begin per second, retries included, over time: 0.001 to 10,000,000. Absent: any number. */
  readonly ratePerSecond?: number
  /** Calls that may begin at once after a quiet time, at least 1. Default: those of one second. */
  readonly burst?: number
}

/** When a worker is replaced. Its successor is ready before it goes. */
export interface RecyclePolicy {
  /** Absent: any number. */
  readonly maxCalls?: number
  /** Absent: any age. */
  readonly maxAgeMs?: number
  /** Share of `memoryMiB` that the heap may hold after a full garbage collection, 0.1 to 1. Default 0.85. */
  readonly maxHeapShare: number
}

export const defaultRecycle: RecyclePolicy = { maxHeapShare: 0.85 }

/** A binding with its connection and credentials: what a worker opens. Plain JSON, because it crosses the thread boundary. */
export type ResolvedBinding = Pick<FunctionBinding, 'path' | 'topic' | 'key'> &
  (
    | ({ readonly type: 'http'; readonly token?: string } & Readonly<Omit<HttpBindingConfig, 'bearer'>>)
    | Readonly<MqttBindingConfig>
    | ({ readonly type: 'kafka' } & Pick<KafkaConfig, 'brokers' | 'clientId' | 'ssl' | 'sasl'>)
  )

/** One version of a function, complete: no default is open any more. Immutable; a change makes another version. */
export interface FunctionVersion {
  readonly name: string
  /** `latest` or a published number. */
  readonly version: string
  /** Hash of code and definition: the key of the worker pool. */
  readonly hash: string
  /** Absolute path of the ES module. */
  readonly file: string
  /**
   * Whether the module may import nothing but what is built into Node and the files beside it: an artifact is complete in
   * itself. A file of the configuration may import whatever Node finds from where it lies.
   */
  readonly selfContained: boolean
  readonly labels: Readonly<Record<string, string>>
  /** Name of the export that is called. Default `default`. */
  readonly handler: string
  /** The only environment variables the worker sees. */
  readonly environment: Readonly<Record<string, string>>
  /** Resolved secrets, by name; reach the handler as `context.secrets`, never a log or an answer. */
  readonly secrets: Readonly<Record<string, string>>
  /** Connections that each worker opens once; reach the handler as `context.bindings`. */
  readonly bindings: Readonly<Record<string, ResolvedBinding>>
  /** What it may use; absent: everything. */
  readonly role?: ExecutionRole
  /** Hosts that its HTTP sinks and bindings may reach; absent: all. */
  readonly network?: NetworkPolicy
  /** An attempt longer than this is ended by ending its worker: 10 to 3,600,000 ms. Default 30,000. */
  readonly timeoutMs: number
  /** Events of different keys that one worker runs at a time (asynchronous handlers): 1 to 1,000. Default 8. */
  readonly concurrency: number
  /** Old-space limit of one worker's heap in MiB (buffers are not covered): 16 to 16,384. Default 128. */
  readonly memoryMiB: number
  /** Largest result of one invocation in bytes. Default 1 MiB. */
  readonly maxResultBytes: number
  readonly limits?: CallLimits
  /** Absent: {@link defaultRecycle}. */
  readonly recycle?: RecyclePolicy
  /** The handler takes an array of events. Absent: one event per call. */
  readonly batch?: BatchOptions
  readonly retry: RetryPolicy
  readonly scaling: ScalingPolicy
}
