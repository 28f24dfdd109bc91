import type {
  DeadLetterPage,
  FunctionView,
  GatewayHealth,
  ScalingDecisionView,
  SinkView,
  SourceView,
  StreamView,
  TriggerView,
} from './views.ts'

/**
 * What the API asks of the gateway. The API owns this interface and the gateway implements it, so that routes know no
 * stage. Views are plain JSON; times are ms since the epoch unless their name says otherwise.
 */
export interface GatewayControl {
  triggers(): Promise<readonly TriggerView[]>
  /** undefined: there is no such trigger. */
  trigger(name: string): Promise<TriggerView | undefined>
  /**
   * Resolves when the pause is durable and no invocation of the trigger starts any more. Idempotent: a second pause
   * keeps the first one's `sinceMs`.
   * @throws {SluiceError} SLUICE_API_NOT_FOUND for an unknown trigger.
   */
  pauseTrigger(name: string, pause: { readonly reason: string; readonly by: string }): Promise<TriggerView>
  /** Resolves when the resumption is durable. Idempotent. @throws as {@link pauseTrigger}. */
  resumeTrigger(name: string): Promise<TriggerView>
  /** Newest first, older than the id `before`. @throws as {@link pauseTrigger}. */
  deadLetters(trigger: string, page: { readonly limit: number; readonly before?: number }): Promise<DeadLetterPage>
  functions(): Promise<readonly FunctionView[]>
  sources(): Promise<readonly SourceView[]>
  streams(): Promise<readonly StreamView[]>
  sinks(): Promise<readonly SinkView[]>
  /** Newest first. */
  scaling(): Promise<readonly ScalingDecisionView[]>
  /**
   * Runs a function once, outside of any stream: nothing is kept, nothing is retried.
   * @throws {SluiceError} SLUICE_FUNCTIONS_NOT_FOUND, SLUICE_EVENTS_INVALID (a body that claims to be a CloudEvent and is
   *   none), SLUICE_WORKERS_… (overloaded, timed out, failed).
   */
  invoke(functionName: string, request: InvokeRequest): Promise<InvokeReply>
  /** Cheap; never waits for the outside. */
  health(): GatewayHealth
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>
}

export interface InvokeRequest {
  /** Media type as sent; '' for none. A CloudEvent in structured mode is recognised by it, one in binary mode by `ce-` headers. */
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal
}

export interface InvokeReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}
