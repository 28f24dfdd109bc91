import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { guardExporter } from './exporter-guard.ts'
import type { MetricsRegistry } from './metrics-registry.ts'
import { metricProducerOf } from './otel-metrics.ts'
import { createResource } from './otel-resource.ts'
import { createOtlpMetricExporter } from './otlp-exporters.ts'
import { resourceAttributes } from './resource-attributes.ts'
import { type TelemetryLogger, throttled } from './telemetry-logger.ts'

export interface MetricsPush {
  /** Sends a last reading, for at most `timeoutMs`. Never rejects. */
  shutdown(timeoutMs: number): Promise<void>
}

export interface MetricsPushOptions {
  readonly registry: MetricsRegistry
  readonly version: string
  readonly logger: TelemetryLogger
  readonly env: NodeJS.ProcessEnv
}

/**
 * Exports the registry by OTLP every `OTEL_METRIC_EXPORT_INTERVAL` ms (default 60,000), each time for at most
 * `OTEL_METRIC_EXPORT_TIMEOUT` ms (default 30,000). A reading that cannot be sent is logged and not repeated: the next
 * one says it all, as everything is cumulative.
 */
export async function startMetricsPush({ registry, version, env, logger }: MetricsPushOptions): Promise<MetricsPush> {
  const quiet = throttled(logger)
  const exporter = guardExporter(await createOtlpMetricExporter(env, quiet), 'metrics', quiet, () => {})
  const exportIntervalMillis = positive(env['OTEL_METRIC_EXPORT_INTERVAL']) ?? 60_000
  const exportTimeoutMillis = Math.min(positive(env['OTEL_METRIC_EXPORT_TIMEOUT']) ?? 30_000, exportIntervalMillis)
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis,
    exportTimeoutMillis,
    metricProducers: [metricProducerOf(registry)],
  })
  const provider = new MeterProvider({ resource: createResource(resourceAttributes(version, env)), readers: [reader] })
  return {
    async shutdown(timeoutMs) {
      await provider.shutdown({ timeoutMillis: timeoutMs }).catch((error: unknown) => {
        quiet.warn({ reason: String(error) }, 'the last metrics could not be exported in time')
      })
    },
  }
}

function positive(text: string | undefined): number | undefined {
  const number = Number(text)
  return text !== undefined && Number.isFinite(number) && number > 0 ? number : undefined
}
