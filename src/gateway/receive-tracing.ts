import type { ReceiveTracer } from '../sources/receive-tracer.ts'
import { attribute } from '../telemetry/attributes.ts'
import type { Tracer } from '../telemetry/tracer.ts'

/** Gives tracing to the sources in their own terms; undefined when it is off, so that they do nothing at all. */
export function receiveTracerOf(tracer: Tracer): ReceiveTracer | undefined {
  if (!tracer.enabled) return undefined
  return {
    receive(parent, { system, destination, source, bodyBytes }) {
      const span = tracer.receive(parent, source, {
        [attribute.messagingSystem]: system,
        [attribute.faasTrigger]: system === 'schedule' ? 'timer' : undefined,
        [attribute.messagingDestination]: destination,
        [attribute.messagingBodySize]: bodyBytes,
      })
      if (span === undefined) return undefined
      return {
        traceparent: span.traceparent,
        end: outcome => span.end(outcome === 'failed' ? outcome : undefined, { [attribute.outcome]: outcome }),
      }
    },
  }
}
