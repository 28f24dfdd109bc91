import { CloudEvent, HTTP, Kafka, MQTT, type KafkaMessage as SdkKafkaMessage, type MQTTMessage } from 'cloudevents'
import { describe, expect, it } from 'vitest'
import {
  decodeHttp,
  encodeHttpBinary,
  encodeHttpStructured,
  httpContentMode,
  type HttpHeaders,
} from '../../../src/events/bindings/http.ts'
import {
  decodeKafka,
  encodeKafkaBinary,
  encodeKafkaStructured,
  kafkaContentMode,
} from '../../../src/events/bindings/kafka.ts'
import { decodeMqtt, encodeMqttBinary, encodeMqttStructured } from '../../../src/events/bindings/mqtt.ts'
import type { RecordHeaders } from '../../../src/log/log-record.ts'

/** The official SDK as a peer: what it sends is understood here, and what is sent here is understood there. */
const attributes = {
  id: 'a-1', source: 'https://shop.example.com/orders', type: 'com.example.order', subject: 'order-1', time: '2026-11-23T08:00:00.123Z',
  datacontenttype: 'application/json', dataschema: 'https://example.com/schema', partitionkey: 'k1',
} // prettier-ignore
const extensions = { tenant: 't1' }
const data = { total: 12.5, name: 'Käse' }
const bytes = Buffer.from(JSON.stringify(data))
const ours = { ...attributes, extensions }
const theirs = new CloudEvent({ ...attributes, ...extensions, data })

function expectTheirs(event: unknown): void {
  expect(event).toBeInstanceOf(CloudEvent)
  const { data: received, ...rest } = (event as CloudEvent<unknown>).toJSON()
  expect(rest).toMatchObject({ specversion: '1.0', ...attributes, ...extensions })
  expect(received).toEqual(data)
}

describe('HTTP with the official SDK', () => {
  it.each([
    ['binary', HTTP.binary(theirs)],
    ['structured', HTTP.structured(theirs)],
  ] as const)('reads its %s messages', (mode, message) => {
    const headers = Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [name.toLowerCase(), value]),
    ) as HttpHeaders
    expect(httpContentMode(headers)).toBe(mode)
    const [event] = decodeHttp(mode, headers, Buffer.from(message.body as string), 1)
    expect(event?.attributes).toEqual({ ...ours, datacontenttype: expect.stringMatching(/^application\/json/) })
    expect(JSON.parse(event!.data.toString())).toEqual(data)
  })

  it.each([
    ['binary', encodeHttpBinary(ours, bytes)],
    ['structured', encodeHttpStructured(ours, bytes)],
  ])('is read by it in %s mode', (_mode, { headers, body }) => {
    expectTheirs(HTTP.toEvent({ headers, body: body.toString() }))
  })
})

describe('Kafka with the official SDK', () => {
  it.each([
    ['binary', Kafka.binary(theirs)],
    ['structured', Kafka.structured(theirs)],
  ])('reads its %s records', (mode, message) => {
    const { headers: given, value } = message as unknown as {
      headers: Record<string, string | undefined>
      value: unknown
    }
    const headers: RecordHeaders = Object.entries(given).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, Buffer.from(text)] as const],
    )
    expect(kafkaContentMode(headers)).toBe(mode)
    const event = decodeKafka(
      mode as 'binary',
      headers,
      Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    )
    expect(event.attributes).toMatchObject({
      id: 'a-1',
      source: attributes.source,
      type: attributes.type,
      time: attributes.time,
      extensions,
    })
    expect(JSON.parse(event.data.toString())).toEqual(data)
  })

  it.each([
    ['binary', encodeKafkaBinary(ours, bytes)],
    ['structured', encodeKafkaStructured(ours, bytes)],
  ])('is read by it in %s mode', (mode, message) => {
    const headers = Object.fromEntries(message.headers.map(([name, value]) => [name, value.toString()]))
    const value = message.value!.toString()
    // Its toEvent knows only the exact media type, without the charset that the specification's example has.
    if (mode === 'structured') headers['content-type'] = 'application/cloudevents+json'
    expectTheirs(Kafka.toEvent({ key: 'k1', value, headers, body: value } as SdkKafkaMessage<string>))
  })
})

describe('MQTT with the official SDK', () => {
  it('reads its messages', () => {
    const binary = MQTT.binary(theirs) as MQTTMessage<unknown>
    const userProperties = Object.fromEntries(
      Object.entries(binary['User Properties'] ?? {}).map(([name, value]) => [name, String(value)]),
    )
    const contentType = binary.PUBLISH?.['Content Type']
    const event = decodeMqtt(Buffer.from(JSON.stringify(data)), {
      userProperties,
      ...(contentType === undefined ? {} : { contentType }),
    })
    expect(event?.attributes).toMatchObject({ id: 'a-1', type: attributes.type, extensions })

    const structured = MQTT.structured(theirs) as MQTTMessage<unknown>
    const payload = structured.payload as string
    expect(
      decodeMqtt(Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)), undefined)?.attributes,
    ).toMatchObject({ id: 'a-1', extensions })
  })

  it.each([
    ['binary', encodeMqttBinary(ours, bytes)],
    ['structured', encodeMqttStructured(ours, bytes, 5)],
  ])('is read by it in %s mode', (_mode, { payload, properties }) => {
    // Its toEvent reads the generic names, which its own messages have beside those of MQTT.
    const body = payload.toString()
    const headers = { ...properties?.userProperties }
    const message = {
      headers,
      body,
      payload: body,
      PUBLISH: { 'Content Type': properties?.contentType },
      'User Properties': headers,
    }
    const event = MQTT.toEvent(message) as CloudEvent<unknown>
    // In binary mode it leaves the payload as it is.
    expectTheirs(typeof event.data === 'string' ? event.cloneWith({ data: JSON.parse(event.data) as unknown }) : event)
  })
})
