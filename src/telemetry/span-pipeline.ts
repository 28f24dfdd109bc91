import { createNoopMeter, diag, DiagLogLevel, type MeterProvider } from '@opentelemetry/api'
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace'
import { guardExporter } from './exporter-guard.ts'
import { createOtlpSpanExporter } from './otlp-exporters.ts'
import type { TelemetryLogger } from './telemetry-logger.ts'

/** Where finished spans go: bounded queues and the exporters behind them. */
export interface SpanPipeline {
  readonly processors: readonly SpanProcessor[]
  add(span: ReadableSpan): void
  /** Spans that were lost since the start: queue full, or export failed. */
  dropped(): number
  /** Sends what is queued, for at most `timeoutMs`. Never rejects. */
  shutdown(timeoutMs: number): Promise<void>
}

/** Four times the SDK's default, about 10 MiB: a gateway makes thousands of spans a second. `OTEL_BSP_MAX_QUEUE_SIZE` wins. */
const defaultQueueSize = 8192

/** Exporters by `OTEL_TRACES_EXPORTER` (otlp, console, none; default otlp), queues by `OTEL_BSP_*`. */
export async function createSpanPipeline(env: NodeJS.ProcessEnv, logger: TelemetryLogger): Promise<SpanPipeline> {
  routeDiagnostics(logger)
  let dropped = 0
  const countLost = (spans: readonly unknown[]): void => {
    dropped += spans.length
  }
  const guard = (exporter: SpanExporter): SpanExporter => guardExporter(exporter, 'spans', logger, countLost)
  const processors: SpanProcessor[] = []
  for (const name of exporterNames(env)) {
    if (name === 'otlp') {
      const exporter = guard(await createOtlpSpanExporter(env, logger))
      const selfObsMeterProvider = dropMeter(count => {
        dropped += count
        logger.warn({ dropped }, 'spans are dropped: they come faster than they can be exported')
      })
      processors.push(new BatchSpanProcessor({ exporter, selfObsMeterProvider, ...batchOptions(env) }))
    } else if (name === 'console') {
      processors.push(new SimpleSpanProcessor({ exporter: guard(new ConsoleSpanExporter()) }))
    } else if (name !== 'none') {
      logger.warn({ exporter: name }, 'OTEL_TRACES_EXPORTER names an exporter that is none of otlp, console, none')
    }
  }
  return {
    processors,
    add(span) {
      for (const processor of processors) processor.onEnd(span)
    },
    dropped: () => dropped,
    async shutdown(timeoutMs) {
      const done = Promise.allSettled(processors.map(processor => processor.shutdown()))
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, timeoutMs)
      await Promise.race([done, promise])
      clearTimeout(timer)
    },
  }
}

function exporterNames(env: NodeJS.ProcessEnv): readonly string[] {
  const names = (env['OTEL_TRACES_EXPORTER'] ?? '').split(',').map(name => name.trim())
  const given = names.filter(name => name !== '')
  return given.length === 0 ? ['otlp'] : [...new Set(given)]
}

function batchOptions(env: NodeJS.ProcessEnv) {
  const maxQueueSize = positive(env['OTEL_BSP_MAX_QUEUE_SIZE']) ?? defaultQueueSize
  const scheduledDelayMillis = positive(env['OTEL_BSP_SCHEDULE_DELAY'])
  const exportTimeoutMillis = positive(env['OTEL_BSP_EXPORT_TIMEOUT'])
  return {
    maxQueueSize,
    maxExportBatchSize: Math.min(positive(env['OTEL_BSP_MAX_EXPORT_BATCH_SIZE']) ?? 512, maxQueueSize),
    ...(scheduledDelayMillis === undefined ? undefined : { scheduledDelayMillis }),
    ...(exportTimeoutMillis === undefined ? undefined : { exportTimeoutMillis }),
  }
}

function positive(text: string | undefined): number | undefined {
  const number = Number(text)
  return text !== undefined && Number.isInteger(number) && number > 0 ? number : undefined
}

/** The batch processor tells of dropped spans only through its own metrics; `error.type` is `queue_full` there. */
function dropMeter(onDrop: (count: number) => void): MeterProvider {
  return {
    getMeter() {
      const meter = createNoopMeter()
      meter.createCounter = () => ({
        add(count, attributes) {
          if (attributes?.['error.type'] === 'queue_full') onDrop(count)
        },
      })
      return meter
    },
  }
}

/** The SDK's own complaints (a bad header, a failed retry) go to our log and not to the console. */
function routeDiagnostics(logger: TelemetryLogger): void {
  const say = (message: string, ...more: unknown[]): void =>
    logger.warn(more.length === 0 ? {} : { details: more.map(String).join(' ').slice(0, 500) }, message.slice(0, 500))
  const silent = (): void => {}
  diag.setLogger(
    { error: say, warn: say, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}
