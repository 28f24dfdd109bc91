import type { ReadableSpan } from '@opentelemetry/sdk-trace'

/**
 * A finished span as plain values, whoever made it: the gateway, user code in a worker, a program that embeds the gateway.
 * It is what goes to the thread that exports.
 */
export interface SpanRecord {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  /** W3C trace flags of the span; absent: sampled and nothing else. */
  readonly flags?: number
  readonly name: string
  /** OpenTelemetry `SpanKind`. */
  readonly kind: number
  readonly startTimeMs: number
  readonly endTimeMs: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events?: readonly {
    readonly name: string
    readonly timeMs: number
    readonly attributes?: Readonly<Record<string, unknown>>
  }[]
  readonly links?: readonly SpanLink[]
  /** OpenTelemetry `SpanStatusCode` and its message; absent: unset. */
  readonly status?: { readonly code: number; readonly message?: string }
  /** Name of the tracer, and its version if it has one. */
  readonly scope: string
  readonly scopeVersion?: string
}

/** Another span that a span has to do with, without being its child. */
export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly attributes?: Readonly<Record<string, unknown>>
}

/** What the SDK recorded, as plain values. */
export function recordOf(span: ReadableSpan): SpanRecord {
  const { traceId, spanId, traceFlags } = span.spanContext()
  const parentSpanId = span.parentSpanContext?.spanId
  const { name: scope, version: scopeVersion } = span.instrumentationScope
  const { code, message } = span.status
  return {
    ...{ traceId, spanId, flags: traceFlags, name: span.name, kind: span.kind, scope },
    ...(parentSpanId === undefined ? undefined : { parentSpanId }),
    ...(scopeVersion === undefined ? undefined : { scopeVersion }),
    startTimeMs: msOf(span.startTime),
    endTimeMs: msOf(span.endTime),
    attributes: { ...span.attributes },
    events: span.events.map(event => ({
      name: event.name,
      timeMs: msOf(event.time),
      ...(event.attributes === undefined ? undefined : { attributes: { ...event.attributes } }),
    })),
    links: span.links.map(({ context, attributes }) => ({
      traceId: context.traceId,
      spanId: context.spanId,
      ...(attributes === undefined ? undefined : { attributes: { ...attributes } }),
    })),
    status: message === undefined ? { code } : { code, message },
  }
}

function msOf([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6
}
