import fc from 'fast-check'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseTraceparent } from '../../src/events/traceparent.ts'
import { startTracing, type Tracing } from '../../src/telemetry/otel-tracer.ts'
import { OtlpReceiver } from '../support/otlp/receiver.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const senderSpanId = 'b7ad6b7169203331'
const sampledParent = `00-${traceId}-${senderSpanId}-01`
const unsampledParent = `00-${traceId}-${senderSpanId}-00`

let receiver: OtlpReceiver
let tracing: Tracing | undefined
let warnings: { facts: object; message: string }[]

beforeEach(async () => {
  receiver = await OtlpReceiver.start()
  warnings = []
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.url)
})

afterEach(async () => {
  await tracing?.shutdown()
  tracing = undefined
  await receiver.stop()
  vi.unstubAllEnvs()
})

async function start(sampleRatio = 1): Promise<Tracing> {
  const logger = { warn: (facts: object, message: string) => void warnings.push({ facts, message }) }
  return (tracing = await startTracing({ sampleRatio, version: '1.2.3', logger }))
}

describe.each(['http/protobuf', 'http/json', 'grpc'])('spans by %s', protocol => {
  beforeEach(async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', protocol)
    if (protocol !== 'grpc') return
    await receiver.stop()
    receiver = await OtlpReceiver.start('grpc')
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.url)
  })

  it('make one trace from the sender over the gateway and the worker to the sink', async () => {
    const { tracer, exportWorkerSpans, shutdown, droppedSpans } = await start()
    const received = tracer.receive(sampledParent, 'orders', {
      'messaging.system.name': 'http',
      'messaging.message.body.size': 199,
      'messaging.message.id': undefined,
    })!
    received.end(undefined, { 'sluice.outcome': 'accepted' })
    const processed = tracer.process(received.traceparent, 'orders-in', () => ({
      'kafka.offset': 7,
      'faas.name': 'enrich',
    }))!
    const inWorker = parseTraceparent(processed.traceparent)!
    exportWorkerSpans([
      {
        traceId: inWorker.traceId,
        spanId: '1111111111111111',
        parentSpanId: inWorker.spanId,
        name: 'query',
        kind: 2,
        startTimeMs: 1_700_000_000_000.25,
        endTimeMs: 1_700_000_001_000.5,
        attributes: { rows: 3, tags: ['a', 'b'] },
        events: [{ name: 'retry', timeMs: 1_700_000_000_500, attributes: { attempt: 2 } }],
        status: { code: 2, message: 'no luck' },
        scope: 'user',
      },
    ])
    const published = tracer.publish(processed.traceparent, 'webhook', { 'sluice.sink.kind': 'http' })!
    published.end()
    processed.end()
    await shutdown()

    const spans = new Map(receiver.spansOfTrace(traceId).map(span => [span.name, span]))
    expect([...spans.keys()].sort()).toEqual(['process orders-in', 'publish webhook', 'query', 'receive orders'])
    const [receive, process, publish, query] = ['receive orders', 'process orders-in', 'publish webhook', 'query'].map(name => spans.get(name)!) // prettier-ignore
    expect(receive).toMatchObject({ kind: 'server', parentSpanId: senderSpanId, status: { code: 'unset' } })
    expect(receive!.attributes).toEqual({
      'sluice.source': 'orders',
      'messaging.operation.type': 'receive',
      'messaging.operation.name': 'receive',
      'messaging.system.name': 'http',
      'messaging.message.body.size': 199,
      'sluice.outcome': 'accepted',
    })
    expect(received.traceparent).toBe(`00-${traceId}-${receive!.spanId}-01`)
    expect(process).toMatchObject({ kind: 'consumer', parentSpanId: receive!.spanId })
    expect(process!.attributes).toMatchObject({ 'kafka.offset': 7, 'messaging.destination.name': 'orders-in' })
    expect(publish).toMatchObject({ kind: 'client', parentSpanId: process!.spanId })
    expect(query).toMatchObject({
      spanId: '1111111111111111',
      parentSpanId: process!.spanId,
      kind: 'client',
      scope: 'user',
      startTimeUnixNano: 1_700_000_000_000_250_000n,
      endTimeUnixNano: 1_700_000_001_000_500_000n,
      attributes: { rows: 3, tags: ['a', 'b'] },
      events: [{ name: 'retry', attributes: { attempt: 2 } }],
      status: { code: 'error', message: 'no luck' },
    })
    expect(process!.endTimeUnixNano).toBeGreaterThanOrEqual(process!.startTimeUnixNano)
    expect(process!.startTimeUnixNano).toBeGreaterThanOrEqual(receive!.startTimeUnixNano)
    expect(Math.abs(Number(receive!.startTimeUnixNano / 1_000_000n) - Date.now())).toBeLessThan(60_000)
    expect(receive!.resource).toMatchObject({ 'service.name': 'sluice', 'service.version': '1.2.3' })
    expect(droppedSpans()).toBe(0)
    expect(warnings).toEqual([])
  })
})

