import { randomBytes } from 'node:crypto'
import { types } from 'node:util'
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { AlwaysOffSampler, ParentBasedSampler, TracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace'
import { parseTraceparent } from '../events/traceparent.ts'
import { attribute } from '../telemetry/attributes.ts'
import { recordOf, type SpanRecord } from '../telemetry/span-record.ts'
import type { SecretMask } from './secret-mask.ts'

/** Spans kept between two flushes; more are dropped. */
const maxSpans = 1000

/** A call of several events. */
export interface TracedBatch {
  readonly stream: string
  readonly events: number
  /** Contexts of the process spans of those that are sampled. */
  readonly traceparents: readonly string[]
  readonly mode: 'links' | 'parent'
}

/** Runs handlers under the span of their event. */
export interface WorkerTracing {
  run<T>(traceparent: string, call: () => T): T
  /** Runs a call of several events under a span of its own; without a sampled event under none. */
  runBatch<T>(batch: TracedBatch, call: () => T): T
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
  const within = <T>(traceId: string, spanId: string, call: () => T): T => {
    const span = trace.wrapSpanContext({ traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true })
    return context.with(trace.setSpan(ROOT_CONTEXT, span), call)
  }
  return {
    run(traceparent, call) {
      const parent = parseTraceparent(traceparent)
      return parent === undefined ? call() : within(parent.traceId, parent.spanId, call)
    },
    runBatch(batch, call) {
      const places = batch.traceparents.map(parseTraceparent).filter(place => place !== undefined)
      const [first] = places
      if (first === undefined) return call()
      const parent = batch.mode === 'parent' ? first : undefined
      const traceId = parent?.traceId ?? randomBytes(16).toString('hex')
      const spanId = randomBytes(8).toString('hex')
      const startTimeMs = nowMs()
      const end = (error?: string): void => {
        if (ended.length >= maxSpans) return
        ended.push({
          ...{ traceId, spanId, name: `process batch ${batch.stream}`, kind: SpanKind.CONSUMER, scope: 'sluice' },
          ...(parent === undefined ? undefined : { parentSpanId: parent.spanId }),
          ...{ startTimeMs, endTimeMs: nowMs(), attributes: batchAttributes(batch) },
          links: places
            .filter(place => place !== parent)
            .map(place => ({ traceId: place.traceId, spanId: place.spanId })),
          // What it was is told by the spans of the events, where secrets are masked.
          ...(error === undefined ? undefined : { status: { code: SpanStatusCode.ERROR, message: error } }),
        })
      }
      try {
        const returned = within(traceId, spanId, call)
        if (types.isPromise(returned))
          returned.then(
            () => end(),
            () => end('the call failed'),
          )
        else end()
        return returned
      } catch (thrown) {
        end('the call failed')
        throw thrown
      }
    },
    flush() {
      if (ended.length === 0) return
      const spans = ended
      ended = []
      post(spans)
    },
  }
}

function batchAttributes({ stream, events }: TracedBatch): SpanRecord['attributes'] {
  return {
    [attribute.messagingDestination]: stream,
    [attribute.messagingOperationType]: 'process',
    [attribute.messagingOperationName]: 'process',
    [attribute.messagingBatchCount]: events,
  }
}

function nowMs(): number {
  return performance.timeOrigin + performance.now()
}

function hideIn(span: SpanRecord, mask: SecretMask): SpanRecord {
  try {
    return JSON.parse(mask.hideInJson(JSON.stringify(span))) as SpanRecord
  } catch {
    // An attribute that has no JSON form cannot be looked into.
    return { ...span, attributes: {}, events: [] }
  }
}
