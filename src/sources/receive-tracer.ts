/** What a receive span says about one event, in the terms of the messaging semantic conventions. */
export interface ReceiveFacts {
  readonly system: 'http' | 'mqtt' | 'kafka' | 'schedule'
  /** Topic, path, or the cron expression of a schedule. */
  readonly destination: string
  readonly source: string
  readonly bodyBytes: number
}

export type ReceiveOutcome = 'accepted' | 'duplicate' | 'dead-letter' | 'refused' | 'failed'

/** The span of receiving one event, from its arrival to its acknowledgement. */
export interface ReceiveSpan {
  /** Goes into the header of the event; everything that happens later hangs below it. */
  readonly traceparent: string
  end(outcome: ReceiveOutcome): void
}

/** Starts receive spans. Implemented in the telemetry, so that no source knows OpenTelemetry. */
export interface ReceiveTracer {
  /**
   * @param parent the sender's `traceparent`, not validated.
   * @returns undefined when the event is not sampled and there is nothing to record; the sender's context is kept then.
   */
  receive(parent: string | undefined, facts: ReceiveFacts): ReceiveSpan | undefined
}
