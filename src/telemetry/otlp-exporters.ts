import type { PushMetricExporter } from '@opentelemetry/sdk-metrics'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import type { TelemetryLogger } from './telemetry-logger.ts'

type Protocol = 'grpc' | 'http/json' | 'http/protobuf'

/** The OTLP exporters read endpoint, headers, timeout, compression and certificates from `OTEL_EXPORTER_OTLP_*` themselves. */
export async function createOtlpSpanExporter(env: NodeJS.ProcessEnv, logger: TelemetryLogger): Promise<SpanExporter> {
  switch (protocolOf(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', logger)) {
    case 'grpc':
      return new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter()
    case 'http/json':
      return new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter()
    case 'http/protobuf':
      return new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter()
  }
}

export async function createOtlpMetricExporter(
  env: NodeJS.ProcessEnv,
  logger: TelemetryLogger,
): Promise<PushMetricExporter> {
  switch (protocolOf(env, 'OTEL_EXPORTER_OTLP_METRICS_PROTOCOL', logger)) {
    case 'grpc':
      return new (await import('@opentelemetry/exporter-metrics-otlp-grpc')).OTLPMetricExporter()
    case 'http/json':
      return new (await import('@opentelemetry/exporter-metrics-otlp-http')).OTLPMetricExporter()
    case 'http/protobuf':
      return new (await import('@opentelemetry/exporter-metrics-otlp-proto')).OTLPMetricExporter()
  }
}

function protocolOf(env: NodeJS.ProcessEnv, variable: string, logger: TelemetryLogger): Protocol {
  const text = env[variable]?.trim() || env['OTEL_EXPORTER_OTLP_PROTOCOL']?.trim() || 'http/protobuf'
  if (text === 'grpc' || text === 'http/json' || text === 'http/protobuf') return text
  logger.warn({ protocol: text }, 'the OTLP protocol is none of grpc, http/json, http/protobuf: http/protobuf is used')
  return 'http/protobuf'
}
