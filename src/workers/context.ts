import type { HttpContext, KafkaContext, MqttContext, ProtocolContext } from '../events/event-header.ts'
import type { Attempt } from './attempt.ts'
import { HandlerEvent } from './event-object.ts'
import type { Binding } from './bindings/binding.ts'
import type { Bindings } from './bindings/open-bindings.ts'
import type { Context, EmitOptions, HandlerLogger, HandlerMetrics, InitContext } from './handler-types.ts'
import type { LogCapture } from './log-capture.ts'
import type { MetricCapture } from './metric-capture.ts'
import type { SecretMask } from './secret-mask.ts'
import type { FunctionLogEntry, WorkerSettings } from './worker-settings.ts'

/** What is the same for all invocations of a worker. */
export interface ContextSurroundings {
  readonly settings: WorkerSettings
  readonly logs: LogCapture
  readonly mask: SecretMask
  readonly logger: HandlerLogger
  readonly metrics: MetricCapture
  readonly env: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
  readonly bindings: Bindings
}

type BoundBindings = Readonly<Record<string, Binding>>

export function createSurroundings(
  settings: WorkerSettings,
  logs: LogCapture,
  mask: SecretMask,
  bindings: Bindings,
  metrics: MetricCapture,
): ContextSurroundings {
  return {
    settings,
    logs,
    mask,
    logger: createLogger(logs),
    metrics,
    env: Object.freeze({ ...settings.environment }),
    secrets: Object.freeze({ ...settings.secrets }),
    bindings,
  }
}

export function createInitContext({
  settings,
  logger,
  metrics,
  env,
  secrets,
  bindings,
}: ContextSurroundings): InitContext<BoundBindings> {
  const bound = bindings.for({ event: 'init() has no event' })
  return { function: settings.function, version: settings.version, env, secrets, logger, metrics, bindings: bound }
}

/** The second argument of a handler. Everything is computed when it is asked for. */
export class HandlerContext implements Context<BoundBindings> {
  readonly #attempt: Attempt
  readonly #around: ContextSurroundings
  readonly #event: HandlerEvent
  #bindings: BoundBindings | undefined

  constructor(attempt: Attempt, event: HandlerEvent, around: ContextSurroundings) {
    this.#attempt = attempt
    this.#event = event
    this.#around = around
  }

  get function(): string {
    return this.#around.settings.function
  }

  get version(): string {
    return this.#around.settings.version
  }

  /** '' for a direct invocation. */
  get trigger(): string {
    return this.#attempt.trigger
  }

  get stream(): string {
    return this.#attempt.frame.feed(this.#attempt.head).stream
  }

  get invocationId(): string {
    return this.#attempt.invocationId
  }

  /** 1 for the first try. */
  get attempt(): number {
    return this.#attempt.frame.attempt(this.#attempt.head)
  }

  /** Fencing token: a store that keeps the highest one it saw can refuse the writes of a frozen node. */
  get epoch(): number {
    return this.#attempt.frame.epoch(this.#attempt.head)
  }

  /** Wall clock in ms at which the attempt is ended. */
  get deadlineMs(): number {
    return Date.now() + this.#attempt.remainingMs
  }

  get remainingMs(): number {
    return Math.max(0, this.#attempt.remainingMs)
  }

  /** Fires when the time is over; the worker is ended a moment later. */
  get signal(): AbortSignal {
    return this.#attempt.signal
  }

  get logger(): HandlerLogger {
    return createLogger(this.#around.logs, this.#attempt)
  }

  get metrics(): HandlerMetrics {
    return this.#around.metrics
  }

  /** The declared environment variables of the function. */
  get env(): Readonly<Record<string, string>> {
    return this.#around.env
  }

  get secrets(): Readonly<Record<string, string>> {
    return this.#around.secrets
  }

  /** Made when they are asked for: they take what their definitions name from this very event. */
  get bindings(): BoundBindings {
    return (this.#bindings ??= this.#bind())
  }

  get http(): HttpContext | undefined {
    const protocol = this.#protocol
    return protocol?.kind === 'http' ? protocol : undefined
  }

  get mqtt(): MqttContext | undefined {
    const protocol = this.#protocol
    return protocol?.kind === 'mqtt' ? protocol : undefined
  }

  get kafka(): KafkaContext | undefined {
    const protocol = this.#protocol
    return protocol?.kind === 'kafka' ? protocol : undefined
  }

  /**
   * Adds a result beside the returned one; in order, before it. `sink` names the sink it is for, `topic` and `key`
   * replace the sink's own.
   * @throws {ResultProblem} for a value that cannot be a result; {Error} after the invocation has ended.
   */
  emit(value: unknown, options?: EmitOptions): void {
    if (this.#attempt.done)
      throw new Error('emit() was called after the invocation had ended; its results are sent already')
    this.#attempt.add(value, options)
  }

  #bind(): BoundBindings {
    const attempt = this.#attempt
    const isBatch = this.#around.settings.batch !== undefined
    return this.#around.bindings.for({
      event: isBatch ? 'a batch has several events; say path or topic in the call' : this.#event,
      get signal() {
        return attempt.signal
      },
    })
  }

  get #protocol(): ProtocolContext | undefined {
    return HandlerEvent.headerOf(this.#event).protocol
  }
}

function createLogger(logs: LogCapture, attempt?: Attempt): HandlerLogger {
  const at =
    (level: FunctionLogEntry['level']) =>
    (message: string, fields?: object): void => {
      logs.log(level, typeof message === 'string' ? message : String(message), fields, attempt)
    }
  return { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
