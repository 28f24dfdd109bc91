import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { ReceivedSpan } from '../support/otlp/received.ts'
import { OtlpReceiver } from '../support/otlp/receiver.ts'
import { functionFile, startGateway, type GatewayProcess } from './gateway-process.ts'
import { HttpReceiver } from './http-receiver.ts'
import { requestJson } from './request-json.ts'
import { hooksSource } from './webhook-gateway.ts'

let gateway: GatewayProcess
let collector: OtlpReceiver
let receiver: HttpReceiver

/** Webhook → log → first function → stream and HTTP sink; stream → second function → HTTP sink. */
async function start(protocol: 'http/protobuf' | 'grpc'): Promise<void> {
  collector = await OtlpReceiver.start(protocol === 'grpc' ? 'grpc' : 'http')
  receiver = await HttpReceiver.start()
  const stumbling = {
    file: functionFile('stumbling-span.mjs'),
    scaling: { minWorkers: 1, maxWorkers: 1 },
    retry: { maxAttempts: 2, initialDelayMs: 10 },
  }
  gateway = await startGateway({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: protocol,
      OTEL_SERVICE_NAME: 'sluice-e2e',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
    config: {
      streams: { between: {} },
      sources: { hooks: hooksSource },
      functions: { first: stumbling, second: { file: functionFile('active-span.mjs') } },
      sinks: {
        between: { type: 'stream', stream: 'between' },
        call: { type: 'http', url: `${receiver.url}/` },
      },
      triggers: {
        first: { stream: 'hooks', function: 'first', sinks: ['between', 'call'] },
        second: { stream: 'between', function: 'second', sinks: ['call'] },
      },
    },
  })
  await gateway.ready()
}

afterEach(async () => {
  await gateway.dispose()
  await receiver.stop()
  await collector.stop()
})

/** All spans of a trace, once there are so many, by name in the order of their beginning. */
async function spansOf(traceId: string, count: number): Promise<(name: string) => readonly ReceivedSpan[]> {
  const spans = await collector.waitFor(({ spansOfTrace }) => {
    const found = spansOfTrace.call(collector, traceId)
    return found.length >= count && found
  })
  const sorted = [...spans].sort((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano))
  expect(sorted, sorted.map(({ name }) => name).join(', ')).toHaveLength(count)
  return name => sorted.filter(span => span.name === name)
}

/** From the attempt that succeeded on, everything is the same, whatever came before. */
function followsToTheSecondFunction(span: (name: string) => readonly ReceivedSpan[], made: ReceivedSpan | undefined) {
  const [between] = span('publish between')
  expect(between).toMatchObject({ parentSpanId: made?.spanId, kind: 'producer' })
  const [second] = span('process between')
  expect(second).toMatchObject({ parentSpanId: between?.spanId, kind: 'consumer' })
  const calls = span('publish call')
  expect(new Set(calls.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([made?.spanId, second?.spanId]))
  const sent = receiver.requests.map(({ headers }) => headers['traceparent'])
  for (const { traceId, spanId } of calls) expect(sent).toContain(`00-${traceId}-${spanId}-01`)
}

describe.each(['http/protobuf', 'grpc'] as const)('by %s, one trace', protocol => {
  it('shows a webhook with its retry, and the second function behind the stream; a redrive is linked to its dead letter', async () => {
    await start(protocol)
    const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
    const traceparent = `00-${traceId}-${spanId}-01`
    await gateway.post('/hooks', { id: 'e-1', key: 'k', seq: 0, fails: 1 }, { traceparent })
    // receive, two attempts with user work each, two sinks; the second function with user work and its sink.
    const span = await spansOf(traceId, 10)
    const [receive] = span('receive hooks')
    expect(receive).toMatchObject({ parentSpanId: spanId, kind: 'server', resource: { 'service.name': 'sluice-e2e' } })
    const [failed, made] = span('process hooks')
    expect(failed).toMatchObject({
      parentSpanId: receive?.spanId,
      status: { code: 'error', message: 'stumbles over e-1' },
    })
    expect(made).toMatchObject({ parentSpanId: receive?.spanId, links: [{ traceId, spanId: failed?.spanId }] })
    expect(span('user work')[0]?.parentSpanId).toBe(failed?.spanId)
    followsToTheSecondFunction(span, made)

    const other = randomBytes(16).toString('hex')
    const dying = { id: 'e-2', key: 'l', seq: 0, fails: 2 }
    await gateway.post('/hooks', dying, { traceparent: traceparent.replace(traceId, other) })
    const dead = await spansOf(other, 6)
    expect(dead('dead-letter hooks')[0]).toMatchObject({ status: { code: 'error', message: 'stumbles over e-2' } })
    const [, last] = dead('process hooks')
    await requestJson(gateway.url, 'POST', '/v1/triggers/first/redrives', { all: true })
    const [run] = await collector.waitFor(({ spans }) => {
      const found = spans.call(collector).filter(({ attributes }) => 'sluice.redrive' in attributes)
      return found.length > 0 && found
    })
    expect(run?.parentSpanId).toBeUndefined()
    expect(run?.links).toEqual([
      { traceId: other, spanId: dead('receive hooks')[0]?.spanId, attributes: {} },
      { traceId: other, spanId: last?.spanId, attributes: {} },
    ])
    followsToTheSecondFunction(await spansOf(run?.traceId ?? '', 7), run)
  })
})