describe('the standard variables', () => {
  it('name the service, add resource attributes and headers', async () => {
    vi.stubEnv('OTEL_SERVICE_NAME', 'edge')
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment.name=test')
    const { tracer, shutdown } = await start()
    tracer.receive(undefined, 'a', {})!.end()
    await shutdown()
    expect(receiver.spans()[0]!.resource).toMatchObject({
      'service.name': 'edge',
      'deployment.environment.name': 'test',
    })
  })
})

describe('kinds and failures', () => {
  it('are those of messages for MQTT, Kafka and other sinks, and an error says so', async () => {
    const { tracer, shutdown } = await start()
    tracer.receive(undefined, 'mqtt', { 'messaging.system.name': 'mqtt' })!.end()
    tracer.receive(undefined, 'kafka', { 'messaging.system.name': 'kafka' })!.end('no room')
    const sink = tracer.publish(sampledParent, 'out', { 'sluice.sink.kind': 'kafka' })!
    sink.end('first')
    sink.end('second')
    await shutdown()
    const spans = receiver.spans()
    expect(spans.map(({ name, kind }) => [name, kind])).toEqual([
      ['receive mqtt', 'consumer'],
      ['receive kafka', 'consumer'],
      ['publish out', 'producer'],
    ])
    expect(spans[1]).toMatchObject({ status: { code: 'error', message: 'no room' }, attributes: { 'error.type': '_OTHER' } }) // prettier-ignore
    expect(spans[2]!.status.message).toBe('first')
  })
})

describe('the decision', () => {
  it('is that of the sender, whatever the ratio', async () => {
    const all = await start(1)
    expect(all.tracer.receive(unsampledParent, 'a', {})).toBeUndefined()
    expect(all.tracer.process(unsampledParent, 'a', () => ({}))).toBeUndefined()
    expect(all.tracer.publish(unsampledParent, 'a', {})).toBeUndefined()
    await all.shutdown()
    const none = await start(0)
    expect(none.tracer.receive(sampledParent, 'a', {})?.traceparent).toContain(traceId)
    expect(none.tracer.process(sampledParent, 'a', () => ({}))?.traceparent).toContain(traceId)
    expect(none.tracer.receive(undefined, 'a', {})).toBeUndefined()
  })

  it('is that of the ratio for events without a sender that decides', async () => {
    const { tracer } = await start(0.01)
    let sampled = 0
    for (let event = 0; event < 100_000; event++) if (tracer.receive(undefined, 'a', {}) !== undefined) sampled++
    expect(sampled).toBeGreaterThan(780)
    expect(sampled).toBeLessThan(1_220)
  })

  it('is made once: what a source left unsampled is not drawn again, and a result never begins a trace', async () => {
    const { tracer } = await start(1)
    expect(tracer.process(undefined, 'a', () => ({}), { isUndecided: false })).toBeUndefined()
    expect(tracer.process(undefined, 'a', () => ({}))).toBeDefined()
    expect(tracer.publish(undefined, 'a', {})).toBeUndefined()
    expect(tracer.publish('nonsense', 'a', {})).toBeUndefined()
  })

  it('is made by trace id alone with a sampler that does not look at the parent', async () => {
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'traceidratio')
    vi.stubEnv('OTEL_TRACES_SAMPLER_ARG', '0.5')
    const { tracer } = await start()
    const parent = (low: string, flags: string): string => `00-${'1'.repeat(18)}${low}-${senderSpanId}-${flags}`
    expect(tracer.receive(parent('f'.repeat(14), '00'), 'a', {})).toBeDefined()
    expect(tracer.receive(parent('0'.repeat(14), '01'), 'a', {})).toBeUndefined()
  })

  it.each([
    ['', 'nothing'],
    [`00-${'0'.repeat(32)}-${senderSpanId}-01`, 'a trace id of zeros'],
    [`00-${traceId}-${'0'.repeat(16)}-01`, 'a span id of zeros'],
    [`00-${traceId.toUpperCase()}-${senderSpanId}-01`, 'upper case'],
    [`ff-${traceId}-${senderSpanId}-01`, 'version ff'],
    [`00-${traceId}-${senderSpanId}-01-more`, 'version 00 with more fields'],
    [`00-${traceId}-${senderSpanId}-1`, 'short flags'],
    [`00-${traceId}${senderSpanId}-01`, 'a missing dash'],
    [` ${sampledParent}`, 'a blank'],
  ])('begins a new trace where the traceparent %j is invalid: %s', async parent => {
    const { tracer } = await start(1)
    const context = parseTraceparent(tracer.receive(parent, 'a', {})!.traceparent)!
    expect(context.traceId).not.toBe(traceId)
    expect(context.flags).toBe(1)
  })

  it('reads a later version as 00 and hands on the flag of a random id, but no other', async () => {
    const { tracer } = await start(0)
    expect(tracer.receive(`cc-${traceId}-${senderSpanId}-ff-later`, 'a', {})!.traceparent).toMatch(
      new RegExp(`^00-${traceId}-[0-9a-f]{16}-03$`),
    )
  })

  it('never throws, and what it returns is valid, for any text', async () => {
    const { tracer } = await start(1)
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), text => {
        expect(parseTraceparent(tracer.receive(text, 'a', {})!.traceparent)).toBeDefined()
      }),
    )
  })
})

