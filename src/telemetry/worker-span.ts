/**
 * A span that user code made in a worker. Telemetry is below the workers and cannot import from them; this is the part
 * of their record that is exported.
 */
export interface WorkerSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  /** OpenTelemetry `SpanKind`. */
  readonly kind: number
  readonly startTimeMs: number
  readonly endTimeMs: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: readonly {
    readonly name: string
    readonly timeMs: number
    readonly attributes?: Readonly<Record<string, unknown>>
  }[]
  /** OpenTelemetry `SpanStatusCode` and its message. */
  readonly status: { readonly code: number; readonly message?: string }
  /** Name of the tracer. */
  readonly scope: string
}
