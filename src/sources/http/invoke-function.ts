import type { FunctionResult } from '../../sinks/function-result.ts'
import type { InvocationError } from '../../workers/invocation.ts'
import type { IncomingEvent } from '../source.ts'

export type InvokeOutcome =
  | { readonly kind: 'succeeded'; readonly results: readonly FunctionResult[] }
  | { readonly kind: 'failed'; readonly error: InvocationError }
  /** Its share of the workers is taken. */
  | { readonly kind: 'overloaded'; readonly retryAfterMs?: number }
  /** Paused, disabled, or not to be loaded; `detail` says which. */
  | { readonly kind: 'unavailable'; readonly detail: string }

export interface InvokeOptions {
  /** Wall clock in ms after which nobody waits for the answer any more. */
  readonly deadlineMs: number
  /** Aborts when the deadline passes or the caller goes away. Made when it is first asked for. */
  readonly signal: AbortSignal
}

/** Runs the function of a `reply` source once, without retry. Should not reject; a rejection is answered 500. */
export type InvokeFunction = (event: IncomingEvent, options: InvokeOptions) => Promise<InvokeOutcome>
