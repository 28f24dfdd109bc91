import { context, logs, propagation, trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import type { SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Resource } from './otel-resource.ts'

/**
 * Starts the OpenTelemetry SDK on our span processors and nothing else: no instrumentations, because they are what makes
 * tracing expensive; no detectors, because one of them exports the command line; metrics and logs go their own ways. It
 * registers the global tracer provider, so that code that embeds the gateway and uses the API exports through the same
 * pipeline.
 * @returns what takes the global provider out of service again; the processors are their owner's to shut down.
 */
export function startSdk(resource: Resource, spanProcessors: readonly SpanProcessor[]): () => void {
  const sdk = new NodeSDK({
    resource,
    autoDetectResources: false,
    instrumentations: [],
    spanProcessors: [...spanProcessors],
    metricReaders: [],
    logRecordProcessors: [],
  })
  sdk.start()
  return () => {
    trace.disable()
    context.disable()
    propagation.disable()
    logs.disable()
    sdk.shutdown().catch(() => undefined)
  }
}
