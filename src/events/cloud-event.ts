/** A value of a CloudEvents extension attribute in the JSON format (CloudEvents 1.0.2 §3.1: Boolean, Integer, String). */
export type ExtensionValue = string | number | boolean

/**
 * The context attributes of a CloudEvent 1.0 (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md §3),
 * without its data. Optional attributes are absent, never `undefined` by value.
 */
export interface CloudEventAttributes {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject?: string
  /** RFC 3339, as the sender wrote it. */
  readonly time?: string
  readonly datacontenttype?: string
  readonly dataschema?: string
  /** Partitioning extension: the ordering key. Its bytes (UTF-8) are the key of the record. */
  readonly partitionkey?: string
  /** Distributed tracing extension (W3C Trace Context). */
  readonly traceparent?: string
  readonly tracestate?: string
  /** All other extension attributes, by their lower-case name. */
  readonly extensions?: Readonly<Record<string, ExtensionValue>>
}
