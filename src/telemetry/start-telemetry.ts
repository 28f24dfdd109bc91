import type { TelemetryConfig } from '../config/sections/telemetry.ts'
import type { MetricsPush } from './metrics-push.ts'
import type { MetricsRegistry } from './metrics-registry.ts'
import type { Tracing } from './otel-tracer.ts'
import { registerProcessMetrics } from './process-metrics.ts'
import type { TelemetryLogger } from './telemetry-logger.ts'
import { isMetricsPushOn, isTracingOn } from './telemetry-switches.ts'
import { noTracer } from './tracer.ts'

export interface TelemetryOptions {
  readonly config: TelemetryConfig
  readonly version: string
  readonly logger: TelemetryLogger
  /** Default `process.env`, which the OTLP exporters read in any case. */
  readonly env?: NodeJS.ProcessEnv
}

export interface Telemetry extends Tracing {
  /** Adds telemetry's own and the process's instruments, and pushes the registry by OTLP if an endpoint is set. Once. */
  attach(registry: MetricsRegistry): void
}

const defaultShutdownMs = 5_000

const noTracing: Tracing = {
  tracer: noTracer,
  exportWorkerSpans() {},
  droppedSpans: () => 0,
  shutdown: () => Promise.resolve(),
}

/** Tracing and metrics by configuration and `OTEL_*`. What is off loads no OpenTelemetry package. */
export async function startTelemetry({
  config,
  version,
  logger,
  env = process.env,
}: TelemetryOptions): Promise<Telemetry> {
  let tracing = noTracing
  if (isTracingOn(config.traces, env)) {
    const { startTracing } = await import('./otel-tracer.ts')
    tracing = await startTracing({ sampleRatio: config.sampleRatio, version, logger, env })
  }
  let stopMeasuring = (): void => {}
  let pushing: Promise<MetricsPush | undefined> = Promise.resolve(undefined)
  return {
    ...tracing,
    attach(registry) {
      const isPushed = isMetricsPushOn(env)
      if (!config.metrics && !isPushed) return
      stopMeasuring = registerProcessMetrics(registry, version)
      registry.counter({ name: 'sluice.spans.dropped', help: 'Spans that were not exported.', unit: '{span}' }, () => [
        [{}, tracing.droppedSpans()],
      ])
      if (!isPushed) return
      pushing = import('./metrics-push.ts').then(({ startMetricsPush }) =>
        startMetricsPush({ registry, version, logger, env }),
      )
      // A gateway without its metrics is better than none.
      pushing = pushing.catch((error: unknown) => {
        logger.warn({ reason: String(error) }, 'metrics cannot be pushed')
        return undefined
      })
    },
    async shutdown(timeoutMs = defaultShutdownMs) {
      stopMeasuring()
      const push = await pushing
      await Promise.all([tracing.shutdown(timeoutMs), push?.shutdown(timeoutMs)])
    },
  }
}
