import { ConsoleSpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace'
import { createOtlpSpanExporter } from './otlp-exporters.ts'
import type { TelemetryLogger } from './telemetry-logger.ts'

/** The exporters that `OTEL_TRACES_EXPORTER` names (otlp, console, none; default otlp). */
export async function createSpanExporters(
  env: NodeJS.ProcessEnv,
  logger: TelemetryLogger,
): Promise<readonly SpanExporter[]> {
  const exporters: SpanExporter[] = []
  for (const name of exporterNames(env)) {
    if (name === 'otlp') exporters.push(await createOtlpSpanExporter(env, logger))
    else if (name === 'console') exporters.push(new ConsoleSpanExporter())
    else if (name !== 'none')
      logger.warn({ exporter: name }, 'OTEL_TRACES_EXPORTER names an exporter that is none of otlp, console, none')
  }
  return exporters
}

function exporterNames(env: NodeJS.ProcessEnv): readonly string[] {
  const names = (env['OTEL_TRACES_EXPORTER'] ?? '').split(',').map(name => name.trim())
  const given = names.filter(name => name !== '')
  return given.length === 0 ? ['otlp'] : [...new Set(given)]
}
