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
import type { SpanRecord } from './span-record.ts'

type Resource = ReadableSpan['resource']
type InstrumentationScope = ReadableSpan['instrumentationScope']

const noLinks: Link[] = []
const noEvents: TimedEvent[] = []
const unset: SpanStatus = { code: SpanStatusCode.UNSET }

/** A finished span in the shape the SDK's exporters take. */
export class RecordedSpan implements ReadableSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly parentSpanContext?: SpanContext
  readonly startTime: HrTime
  readonly endTime: HrTime
  readonly attributes: Attributes
  readonly events: TimedEvent[]
  readonly links: Link[]
  readonly status: SpanStatus
  readonly resource: Resource
  readonly instrumentationScope: InstrumentationScope
  readonly ended = true
  readonly droppedAttributesCount = 0
  readonly droppedEventsCount = 0
  readonly droppedLinksCount = 0
  readonly #context: SpanContext

  /** @throws {TypeError} for a record that is none: it may come from user code. */
  constructor(record: SpanRecord, resource: Resource, scope: InstrumentationScope) {
    const { traceId, spanId, parentSpanId, flags = TraceFlags.SAMPLED, events, links, status } = record
    this.name = record.name
    this.kind = record.kind
    this.#context = { traceId, spanId, traceFlags: flags }
    if (parentSpanId !== undefined)
      this.parentSpanContext = { traceId, spanId: parentSpanId, traceFlags: TraceFlags.SAMPLED }
    this.startTime = hrTimeOf(record.startTimeMs)
    // An end before the start (a clock that went back) counts as the start.
    this.endTime = record.endTimeMs > record.startTimeMs ? hrTimeOf(record.endTimeMs) : this.startTime
    this.attributes = record.attributes as Attributes
    this.events = events === undefined || events.length === 0 ? noEvents : events.map(eventOf)
    this.links = links === undefined || links.length === 0 ? noLinks : links.map(linkOf)
    this.status = status === undefined ? unset : status
    this.resource = resource
    this.instrumentationScope = scope
  }

  get duration(): HrTime {
    const [startSeconds, startNanos] = this.startTime
    const [endSeconds, endNanos] = this.endTime
    const nanos = endNanos - startNanos
    return nanos < 0 ? [endSeconds - startSeconds - 1, nanos + 1e9] : [endSeconds - startSeconds, nanos]
  }

  // An own property in the interface, hence an arrow; it is called once or twice per span.
  spanContext = (): SpanContext => this.#context
}

function eventOf(event: NonNullable<SpanRecord['events']>[number]): TimedEvent {
  return { name: event.name, time: hrTimeOf(event.timeMs), attributes: (event.attributes ?? {}) as Attributes }
}

function linkOf({ traceId, spanId, attributes }: NonNullable<SpanRecord['links']>[number]): Link {
  const context = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true }
  return attributes === undefined ? { context } : { context, attributes: attributes as Attributes }
}

function hrTimeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000)
  // Rounding may reach a whole second, which would not be a valid number of nanoseconds.
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6))]
}
