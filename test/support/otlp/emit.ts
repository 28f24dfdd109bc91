// A program of its own, as the SDK reads OTEL_* variables and registers itself for the whole process.
import { metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'

const sdk = new NodeSDK()
sdk.start()

const tracer = trace.getTracer('emit')
const linked = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
tracer.startActiveSpan(
  'parent',
  {
    kind: SpanKind.CONSUMER,
    attributes: { text: 'grüße', whole: 42, negative: -7, part: 0.5, yes: true, list: ['a', 'b'] },
    links: [{ context: linked, attributes: { why: 'batch' } }],
  },
  parent => {
    const child = tracer.startSpan('child')
    child.addEvent('retry', { attempt: 2 })
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'no luck' })
    child.end()
    parent.end()
  },
)

const meter = metrics.getMeter('emit')
meter.createCounter('events', { unit: '{event}', description: 'Events seen' }).add(3, { source: 'web' })
meter.createHistogram('duration', { unit: 'ms' }).record(12)

await sdk.shutdown()
