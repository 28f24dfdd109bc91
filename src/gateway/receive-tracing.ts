import type { ReceiveTracer } from '../sources/receive-tracer.ts'
import type { Tracer } from '../telemetry/tracer.ts'

/** Gives tracing to the sources in their own terms; undefined when it is off, so that they do nothing at all. */
export function receiveTracerOf(tracer: Tracer): ReceiveTracer | undefined {
  if (!tracer.enabled) return undefined
  return {
    receive(parent, { system, destination, source, bodyBytes }) {
      const span = tracer.receive(parent, source, {
        'messaging.system.name': system,
        'messaging.destination.name': destination,
        'messaging.message.body.size': bodyBytes,
      })
      if (span === undefined) return undefined
      return {
        traceparent: span.traceparent,
        end: outcome => span.end(outcome === 'failed' ? outcome : undefined, { 'sluice.outcome': outcome }),
      }
    },
  }
}