describe('a collector in trouble', () => {
  it('that is not there costs neither the gateway nor its memory, and what is lost is counted', async () => {
    // A port that was just free: nobody listens there.
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise(resolve => server.close(resolve))
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${port}`)
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '200')
    vi.stubEnv('OTEL_BSP_MAX_QUEUE_SIZE', '1000')
    const { tracer, shutdown, droppedSpans } = await start()
    for (let event = 0; event < 50_000; event++) tracer.receive(undefined, 'a', {})!.end()
    // At most one queue and one batch on its way are still held.
    expect(droppedSpans()).toBeGreaterThanOrEqual(50_000 - 1_512)
    await shutdown()
    expect(droppedSpans()).toBe(50_000)
    const messages = warnings.map(({ message }) => message)
    expect(messages.filter(message => message === 'spans could not be exported')).toHaveLength(1)
    expect(messages.filter(message => message.startsWith('spans are dropped'))).toHaveLength(1)
  })

  it('that refuses is named in the log once, and does not hold up the shutdown', async () => {
    receiver.refuse(400)
    const { tracer, shutdown, droppedSpans } = await start()
    tracer.receive(undefined, 'a', {})!.end()
    await shutdown()
    expect(droppedSpans()).toBe(1)
    expect(warnings.map(({ message }) => message)).toEqual(['spans could not be exported'])
  })

  it('that never answers holds up the shutdown no longer than it may', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await new Promise(resolve => silent.once('listening', resolve))
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${(silent.address() as AddressInfo).port}`)
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '3600000')
    const { tracer, shutdown } = await start()
    tracer.receive(undefined, 'a', {})!.end()
    await shutdown(50)
    silent.close()
    tracing = undefined
  })
})

it('a span from a worker that is no span is counted and leaves the others alone', async () => {
  const { exportWorkerSpans, shutdown, droppedSpans } = await start()
  const span = {
    traceId, spanId: senderSpanId, name: 'ok', kind: 0, startTimeMs: 1, endTimeMs: 2, attributes: {}, events: [],
    status: { code: 0 }, scope: 'user',
  } // prettier-ignore
  exportWorkerSpans([null as unknown as typeof span, span])
  await shutdown()
  expect(droppedSpans()).toBe(1)
  expect(receiver.spans().map(({ name }) => name)).toEqual(['ok'])
})
