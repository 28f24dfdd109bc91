import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { connectAsync } from 'mqtt'
import type { Kafka } from 'kafkajs'
import { sharedKafka } from '../support/kafka/shared-kafka.ts'
import { startMosquitto, type MosquittoHarness } from '../support/mosquitto/mosquitto.ts'
import type { ReceivedSpan } from '../support/otlp/received.ts'
import { OtlpReceiver } from '../support/otlp/receiver.ts'
import { describeWith } from '../support/real-parts.ts'
import { functionFile, startGateway, type GatewayProcess } from './gateway-process.ts'
import { HttpReceiver } from './http-receiver.ts'
import { connectKafka, createTopic, produceMessages, readTopic } from './kafka-topics.ts'
import { hooksSource } from './webhook-gateway.ts'

let gateway: GatewayProcess
let collector: OtlpReceiver
let receiver: HttpReceiver
let mosquitto: MosquittoHarness
let kafka: Kafka
let orders: string
let results: string

beforeEach(async () => {
  const { brokers } = await sharedKafka()
  kafka = connectKafka(brokers)
  ;[orders, results] = [await createTopic(kafka, 'orders', 1), await createTopic(kafka, 'results', 1)]
  collector = await OtlpReceiver.start()
  receiver = await HttpReceiver.start()
  mosquitto = await startMosquitto()
  const trigger = (stream: string) => ({ stream, function: 'active-span', sinks: ['call', 'results'] })
  gateway = await startGateway({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_SERVICE_NAME: 'sluice-e2e',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
    config: {
      kafka: { brokers, groupPrefix: `${orders}-` },
      sources: {
        hooks: hooksSource,
        orders: { type: 'kafka', topic: orders },
        devices: { type: 'mqtt', topics: ['devices/+'], broker: { url: mosquitto.url } },
      },
      functions: { 'active-span': { file: functionFile('active-span.mjs') } },
      sinks: { call: { type: 'http', url: `${receiver.url}/` }, results: { type: 'kafka', topic: results } },
      triggers: { hooked: trigger('hooks'), ordered: trigger('orders'), told: trigger('devices') },
    },
  })
  await gateway.ready()
})

afterEach(async () => {
  await gateway.dispose()
  await receiver.stop()
  await collector.stop()
  await mosquitto.stop()
})

interface Sender {
  readonly traceId: string
  readonly spanId: string
  readonly traceparent: string
}

function newSender(): Sender {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` }
}

/** The spans of the sender's trace once `count` of them are exported, each found by its name. */
async function spansOf({ traceId }: Sender, count: number): Promise<(name: string) => ReceivedSpan> {
  const spans = await collector.waitFor(received => {
    const exported = received.spansOfTrace(traceId)
    return exported.length >= count && exported
  })
  return name => {
    const span = spans.find(each => each.name === name)
    if (span === undefined) throw new Error(`no span ${name}; there are ${spans.map(each => each.name).join(', ')}`)
    return span
  }
}

/** Whatever came before the processing, everything from there on is the same for each kind of sender. */
async function followsToTheSinks(sender: Sender, span: (name: string) => ReceivedSpan, processing: ReceivedSpan) {
  await receiver.waitFor(requests => requests.length > 0)
  const [request] = receiver.requests
  expect(JSON.parse(request?.body ?? '')).toEqual({ id: 'e-1', traceId: sender.traceId, spanId: processing.spanId })
  expect(span('user work').parentSpanId).toBe(processing.spanId)
  expect(processing.resource['service.name']).toBe('sluice-e2e')

  const [call, publish] = [span('publish call'), span('publish results')]
  expect([call.parentSpanId, publish.parentSpanId]).toEqual([processing.spanId, processing.spanId])
  expect(request?.headers['traceparent']).toBe(`00-${sender.traceId}-${call.spanId}-01`)
  const [message] = await readTopic(kafka, results, () => true)
  const header = message?.headers['traceparent'] ?? message?.headers['ce_traceparent']
  expect(header?.toString()).toBe(`00-${sender.traceId}-${publish.spanId}-01`)
}

describeWith(['kafka', 'mosquitto'], 'one trace, exported by OTLP to a real receiver', () => {
  it('goes on from the header of a webhook over the log and the worker to the sinks', async () => {
    const sender = newSender()
    const { traceparent } = sender
    expect((await gateway.post('/hooks', { id: 'e-1', key: 'k', seq: 0 }, { traceparent })).status).toBe(202)
    const span = await spansOf(sender, 5)

    const [receive, processing] = [span('receive hooks'), span('process hooks')]
    expect(receive).toMatchObject({ parentSpanId: sender.spanId, kind: 'server', status: { code: 'unset' } })
    expect(processing).toMatchObject({ parentSpanId: receive.spanId, kind: 'consumer' })
    expect(processing.attributes).toMatchObject({ 'faas.name': 'active-span', 'sluice.trigger': 'hooked' })
    await followsToTheSinks(sender, span, processing)
  })

  it('goes on from the header of a Kafka record, which is read in place', async () => {
    const sender = newSender()
    const { traceparent } = sender
    await produceMessages(kafka, orders, [{ key: 'k', value: '{"id":"e-1"}', headers: { traceparent } }])
    const span = await spansOf(sender, 4)

    const processing = span('process orders')
    expect(processing).toMatchObject({ parentSpanId: sender.spanId, kind: 'consumer' })
    await followsToTheSinks(sender, span, processing)
  })

  it('goes on from the user property of an MQTT 5 message', async () => {
    const sender = newSender()
    const device = await connectAsync(mosquitto.url, { protocolVersion: 5 })
    const userProperties = { traceparent: sender.traceparent }
    await device.publishAsync('devices/d7', '{"id":"e-1"}', { qos: 1, properties: { userProperties } })
    await device.endAsync()
    const span = await spansOf(sender, 5)

    const [receive, processing] = [span('receive devices'), span('process devices')]
    expect(receive).toMatchObject({ parentSpanId: sender.spanId, kind: 'consumer' })
    expect(processing.parentSpanId).toBe(receive.spanId)
    await followsToTheSinks(sender, span, processing)
  })
})
