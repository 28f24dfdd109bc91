import type { TelemetryConfig } from '../config/sections/telemetry.ts'

/**
 * Whether spans are made at all. `OTEL_SDK_DISABLED=true` and `OTEL_TRACES_EXPORTER=none` win over the configuration:
 * they are the operator's way to silence every program alike.
 */
export function isTracingOn(traces: TelemetryConfig['traces'], env: NodeJS.ProcessEnv): boolean {
  if (isDisabled(env) || env['OTEL_TRACES_EXPORTER']?.trim() === 'none') return false
  if (traces !== 'auto') return traces === 'on'
  return isSet(env['OTEL_EXPORTER_OTLP_ENDPOINT']) || isSet(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'])
}

/** Whether metrics are pushed by OTLP, beside being served on /metrics. */
export function isMetricsPushOn(env: NodeJS.ProcessEnv): boolean {
  if (isDisabled(env) || env['OTEL_METRICS_EXPORTER']?.trim() === 'none') return false
  return isSet(env['OTEL_EXPORTER_OTLP_ENDPOINT']) || isSet(env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'])
}

function isDisabled(env: NodeJS.ProcessEnv): boolean {
  return env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true'
}

function isSet(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== ''
}
