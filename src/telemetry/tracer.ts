/** What a span tells beside its name; values that are undefined are left out. */
export type SpanFacts = Readonly<Record<string, string | number | boolean | undefined>>

/** A sampled span that is under way. */
export interface ActiveSpan {
  /** W3C `traceparent` of the span: stored with the event, sent to the worker, put on what leaves. */
  readonly traceparent: string
  /** Ends the span; `error` marks it as failed. */
  end(error?: string, facts?: SpanFacts): void
}

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
   * @param isUndecided whether an event without a context may begin a trace (default). False for what a source of ours
   *   took without sampling it: a second draw would add traces that lack their beginning.
   */
  process(parent: string | undefined, stream: string, facts: SpanFacts, isUndecided?: boolean): ActiveSpan | undefined
  /** A result leaves by a sink: a PRODUCER or CLIENT span, child of the process span. */
  publish(parent: string | undefined, sink: string, facts: SpanFacts): ActiveSpan | undefined
}

export const noTracer: Tracer = {
  enabled: false,
  receive: () => undefined,
  process: () => undefined,
  publish: () => undefined,
}
