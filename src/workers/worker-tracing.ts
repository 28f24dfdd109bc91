import { context, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AlwaysOffSampler,
  ParentBasedSampler,
  TracerProvider,
  type ReadableSpan,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace'
import { parseTraceparent } from '../events/traceparent.ts'
import type { SecretMask } from './secret-mask.ts'
import type { WorkerSpan } from './worker-settings.ts'

/** Spans kept between two flushes; more are dropped. */
const maxSpans = 1000

/** Runs handlers under the span of their event. */
export interface WorkerTracing {
  run<T>(traceparent: string, call: () => T): T
  /** Posts the spans that have ended since the last time. */
  flush(): void
}

/**
 * Makes the OpenTelemetry API work in a worker: user code sees the active span of its event, and the spans it makes below
 * are handed to `post` as plain records without secrets. Spans without a sampled parent are not recorded. Loaded only when tracing is on.
 */
export function startWorkerTracing(post: (spans: WorkerSpan[]) => void, mask: SecretMask): WorkerTracing {
  let ended: WorkerSpan[] = []
  const recorder: SpanProcessor = {
    onStart() {},
    onEnd(span) {
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
      // A function that makes spans in a loop must not fill the memory of anybody.
      if (ended.length < maxSpans) ended.push(mask.longest === 0 ? recordOf(span) : hideIn(recordOf(span), mask))
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(
    new TracerProvider({
      sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }),
      spanProcessors: [recorder],
    }),
  )
  return {
    run(traceparent, call) {
      const parent = parseTraceparent(traceparent)
      if (parent === undefined) return call()
      const { traceId, spanId } = parent
      const span = trace.wrapSpanContext({ traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true })
      return context.with(trace.setSpan(ROOT_CONTEXT, span), call)
    },
    flush() {
      if (ended.length === 0) return
      const spans = ended
      ended = []
      post(spans)
    },
  }
}

function recordOf(span: ReadableSpan): WorkerSpan {
  const { traceId, spanId } = span.spanContext()
  const parentSpanId = span.parentSpanContext?.spanId
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? undefined : { parentSpanId }),
    name: span.name,
    kind: span.kind,
    startTimeMs: msOf(span.startTime),
    endTimeMs: msOf(span.endTime),
    attributes: { ...span.attributes },
    events: span.events.map(event => ({
      name: event.name,
      timeMs: msOf(event.time),
      ...(event.attributes === undefined ? undefined : { attributes: { ...event.attributes } }),
    })),
    status: {
      code: span.status.code,
      ...(span.status.message === undefined ? undefined : { message: span.status.message }),
    },
    scope: span.instrumentationScope.name,
  }
}

function msOf([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6
}

function hideIn(span: WorkerSpan, mask: SecretMask): WorkerSpan {
  try {
    return JSON.parse(mask.hideInJson(JSON.stringify(span))) as WorkerSpan
  } catch {
    // An attribute that has no JSON form cannot be looked into.
    return { ...span, attributes: {}, events: [] }
  }
}
