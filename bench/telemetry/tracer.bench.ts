// µs per event of a receive and a process span with eight attributes: tracing off, 1 %, 100 %, and what a sender's own
// decision costs. Spans go through the real batch processor and OTLP serializer to a receiver in another process that
// throws them away; the loop is closed, so at 100 % it makes more of them than can be exported. Run: node bench/telemetry/tracer.bench.ts [--json]
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ROOT_CONTEXT, SpanKind, trace, TraceFlags, type SpanContext } from '@opentelemetry/api'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { startTracing, type Tracing } from '../../src/telemetry/otel-tracer.ts'
import { noTracer, type Tracer } from '../../src/telemetry/tracer.ts'

const eventsPerRound = 50_000
const eventsPerTurn = 200
const rounds = 5
const sampledParent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const unsampledParent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'

interface Case {
  readonly name: string
  /** `sdk`: the SDK's own tracer instead of ours, all sampled, nothing exported. */
  readonly ratio: number | 'off' | 'sdk'
  readonly parent: string | undefined
  /** A queue of one drops nearly every span: what is left is the building of spans. */
  readonly queue?: number
}

const cases: readonly Case[] = [
  { name: 'off', ratio: 'off', parent: undefined },
  { name: '0 %', ratio: 0, parent: undefined },
  { name: '1 %', ratio: 0.01, parent: undefined },
  { name: '100 %', ratio: 1, parent: undefined },
  { name: '100 %, none exported', ratio: 1, parent: undefined, queue: 1 },
  { name: "SDK's tracer, none exported", ratio: 'sdk', parent: undefined },
  { name: 'sender says no', ratio: 1, parent: unsampledParent },
  { name: 'sender says yes', ratio: 0, parent: sampledParent },
]

if (process.argv[2] === 'receiver') receive()
else await main()

/** Takes exports and throws them away, in a process of its own, so that only the sending is measured. */
function receive(): void {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end())
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit())
}

async function main(): Promise<void> {
  const receiver = fork(import.meta.filename, ['receiver'])
  const [port] = (await once(receiver, 'message')) as [number]
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${port}`
  const results = new Map<string, { wallMicros: number[]; cpuMicros: number[]; dropped: number }>()
  // Interleaved, so that what else the machine does falls on all alike; the first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const { name, ratio, parent, queue = 8192 } of cases) {
      process.env['OTEL_BSP_MAX_QUEUE_SIZE'] = String(queue)
      const tracing = typeof ratio === 'string' ? undefined : await startTracing({ sampleRatio: ratio, version: '0', logger: { warn() {} } }) // prettier-ignore
      const cpuBefore = process.threadCpuUsage()
      const start = performance.now()
      await run(ratio === 'sdk' ? sdkTracer() : (tracing?.tracer ?? noTracer), parent)
      const elapsedMs = performance.now() - start
      const { user, system } = process.threadCpuUsage(cpuBefore)
      await tracing?.shutdown()
      if (round === 0) continue
      let result = results.get(name)
      if (result === undefined) results.set(name, (result = { wallMicros: [], cpuMicros: [], dropped: 0 }))
      result.wallMicros.push((elapsedMs * 1000) / eventsPerRound)
      result.cpuMicros.push((user + system) / eventsPerRound)
      result.dropped += droppedBy(tracing)
    }
  }
  receiver.disconnect()
  const rows = [...results].map(([name, { wallMicros, cpuMicros, dropped }]) => ({
    case: name,
    'µs/event': round2(median(wallMicros)),
    'CPU µs/event of the thread': round2(median(cpuMicros)),
    'spans dropped': dropped,
  }))
  if (process.argv.includes('--json')) console.log(JSON.stringify(rows))
  else console.table(rows)
}

async function run(tracer: Tracer, parent: string | undefined): Promise<void> {
  for (let event = 0; event < eventsPerRound; event++) {
    let traceparent = parent
    if (tracer.enabled) {
      const received = tracer.receive(parent, 'orders', {
        'messaging.system.name': 'http',
        'messaging.destination.name': '/in/orders',
        'messaging.message.body.size': 199,
        'messaging.message.id': 'evt-1',
      })
      traceparent = received?.traceparent ?? parent
      received?.end(undefined, { 'sluice.outcome': 'accepted' })
      const processed = tracer.process(
        traceparent,
        'orders',
        () => ({
          'messaging.destination.partition.id': '3',
          'kafka.offset': event,
          'messaging.consumer.group.name': 'sluice.enrich',
          'faas.name': 'enrich',
          'sluice.trigger': 'enrich',
          'sluice.attempt': 1,
        }),
        { isUndecided: false },
      )
      processed?.end()
    }
    // Turns of the event loop, as between frames: the exporter needs them.
    if (event % eventsPerTurn === 0) await nextTurn()
  }
}

/** What our tracer is measured beside: the same spans by the SDK, context as `startSpan` takes it. */
function sdkTracer(): Tracer {
  const ignore = { onStart() {}, onEnd() {}, forceFlush: () => Promise.resolve(), shutdown: () => Promise.resolve() }
  const sdk = new TracerProvider({ spanProcessors: [ignore] }).getTracer('bench')
  const start = (operation: string, kind: SpanKind): Tracer['receive'] => {
    return (parent, target, facts) => {
      const [, traceId = '', spanId = ''] = parent?.split('-') ?? []
      const context: SpanContext = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true }
      const above = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context)
      const attributes = { ...facts, 'messaging.operation.type': operation, 'messaging.operation.name': operation }
      const span = sdk.startSpan(`${operation} ${target}`, { kind, attributes }, above)
      const own = span.spanContext()
      return {
        traceparent: `00-${own.traceId}-${own.spanId}-01`,
        end(_error, endFacts = {}) {
          for (const [name, value] of Object.entries(endFacts)) if (value !== undefined) span.setAttribute(name, value)
          span.end()
        },
      }
    }
  }
  const consume = start('process', SpanKind.CONSUMER)
  return {
    enabled: true,
    receive: start('receive', SpanKind.SERVER),
    process: (parent, stream, facts) => consume(parent, stream, facts()),
    settle: () => undefined,
    publish: start('publish', SpanKind.PRODUCER),
  }
}

function droppedBy(tracing: Tracing | undefined): number {
  return tracing?.droppedSpans() ?? 0
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}
