/** What a span tells beside its name; values that are undefined are left out. */
export type SpanFacts = Readonly<Record<string, string | number | boolean | undefined>>

/** A sampled span that is under way. */
export interface ActiveSpan {
  /** W3C `traceparent` of the span: stored with the event, sent to the worker, put on what leaves. */
  readonly traceparent: string
  /** Ends the span; `error` marks it as failed. */
  end(error?: string, facts?: SpanFacts): void
}

/** Where a span comes from, beside its parent. */
export interface SpanOrigin {
  /**
   * Whether an event without a context may begin a trace. Default true. False for what a source of ours took without
   * sampling it: a second draw would add traces that lack their beginning.
   */
  readonly isUndecided?: boolean
  /** The parent decides whether the span is sampled, but it begins a trace of its own, which is linked to the parent's. */
  readonly isRoot?: boolean
  /** `traceparent`s of other spans that it has to do with; what is undefined or invalid is left out. */
  readonly links?: readonly (string | undefined)[]
}

/** It is set aside, comes back, ends as a dead letter, or what it made goes out once more. */
export type SettleOperation = 'park' | 'unpark' | 'dead-letter' | 'redeliver'

/**
 * The only thing the journey knows of tracing. Sampling is decided before anything is built: each method returns
 * undefined for an event that is not sampled, so tracing that is off costs one call of a no-op. A span's context has
 * to come back to its caller (it is stored in the record), hence an interface and not a diagnostics channel.
 */
export interface Tracer {
  readonly enabled: boolean
  /** A source takes an event in: a SERVER or CONSUMER span, child of the sender's context. */
  receive(parent: string | undefined, source: string, facts: SpanFacts): ActiveSpan | undefined
  /**
   * A function processes an event: a CONSUMER span, child of the context stored with the event.
   * @param facts asked for only when the event is sampled.
   */
  process(
    parent: string | undefined,
    stream: string,
    facts: () => SpanFacts,
    origin?: SpanOrigin,
  ): ActiveSpan | undefined
  /** Something befalls an event beside its attempts: an INTERNAL span, child of the context stored with the event. */
  settle(
    operation: SettleOperation,
    parent: string | undefined,
    stream: string,
    facts: () => SpanFacts,
    origin?: SpanOrigin,
  ): ActiveSpan | undefined
  /** A result leaves by a sink: a PRODUCER or CLIENT span, child of the process span. */
  publish(parent: string | undefined, sink: string, facts: SpanFacts): ActiveSpan | undefined
}

export const noTracer: Tracer = {
  enabled: false,
  receive: () => undefined,
  process: () => undefined,
  settle: () => undefined,
  publish: () => undefined,
}
