import type { FunctionResult } from '../sinks/function-result.ts'
import type { FrameNonce } from './frame-codec.ts'
import type { InvocationError } from './invocation.ts'

/** What a decoder reports, in the order the worker wrote it. */
export interface OutcomeReceiver {
  started(index: number): void
  succeeded(index: number, results: readonly FunctionResult[], durationMs: number): void
  failed(index: number, error: InvocationError, durationMs: number): void
  batchFailed(from: number, events: number, error: InvocationError, durationMs: number): void
  notStarted(index: number): void
  /** It had begun when its worker was ended for another event. */
  interrupted(index: number): void
}

export interface ChunkPrologue {
  readonly nonce: FrameNonce
  readonly flags: number
  readonly taken: number
}

export const noPrologue: ChunkPrologue = { nonce: { high: 0, low: 0 }, flags: 0, taken: 0 }

export interface ChunkSummary {
  readonly flags: number
  /** CPU time of the thread since it told last, and how long it was busy with frames; both 0 when it does not tell. */
  readonly cpuMs: number
  readonly busyMs: number
  /** How long its event loop was not idle since then; 0 when it does not tell. */
  readonly activeMs: number
  /** Sum of the durations of the handler calls in this chunk. */
  readonly handlerMs: number
  /** Frames of its session that the worker has taken up to now: what joined it behind them has not begun. */
  readonly taken: number
  /** False when the chunk ended before what it announced: the worker's memory or code is damaged. */
  readonly complete: boolean
}
