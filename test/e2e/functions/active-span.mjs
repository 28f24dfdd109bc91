// What user code sees: the span of its invocation, and a span of its own below it.
import { trace } from '@opentelemetry/api'

export default event => {
  const { traceId, spanId } = trace.getActiveSpan().spanContext()
  return trace.getTracer('user').startActiveSpan('user work', span => {
    span.end()
    return { id: event.data.id, traceId, spanId }
  })
}
