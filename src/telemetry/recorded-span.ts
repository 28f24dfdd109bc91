import {
  type Attributes,
  type HrTime,
  type Link,
  type SpanContext,
  type SpanKind,
  type SpanStatus,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace'
import type { WorkerSpan } from './worker-span.ts'

type Resource = ReadableSpan['resource']
type InstrumentationScope = ReadableSpan['instrumentationScope']

const noLinks: Link[] = []
const noEvents: TimedEvent[] = []
const unset: SpanStatus = { code: SpanStatusCode.UNSET }

export interface RecordedSpanFields {
  readonly name: string
  readonly kind: SpanKind
  readonly context: SpanContext
  readonly parent: SpanContext | undefined
  readonly startMs: number
  readonly attributes: Attributes
  readonly resource: Resource
  readonly scope: InstrumentationScope
}

/**
 * A finished or running span in the shape the SDK's processors take. Built by hand instead of by the SDK's tracer: the
 * decision to sample has been made already and no context has to be read, and spans of workers keep their ids.
 */
export class RecordedSpan implements ReadableSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly parentSpanContext?: SpanContext
  readonly startTime: HrTime
  readonly attributes: Attributes
  readonly links = noLinks
  readonly resource: Resource
  readonly instrumentationScope: InstrumentationScope
  readonly droppedAttributesCount = 0
  readonly droppedEventsCount = 0
  readonly droppedLinksCount = 0
  events = noEvents
  status = unset
  endTime: HrTime
  ended = false
  readonly #context: SpanContext

  constructor(fields: RecordedSpanFields) {
    this.name = fields.name
    this.kind = fields.kind
    this.#context = fields.context
    if (fields.parent !== undefined) this.parentSpanContext = fields.parent
    this.startTime = hrTimeOf(fields.startMs)
    this.endTime = this.startTime
    this.attributes = fields.attributes
    this.resource = fields.resource
    this.instrumentationScope = fields.scope
  }

  get duration(): HrTime {
    const [startSeconds, startNanos] = this.startTime
    const [endSeconds, endNanos] = this.endTime
    const nanos = endNanos - startNanos
    return nanos < 0 ? [endSeconds - startSeconds - 1, nanos + 1e9] : [endSeconds - startSeconds, nanos]
  }

  // An own property in the interface, hence an arrow; it is called once or twice per span.
  spanContext = (): SpanContext => this.#context

  /** An end before the start (a clock that went back) counts as the start. */
  finish(endMs: number): void {
    this.ended = true
    const end = hrTimeOf(endMs)
    const [startSeconds, startNanos] = this.startTime
    if (end[0] > startSeconds || (end[0] === startSeconds && end[1] >= startNanos)) this.endTime = end
  }
}

/** A span that user code made in a worker, as if it had been made here. */
export function recordedWorkerSpan(span: WorkerSpan, resource: Resource): RecordedSpan {
  const { traceId, parentSpanId } = span
  const recorded = new RecordedSpan({
    name: span.name,
    kind: span.kind,
    context: { traceId, spanId: span.spanId, traceFlags: TraceFlags.SAMPLED },
    parent: parentSpanId === undefined ? undefined : { traceId, spanId: parentSpanId, traceFlags: TraceFlags.SAMPLED },
    startMs: span.startTimeMs,
    attributes: span.attributes as Attributes,
    resource,
    scope: { name: span.scope },
  })
  if (span.events.length > 0) {
    recorded.events = span.events.map(event => ({
      name: event.name,
      time: hrTimeOf(event.timeMs),
      attributes: (event.attributes ?? {}) as Attributes,
    }))
  }
  const { code, message } = span.status
  recorded.status = message === undefined ? { code } : { code, message }
  recorded.finish(span.endTimeMs)
  return recorded
}

function hrTimeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000)
  // Rounding may reach a whole second, which would not be a valid number of nanoseconds.
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6))]
}
