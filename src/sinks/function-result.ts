/** One value that a handler returned or emitted. */
export interface FunctionResult {
  /** The handler's wishes; all optional: defaults come from the sink's options and the causing event. */
  readonly meta: ResultMeta
  /** Media type of `data`: JSON for plain values, text/plain for strings, application/octet-stream for bytes. */
  readonly contentType: string
  readonly data: Buffer
}

export interface ResultMeta {
  /** Returned as an event: `{ type, source, subject, data, … }` with at least a string `type` and a `data` member. */
  readonly type?: string
  readonly source?: string
  readonly subject?: string
  readonly partitionkey?: string
  readonly extensions?: Readonly<Record<string, string | number | boolean>>
  /** Name of the sink the result is for; absent: every sink of the trigger. Set by `context.emit(value, { sink })`. */
  readonly sink?: string
  /** MQTT or Kafka topic instead of the sink's own. */
  readonly topic?: string
  /** Kafka or partition key instead of the event's. */
  readonly key?: string
  /** Returned as a reply: `{ status, headers, body }`. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}
