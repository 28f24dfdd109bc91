import type { VersionRef } from '../config/function-ref.ts'
import type { AcceptedInvocation } from './views/invocation-view.ts'
import type { LogLineView } from './views/log-view.ts'

/**
 * Invocations past all sources. Both throw {SluiceError} SLUICE_FUNCTIONS_NOT_FOUND, SLUICE_API_NOT_FOUND (no such version or
 * alias), SLUICE_FUNCTIONS_DISABLED, SLUICE_EVENTS_INVALID (a body that claims to be a CloudEvent and is none) and
 * SLUICE_EVENTS_UNSUPPORTED_TYPE.
 */
export interface InvocationControl {
  /**
   * Runs a function once, outside of any stream: nothing is kept, nothing is retried. With `logs`, the details of an error
   * may hold `logs` as well: they become part of the problem document.
   * @throws {SluiceError} SLUICE_DISPATCH_OVERLOADED, SLUICE_DISPATCH_STOPPED, SLUICE_WORKERS_QUARANTINED,
   *   SLUICE_FUNCTIONS_PAUSED, SLUICE_HTTP_FUNCTION_FAILED, SLUICE_HTTP_FUNCTION_TIMEOUT, SLUICE_SINKS_REPLY_INVALID.
   */
  invoke(functionName: string, request: InvokeRequest): Promise<InvokeReply>
  /**
   * Resolves when the event is durable in the stream `invocations-<function>`; it is run, retried and dead-lettered from
   * there as any event.
   * @throws {SluiceError} SLUICE_LOG_FULL, SLUICE_LOG_CLOSED, SLUICE_LOG_RECORD_TOO_LARGE.
   */
  invokeAsync(functionName: string, request: InvokeRequest): Promise<AcceptedInvocation>
}

export interface InvokeRequest {
  /** An alias with weights picks a version per invocation. */
  readonly version: VersionRef
  /** Media type as sent; '' for none. A CloudEvent in structured mode is recognised by it, one in binary mode by `ce-` headers. */
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Whether the reply shall carry what the invocation logged. */
  readonly logs: boolean
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal
}

export interface InvokeReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** `latest` or a published number: the version that ran. */
  readonly version: string
  readonly durationMs: number
  /** In the order of their writing; empty unless asked for. */
  readonly logs: readonly LogLineView[]
}
