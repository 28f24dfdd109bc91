import { Worker } from 'node:worker_threads'
import type { ResourceAttributes } from './resource-attributes.ts'
import type { SpanExportMessage, SpanExportRequest, SpanExportSettings } from './span-export-thread.ts'
import { SpanQueue } from './span-queue.ts'
import type { SpanRecord } from './span-record.ts'
import type { TelemetryLogger } from './telemetry-logger.ts'

export interface SpanPipelineOptions {
  /** `OTEL_*`, also for the exporters: the environment of their thread. */
  readonly env: NodeJS.ProcessEnv
  readonly resource: ResourceAttributes
  readonly logger: TelemetryLogger
}

/** Four times the SDK's default, about 10 MiB: a gateway makes thousands of spans a second. `OTEL_BSP_MAX_QUEUE_SIZE` wins. */
const defaultQueueSize = 8192
const defaultBatchSize = 512
const defaultDelayMs = 5_000
const defaultExportTimeoutMs = 30_000

/** What the thread may have; more of it ends the thread and not the gateway. */
const maxThreadMiB = 256

const firstRestartMs = 1_000
const lastRestartMs = 60_000

/**
 * Where finished spans go: a bounded queue (`OTEL_BSP_*`), and behind it one thread that has the exporters, so that neither
 * their work nor a collector in trouble is felt here.
 *
 *   running ──the thread dies──▶ waiting ──1 s, 2 s, … 60 s──▶ running
 *      └─────────── shutdown() ─────┴──▶ stopped
 */
export class SpanPipeline {
  readonly #options: SpanPipelineOptions
  readonly #queue: SpanQueue
  #thread: Worker | undefined
  #restartMs = firstRestartMs
  #restart: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(options: SpanPipelineOptions) {
    this.#options = options
    const { env, logger } = options
    const maxSpans = positive(env['OTEL_BSP_MAX_QUEUE_SIZE']) ?? defaultQueueSize
    this.#queue = new SpanQueue({
      maxSpans,
      maxBatch: Math.min(positive(env['OTEL_BSP_MAX_EXPORT_BATCH_SIZE']) ?? defaultBatchSize, maxSpans),
      delayMs: positive(env['OTEL_BSP_SCHEDULE_DELAY']) ?? defaultDelayMs,
      send: spans => this.#send({ kind: 'spans', spans }),
      onFull: () =>
        logger.warn({ dropped: this.#queue.dropped }, 'spans are dropped: they come faster than they can be exported'),
    })
    this.#start()
  }

  add(span: SpanRecord): void {
    this.#queue.add(span)
  }

  /** Spans that were lost since the start: queue full, export failed, or not valid. */
  dropped(): number {
    return this.#queue.dropped
  }

  /** Exports what is in hand, for at most `timeoutMs`; what is not out by then counts as dropped. Never rejects. */
  async shutdown(timeoutMs: number): Promise<void> {
    if (this.#isStopped) return
    this.#queue.flush()
    this.#isStopped = true
    clearTimeout(this.#restart)
    const thread = this.#thread
    if (thread !== undefined) {
      thread.ref()
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, timeoutMs)
      const exited = new Promise(end => thread.once('exit', end))
      this.#send({ kind: 'stop' })
      await Promise.race([exited, promise])
      clearTimeout(timer)
      await thread.terminate()
    }
    this.#queue.close()
  }

  #start(): void {
    const { env, resource, logger } = this.#options
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const exportTimeoutMs = positive(env['OTEL_BSP_EXPORT_TIMEOUT']) ?? defaultExportTimeoutMs
    const thread = new Worker(new URL(`./span-export-thread.${extension}`, import.meta.url), {
      name: 'span-export',
      workerData: { resource, exportTimeoutMs } satisfies SpanExportSettings,
      env: { ...env },
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: maxThreadMiB },
    })
    this.#thread = thread
    // It must not keep the process alive: a clean stop flushes.
    thread.unref()
    let cause: unknown
    thread.on('message', (message: SpanExportMessage) => {
      if (message.kind === 'warn') return logger.warn(message.facts, message.message)
      this.#queue.acknowledged(message.spans, message.lost)
      if (message.lost < message.spans) this.#restartMs = firstRestartMs
    })
    thread.on('error', error => (cause = error))
    thread.on('exit', code => this.#ended(thread, cause ?? `exit code ${code}`))
  }

  #ended(thread: Worker, cause: unknown): void {
    if (thread !== this.#thread) return
    this.#thread = undefined
    this.#queue.sentAreLost()
    if (this.#isStopped) return
    const { logger } = this.#options
    logger.warn({ reason: String(cause) }, 'the thread that exports spans has ended; it is started again')
    this.#restart = setTimeout(() => {
      this.#start()
      this.#queue.flush()
    }, this.#restartMs).unref()
    this.#restartMs = Math.min(this.#restartMs * 2, lastRestartMs)
  }

  #send(request: SpanExportRequest): boolean {
    if (this.#thread === undefined) return false
    try {
      this.#thread.postMessage(request)
      return true
    } catch (error) {
      // Something in an attribute that cannot be copied: these spans would never go.
      this.#options.logger.warn({ reason: String(error) }, 'spans are dropped: they cannot be handed on')
      if (request.kind === 'spans') queueMicrotask(() => this.#queue.acknowledged(request.spans.length, request.spans.length)) // prettier-ignore
      return true
    }
  }
}

function positive(text: string | undefined): number | undefined {
  const number = Number(text)
  return text !== undefined && Number.isInteger(number) && number > 0 ? number : undefined
}
