import { context, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { AlwaysOffSampler, ParentBasedSampler, TracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace'
import { parseTraceparent } from '../events/traceparent.ts'
import { recordOf, type SpanRecord } from '../telemetry/span-record.ts'
import type { SecretMask } from './secret-mask.ts'

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
export function startWorkerTracing(post: (spans: SpanRecord[]) => void, mask: SecretMask): WorkerTracing {
  let ended: SpanRecord[] = []
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

function hideIn(span: SpanRecord, mask: SecretMask): SpanRecord {
  try {
    return JSON.parse(mask.hideInJson(JSON.stringify(span))) as SpanRecord
  } catch {
    // An attribute that has no JSON form cannot be looked into.
    return { ...span, attributes: {}, events: [] }
  }
}
