import type { MessagePort } from 'node:worker_threads'
import type { NetworkPolicy } from '../config/sections/function-definition.ts'
import type { BatchOptions, RecyclePolicy, ResolvedBinding } from '../functions/function-version.ts'
import type { SpanRecord } from '../telemetry/span-record.ts'
import type { CustomMetricChange } from './custom-metric.ts'
import type { InvocationError } from './invocation.ts'

/** What every worker of a pool is told when its thread starts (`workerData`). */
export interface WorkerSettings {
  readonly function: string
  readonly version: string
  readonly file: string
  readonly handler: string
  readonly selfContained: boolean
  readonly secrets: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly concurrency: number
  readonly maxResultBytes: number
  readonly memoryMiB: number
  readonly recycle: RecyclePolicy
  readonly batch: BatchOptions | undefined
  readonly tracing: boolean
  readonly bindings: Readonly<Record<string, ResolvedBinding>>
  readonly network: NetworkPolicy | undefined
}

/** First task of every worker: load the module, call `init`, keep the port for everything that is posted later. */
export interface WarmUpTask {
  readonly port: MessagePort
}

/** What a worker gets on its port when the pool is about to end it: its connections should end first. */
export const closeRequest = 'close'

/** The other thing it gets there: a frame that joins those which run. One for a session that is over is left alone. */
export interface JoinRequest {
  /** The session that it belongs to: sessions of a worker are counted from 1. */
  readonly session: number
  readonly frame: Uint8Array<ArrayBuffer>
}

export type WarmUpAnswer =
  { readonly ok: true; readonly durationMs: number } | { readonly ok: false; readonly error: InvocationError }

/** What a worker posts on its port beside result chunks (which are plain bytes). */
export type WorkerMessage =
  | { readonly kind: 'log'; readonly entries: readonly FunctionLogEntry[] }
  | { readonly kind: 'spans'; readonly spans: readonly SpanRecord[] }
  | { readonly kind: 'metrics'; readonly changes: readonly CustomMetricChange[]; readonly dropped: number }

/** One line that a function logged, by `context.logger` or by the console. */
export interface FunctionLogEntry {
  readonly timeMs: number
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  /** At most 8 KiB. */
  readonly message: string
  /** Fields given to `context.logger`, JSON, at most 8 KiB; absent when there are none. */
  readonly fields?: string
  /** Absent for lines from outside of an invocation: at load, or late. */
  readonly invocationId?: string
  readonly trigger?: string
  readonly traceId?: string
  /** Lines that were dropped before this one because a limit was reached. */
  readonly dropped?: number
}
