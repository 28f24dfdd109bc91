// The thread that exports spans: it owns the exporters, and shares nothing with the gateway but batches and their acknowledgements.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import { routeDiagnostics } from './otel-diagnostics.ts'
import { createResource } from './otel-resource.ts'
import { RecordedSpan } from './recorded-span.ts'
import type { ResourceAttributes } from './resource-attributes.ts'
import { createSpanExporters } from './span-exporters.ts'
import type { SpanRecord } from './span-record.ts'
import { describeFailure, throttled } from './telemetry-logger.ts'

export interface SpanExportSettings {
  readonly resource: ResourceAttributes
  /** An export that has not ended by then counts as failed, ms. */
  readonly exportTimeoutMs: number
}

export type SpanExportRequest =
  | { readonly kind: 'spans'; readonly spans: readonly SpanRecord[] }
  /** Exports what it has and ends. */
  | { readonly kind: 'stop' }

export type SpanExportMessage =
  /** So many spans are through, of which `lost` were not exported. */
  | { readonly kind: 'done'; readonly spans: number; readonly lost: number }
  | { readonly kind: 'warn'; readonly facts: object; readonly message: string }

/** Exports that are under way at a time: a collector that is far away answers late. */
const maxExports = 4

/** OpenTelemetry's `ExportResultCode.SUCCESS`. */
const success = 0

const port = parentPort as MessagePort
const settings = workerData as SpanExportSettings
const post = (message: SpanExportMessage): void => port.postMessage(message)
const logger = throttled({ warn: (facts, message) => post({ kind: 'warn', facts, message }) })
routeDiagnostics(logger)

const resource = createResource(settings.resource)
const scopes = new Map<string, RecordedSpan['instrumentationScope']>()
const exporters = await createSpanExporters(process.env, logger)
const waiting: (readonly SpanRecord[])[] = []
let running = 0
let isStopping = false

port.on('message', (request: SpanExportRequest) => {
  if (request.kind === 'stop') isStopping = true
  else waiting.push(request.spans)
  next()
})

function next(): void {
  while (running < maxExports && waiting.length > 0) {
    running++
    void exportBatch(waiting.shift() as readonly SpanRecord[]).then(() => {
      running--
      next()
    })
  }
  if (isStopping && running === 0) void stop()
}

/** Never rejects: what cannot be exported is lost, and said so. The OTLP exporters have retried within their timeout. */
async function exportBatch(records: readonly SpanRecord[]): Promise<void> {
  const spans = records.flatMap(spanOf)
  let lost = records.length - spans.length
  const targets = spans.length === 0 ? [] : exporters
  for (const failure of await Promise.all(targets.map(exporter => exported(exporter, spans)))) {
    if (failure === undefined) continue
    lost = records.length
    logger.warn({ reason: describeFailure(failure) }, 'spans could not be exported')
  }
  post({ kind: 'done', spans: records.length, lost })
}

function exported(exporter: SpanExporter, spans: RecordedSpan[]): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const { exportTimeoutMs } = settings
  const timer = setTimeout(() => resolve(`no answer within ${exportTimeoutMs} ms`), exportTimeoutMs)
  try {
    exporter.export(spans, ({ code, error }) => resolve(code === success ? undefined : (error ?? 'no reason given')))
  } catch (error) {
    resolve(error)
  }
  return promise.finally(() => clearTimeout(timer))
}

/** Nothing for a record that is none: user code may have made it. */
function spanOf(record: SpanRecord): readonly RecordedSpan[] {
  try {
    return [new RecordedSpan(record, resource, scopeOf(record))]
  } catch (error) {
    logger.warn({ reason: String(error) }, 'a span from a worker is not valid')
    return []
  }
}

/** One object per tracer: the exporters group spans by its identity. */
function scopeOf({ scope, scopeVersion }: SpanRecord): RecordedSpan['instrumentationScope'] {
  const key = `${scope} ${scopeVersion ?? ''}`
  let found = scopes.get(key)
  if (found === undefined) {
    // User code names tracers.
    if (scopes.size >= 1_000) scopes.clear()
    scopes.set(key, (found = { name: scope, ...(scopeVersion === undefined ? undefined : { version: scopeVersion }) }))
  }
  return found
}

async function stop(): Promise<void> {
  await Promise.allSettled(exporters.map(exporter => exporter.shutdown()))
  // Ends this thread alone; what is posted, and what a console exporter has written, goes out first.
  process.exit()
}
