/**
 * sluice.d.ts of a function project: what a handler gets and gives, in types. The project needs no package of the gateway
 * to be written, checked and tested; at run time the types are gone.
 */
export const typeDeclarations = `/**
 * Types of Sluice functions. \`sluice init\` wrote this file; delete it and run \`sluice init .\` for those of a newer gateway.
 */
declare module 'sluice-gateway' {
  /**
   * Runs for each event. What it returns (or resolves with) goes to the sinks of its trigger, or is the answer of a
   * synchronous invocation; undefined sends nothing. What it throws makes the attempt fail: it is repeated as the
   * definition says, and in the end the event is kept as a dead letter.
   */
  export type Handler<Data = unknown, Result = unknown> = (
    event: Event<Data>,
    context: Context,
  ) => Result | Promise<Result>

  /** Exported as \`init\`: runs once per worker, before its first event. */
  export type Init = (context: InitContext) => unknown

  /** A CloudEvent 1.0. */
  export interface Event<Data = unknown> {
    readonly specversion: '1.0'
    /** The same for every attempt: the key for making side effects happen once. */
    readonly id: string
    readonly source: string
    readonly type: string
    readonly subject: string | undefined
    readonly time: string | undefined
    readonly datacontenttype: string | undefined
    readonly dataschema: string | undefined
    /** Events of one key run one after the other. */
    readonly partitionkey: string | undefined
    readonly traceparent: string | undefined
    readonly tracestate: string | undefined
    readonly extensions: Readonly<Record<string, string | number | boolean>>
    /** The body: JSON as its value, text as a string, anything else as bytes. Parsed on first use. */
    data: Data
    /** The body as it was sent. */
    readonly bytes: Uint8Array
  }

  /** What is the same for all events of a worker. */
  export interface InitContext {
    readonly function: string
    /** \`latest\` or a published number. */
    readonly version: string
    /** The environment variables of the definition, and no others. */
    readonly env: Readonly<Record<string, string | undefined>>
    /** Secrets of the definition, by the name that it gives them. */
    readonly secrets: Readonly<Record<string, string | undefined>>
    /** Lines land in \`sluice logs\`, tied to their invocation. */
    readonly logger: Logger
  }

  export interface Context extends InitContext {
    /** '' for a direct invocation. */
    readonly trigger: string
    readonly stream: string
    readonly invocationId: string
    /** 1 for the first try. */
    readonly attempt: number
    /** Fencing token: grows when the work moves to another process. */
    readonly epoch: number
    /** ms since the epoch at which the attempt is ended. */
    readonly deadlineMs: number
    readonly remainingMs: number
    /** Fires when the time is over; give it to fetch and the like. */
    readonly signal: AbortSignal
    /** Of an event that came by HTTP. */
    readonly http: { method: string; path: string; query: string; headers: Readonly<Record<string, string>> } | undefined
    /** Of an event that came by MQTT. */
    readonly mqtt: { topic: string; qos: 0 | 1 | 2; retain: boolean; clientId?: string } | undefined
    /** Of an event that came from Kafka. */
    readonly kafka:
      | {
          topic: string
          partition: number
          offset: number
          timestampMs: number
          key: string | null
          headers: Readonly<Record<string, string>>
        }
      | undefined
    /** Adds a result before the one that is returned; \`sink\` names the sink it is for. */
    emit(value: unknown, options?: { sink?: string; topic?: string; key?: string }): void
  }

  export type Logger = Readonly<
    Record<'trace' | 'debug' | 'info' | 'warn' | 'error', (message: string, fields?: object) => void>
  >

  /** A result that is the answer of a synchronous invocation. */
  export interface Reply<Body = unknown> {
    status: number
    headers?: Record<string, string>
    body?: Body
  }
}

// Files that the bundler takes: text, and data files that lie beside the module (the value is their path from there).
declare module '*.txt' { const text: string; export default text }
declare module '*.sql' { const text: string; export default text }
declare module '*.html' { const text: string; export default text }
declare module '*.csv' { const text: string; export default text }
declare module '*.wasm' { const path: string; export default path }
declare module '*.bin' { const path: string; export default path }
declare module '*.onnx' { const path: string; export default path }
`
