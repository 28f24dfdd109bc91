import { context, logs, propagation, trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { createResource } from './otel-resource.ts'
import type { ResourceAttributes } from './resource-attributes.ts'
import { recordOf, type SpanRecord } from './span-record.ts'

/**
 * Starts the OpenTelemetry SDK on one processor and nothing else: no instrumentations, because they are what makes tracing
 * expensive; no detectors, because one of them exports the command line; metrics and logs go their own ways. It registers the
 * global tracer provider, so that code that embeds the gateway and uses the API exports through the same pipeline.
 * @param add takes what such code has recorded.
 * @returns what takes the global provider out of service again.
 */
export function startSdk(resource: ResourceAttributes, add: (span: SpanRecord) => void): () => void {
  const sdk = new NodeSDK({
    resource: createResource(resource),
    autoDetectResources: false,
    instrumentations: [],
    spanProcessors: [
      {
        onStart() {},
        onEnd(span) {
          if ((span.spanContext().traceFlags & 1) !== 0) add(recordOf(span))
        },
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
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
