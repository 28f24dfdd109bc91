/**
 * sluice.d.ts of a function project. Made of src/workers/handler-types.ts by `node scripts/write-handler-declarations.ts`; a
 * test fails while it is stale.
 */
export const typeDeclarations = `/**
 * Types of Sluice functions. \`sluice init\` wrote this file; delete it and run \`sluice init .\` for those of a newer gateway.
 */
declare module 'sluice-gateway' {
  /**
   * A handler of single events, exported under the name that the definition gives (\`default\`). What it returns becomes a
   * result: a string, bytes, anything with a JSON form, an event of its own \`{ type, data, … }\` or a reply \`{ status, headers,
   * body }\`; \`undefined\` and \`null\` are none. What it throws fails the attempt.
   */
  export type Handler<Data = unknown, Result = unknown, Bindings extends object = AnyBindings> = (
    event: SluiceEvent<Data>,
    context: Context<Bindings>,
  ) => Result | Promise<Result>

  /** A handler of several events, of a function with \`batch\`. Without a report all have succeeded. */
  export type BatchHandler<Data = unknown, Bindings extends object = AnyBindings> = (
    events: readonly SluiceEvent<Data>[],
    context: Context<Bindings>,
  ) => BatchReport | undefined | void | Promise<BatchReport | undefined | void>

  /** Exported as \`init\`: called once per worker, before its first event. */
  export type Init<Bindings extends object = AnyBindings> = (context: InitContext<Bindings>) => void | Promise<void>

  /** Which events of a batch have failed, by their ids. */
  export interface BatchReport {
    readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
  }

  /** A CloudEvent 1.0. Nothing of it is decoded before it is asked for. */
  export interface SluiceEvent<Data = unknown> {
    readonly specversion: '1.0'
    /** The same in every attempt: what makes outside effects repeatable. */
    readonly id: string
    readonly source: string
    readonly type: string
    readonly subject: string | undefined
    /** RFC 3339, as the sender wrote it. */
    readonly time: string | undefined
    readonly datacontenttype: string | undefined
    readonly dataschema: string | undefined
    /** The ordering key. */
    readonly partitionkey: string | undefined
    readonly traceparent: string | undefined
    readonly tracestate: string | undefined
    /** All other extension attributes. */
    readonly extensions: Readonly<Record<string, ExtensionValue>>
    /**
     * The body by its content type, parsed on first use: JSON as its value, text as a string, else a Buffer; undefined when
     * there is none. Reading it throws a SyntaxError when it claims to be JSON and is none.
     */
    data: Data
    /** The body as it was sent; empty when there is none. */
    readonly bytes: Buffer
    /** The event in the CloudEvents JSON format. */
    toJSON(): Record<string, unknown>
  }

  /** The second argument of a handler. */
  export interface Context<Bindings extends object = AnyBindings> {
    readonly function: string
    /** \`latest\` or a published number. */
    readonly version: string
    /** '' for a direct invocation. */
    readonly trigger: string
    readonly stream: string
    /** Ties log lines together; the same wherever it is asked for. */
    readonly invocationId: string
    /** 1 for the first try. */
    readonly attempt: number
    /** Fencing token: a store that keeps the highest one it saw can refuse the writes of a frozen node. */
    readonly epoch: number
    /** Wall clock in ms at which the attempt is ended. */
    readonly deadlineMs: number
    readonly remainingMs: number
    /** Fires when the time is over; the worker is ended a moment later. */
    readonly signal: AbortSignal
    readonly logger: HandlerLogger
    /** Numbers of its own, on the gateway's /metrics. */
    readonly metrics: HandlerMetrics
    /** The declared environment variables. */
    readonly env: Readonly<Record<string, string>>
    readonly secrets: Readonly<Record<string, string>>
    /** The declared connections, by name; what their definitions take from the event comes from this one. */
    readonly bindings: Readonly<Bindings>
    /** What the protocol knew beside the event; at most one is there. */
    readonly http: HttpContext | undefined
    readonly mqtt: MqttContext | undefined
    readonly kafka: KafkaContext | undefined
    /**
     * Adds a result beside the returned one; in order, before it. Throws for a value that cannot be a result, and after the
     * invocation has ended.
     */
    emit(value: unknown, options?: EmitOptions): void
  }

  /** What \`init\` gets: everything that does not need an event. */
  export type InitContext<Bindings extends object = AnyBindings> = Pick<
    Context<Bindings>,
    'function' | 'version' | 'env' | 'secrets' | 'logger' | 'metrics' | 'bindings'
  >

  /** Where one result should go. */
  export interface EmitOptions {
    /** Name of the sink it is for; default: every sink of the trigger. */
    readonly sink?: string
    /** MQTT or Kafka topic instead of the sink's own. */
    readonly topic?: string
    /** Kafka or partition key instead of the event's. */
    readonly key?: string
    readonly headers?: Readonly<Record<string, string>>
  }

  /** A line with optional fields, kept with the invocation and its trace. */
  export type HandlerLogger = Readonly<
    Record<'trace' | 'debug' | 'info' | 'warn' | 'error', (message: string, fields?: object) => void>
  >

  /**
   * Metrics of a function. They appear as \`sluice_custom_<name>\` with the label \`function\`, added up over all of its workers and
   * versions. Names and labels are lower-case letters, digits and _. A label takes few values, never an id: a function has
   * at most 500 series and 50 names. What is beyond goes into one series with \`otel_metric_overflow\`; a mistake is told in the
   * function's log and never fails an invocation.
   */
  export interface HandlerMetrics {
    /** Adds to a counter; \`value\` is not below 0, default 1. \`_total\` is put behind the name. */
    count(name: string, value?: number, labels?: MetricLabels): void
    /** Sets a gauge; the last value of any worker counts. */
    gauge(name: string, value: number, labels?: MetricLabels): void
    /** Records a value in a histogram, whose buckets are 1-2-5 from 0.001 to 100,000. */
    record(name: string, value: number, labels?: MetricLabels): void
  }

  /** What is undefined is left out. */
  export type MetricLabels = Readonly<Record<string, string | number | boolean | undefined>>

  /** Bindings whose kinds are not declared: each may be used as any of them. */
  export type AnyBindings = Readonly<Record<string, HttpBinding & MqttBinding & KafkaBinding>>

  /**
   * An HTTP service. Every request stays below its base URL and carries its credentials. An answer of any status is an
   * answer, redirects included that lead elsewhere; those that stay below the base URL are followed.
   *
   * A path is text, with a query if need be, or an array of segments, which are escaped each: use that for values from
   * outside. Without a path it is the one of the definition, filled from the event.
   *
   * Calls reject with a SluiceError: SLUICE_SINKS_TEMPLATE (the event lacks what the path needs), SLUICE_SINKS_REJECTED (a path
   * or an answer that cannot be), SLUICE_SINKS_NETWORK_POLICY, SLUICE_SINKS_TIMEOUT, SLUICE_SINKS_UNAVAILABLE.
   */
  export interface HttpBinding {
    get(path?: HttpPath): Promise<HttpAnswer>
    /** @param body bytes or text as they are, anything else as JSON. */
    post(path: HttpPath | undefined, body?: unknown): Promise<HttpAnswer>
    request(request: HttpRequest): Promise<HttpAnswer>
    /** As the global \`fetch\`, for what the others cannot do, such as streams. */
    fetch(path?: HttpPath, init?: RequestInit): Promise<Response>
  }

  export type HttpPath = string | readonly string[]

  export interface HttpRequest {
    /** Default GET. */
    readonly method?: string
    readonly path?: HttpPath
    /** Added to the path's own; what is undefined is left out. */
    readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
    /** Beside the binding's own, which win. */
    readonly headers?: Readonly<Record<string, string>>
    /** Bytes or text as they are, anything else as JSON. */
    readonly body?: unknown
  }

  export interface HttpAnswer {
    readonly status: number
    /** Whether the status is of the 200s. */
    readonly ok: boolean
    /** Lower-case names. */
    readonly headers: Readonly<Record<string, string>>
    /** At most 32 MiB. */
    readonly body: Buffer
    text(): string
    /** Throws a SyntaxError when the body is no JSON. */
    json<T = unknown>(): T
  }

  /**
   * A producer to an MQTT broker. It connects in the background; a publication waits for the connection, within the
   * binding's time-out.
   */
  export interface MqttBinding {
    /**
     * Resolves when the broker has acknowledged the message (QoS 1 and 2), or it is written to the socket (QoS 0).
     * @param payload bytes or text as they are, anything else as JSON.
     */
    publish(payload: unknown, options?: MqttPublishOptions): Promise<void>
  }

  export interface MqttPublishOptions {
    /** Default: the one of the definition, filled from the event. */
    readonly topic?: string
    /** Default: the binding's. */
    readonly qos?: 0 | 1 | 2
    /** Default false. */
    readonly retain?: boolean
    /** MQTT 5 only. */
    readonly properties?: {
      readonly contentType?: string
      readonly userProperties?: Readonly<Record<string, string>>
    }
  }

  /** A producer to the gateway's Kafka cluster. It connects in the background. */
  export interface KafkaBinding {
    /**
     * Resolves when all in-sync replicas have the record.
     * @param value bytes or text as they are, null for a tombstone, anything else as JSON.
     */
    send(value: unknown, options?: KafkaSendOptions): Promise<{ readonly partition: number; readonly offset: number }>
  }

  export interface KafkaSendOptions {
    /** Default: the one of the definition, filled from the event. */
    readonly topic?: string
    /** Default: the one of the definition, filled from the event; null for none. */
    readonly key?: string | Uint8Array | null
    readonly headers?: Readonly<Record<string, string | Uint8Array>>
    /** Default: by the key, as Kafka's own partitioner does it; records without a key go round. */
    readonly partition?: number
  }

  export interface HttpContext {
    readonly kind: 'http'
    readonly method: string
    readonly path: string
    readonly query: string
    /** Lower-case names; credentials (authorization, cookie, proxy-authorization) are never kept. */
    readonly headers: Readonly<Record<string, string>>
  }

  export interface MqttContext {
    readonly kind: 'mqtt'
    readonly topic: string
    readonly qos: 0 | 1 | 2
    readonly retain: boolean
    readonly clientId?: string
    readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
  }

  export interface KafkaContext {
    readonly kind: 'kafka'
    readonly topic: string
    readonly partition: number
    readonly offset: number
    readonly timestampMs: number
    readonly key: string | null
    readonly headers: Readonly<Record<string, string>>
  }

  export type ExtensionValue = string | number | boolean
}

// Files that the bundler takes: as text, or as data files beside the module (the value is their path from there).
declare module '*.txt' { const text: string; export default text }
declare module '*.sql' { const text: string; export default text }
declare module '*.html' { const text: string; export default text }
declare module '*.md' { const text: string; export default text }
declare module '*.csv' { const text: string; export default text }
declare module '*.graphql' { const text: string; export default text }
declare module '*.pem' { const text: string; export default text }
declare module '*.yaml' { const text: string; export default text }
declare module '*.yml' { const text: string; export default text }
declare module '*.wasm' { const path: string; export default path }
declare module '*.bin' { const path: string; export default path }
declare module '*.dat' { const path: string; export default path }
declare module '*.onnx' { const path: string; export default path }
declare module '*.png' { const path: string; export default path }
declare module '*.jpg' { const path: string; export default path }
declare module '*.jpeg' { const path: string; export default path }
declare module '*.gif' { const path: string; export default path }
declare module '*.webp' { const path: string; export default path }
declare module '*.pdf' { const path: string; export default path }
declare module '*.gz' { const path: string; export default path }
declare module '*.zip' { const path: string; export default path }
declare module '*.ttf' { const path: string; export default path }
`
