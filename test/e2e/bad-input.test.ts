import { connectAsync } from 'mqtt'
import type { Kafka } from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { sharedKafka } from '../support/kafka/shared-kafka.ts'
import { startMosquitto } from '../support/mosquitto/mosquitto.ts'
import { describeWith } from '../support/real-parts.ts'
import type { DeadLetter, GatewayProcess } from './gateway-process.ts'
import { connectKafka, createTopic, produceMessages } from './kafka-topics.ts'
import type { Ledger } from './ledger.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess
let ledger: Ledger
const ends: (() => Promise<unknown>)[] = []

async function start(sections: Record<string, Record<string, unknown>>): Promise<void> {
  ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
    ...sections,
    functions: { record: ledgerFunction('record.mjs', file) },
  })))
  await gateway.start()
}

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
  for (const end of ends.splice(0).reverse()) await end()
})

const event = (seq: number) => JSON.stringify({ id: `k-${seq}`, key: 'k', seq })
const processed = async (): Promise<string[]> => (await ledger.read()).map(({ id }) => id)
const dataOf = ({ dataBase64 }: DeadLetter): string => Buffer.from(dataBase64 ?? '', 'base64').toString()

describeWith(['kafka'], 'a Kafka record that cannot become an event', () => {
  it('is a dead letter, or skipped where it is a tombstone, and its partition moves on', async () => {
    const { brokers } = await sharedKafka()
    const kafka: Kafka = connectKafka(brokers)
    const topic = await createTopic(kafka, 'orders', 1)
    await start({
      kafka: { brokers, groupPrefix: `${topic}-` },
      sources: { orders: { type: 'kafka', topic } },
      triggers: { record: { stream: 'orders', function: 'record' } },
    })
    await produceMessages(kafka, topic, [
      { key: 'k', value: event(0) },
      { key: 'k', value: '{"no":"type"}', headers: { ce_specversion: '1.0', ce_id: 'x', ce_source: '/x' } },
      { key: 'k', value: 'no json', headers: { 'content-type': 'application/cloudevents+json' } },
      { key: 'k', value: null },
      { key: 'k', value: event(1) },
    ])
    await ledger.waitFor(2)
    await gateway.until('all are committed', async () => {
      const { lag, partitions } = await gateway.trigger('record')
      return lag === 0 && partitions[0]?.committed === 5
    })

    const letters = (await gateway.deadLetters('record')).toSorted((a, b) => a.offset - b.offset)
    expect(letters).toMatchObject([
      { stage: 'source', offset: 1, reason: 'invalid-cloudevent', message: expect.stringContaining('type') as unknown },
      { stage: 'source', offset: 2, reason: 'invalid-cloudevent' },
    ])
    expect(letters.map(dataOf)).toEqual(['{"no":"type"}', 'no json'])
    await gateway.stop()
    expect(await processed()).toEqual(['k-0', 'k-1'])
  })
})

const devices = {
  type: 'mqtt',
  topics: ['devices/+/telemetry'],
  mapping: { type: 'test.telemetry', partitionkey: { pointer: '/key' } },
}
const onTelemetry = { triggers: { record: { stream: 'devices', function: 'record' } } }

async function deadLettersOfDevices(): Promise<readonly DeadLetter[]> {
  return gateway.until('a dead letter of the source', async () => {
    const letters = await gateway.deadLetters('source:devices')
    return letters.length > 0 && letters
  })
}

describe('an MQTT message in which the mapping finds nothing', () => {
  it('gets its PUBACK and is a dead letter of its source, whole; the device goes on', async () => {
    await start({ sources: { devices }, ...onTelemetry })
    const device = await connectAsync(gateway.mqttUrl, { protocolVersion: 4 })
    ends.push(() => device.endAsync(true))
    await device.publishAsync('devices/d7/telemetry', event(0), { qos: 1 })
    await device.publishAsync('devices/d7/telemetry', '{"keyless":true}', { qos: 1 })
    await device.publishAsync('devices/d7/telemetry', event(1), { qos: 1 })
    await ledger.waitFor(2)

    const letters = await deadLettersOfDevices()
    expect(letters).toHaveLength(1)
    expect(letters[0]).toMatchObject({ stage: 'source', message: expect.stringContaining('/key') as unknown })
    expect(letters.map(dataOf)).toEqual(['{"keyless":true}'])
    expect(letters[0]?.event).toMatchObject({ protocol: { kind: 'mqtt', topic: 'devices/d7/telemetry', qos: 1 } })
    expect(await gateway.cli('dead-letters', 'source:devices')).toMatch(/ source .*\/key/)
    await gateway.stop()
    expect(await processed()).toEqual(['k-0', 'k-1'])
  })
})

describeWith(['mosquitto'], 'an MQTT message that claims to be a CloudEvent and is none', () => {
  it('is a dead letter of its source, and Mosquitto is told that it arrived', async () => {
    const mosquitto = await startMosquitto()
    ends.push(() => mosquitto.stop())
    await start({ sources: { devices: { ...devices, broker: { url: mosquitto.url } } }, ...onTelemetry })
    await gateway.ready()
    const device = await connectAsync(mosquitto.url, { protocolVersion: 5 })
    ends.push(() => device.endAsync(true))
    const properties = { contentType: 'application/cloudevents+json' }
    const claim = '{"specversion":"1.0","id":"1"}'
    await device.publishAsync('devices/d7/telemetry', claim, { qos: 1, properties })
    await device.publishAsync('devices/d7/telemetry', event(0), { qos: 1 })
    await ledger.waitFor(1)

    const letters = await deadLettersOfDevices()
    expect(letters.map(dataOf)).toEqual([claim])
    expect(letters[0]?.message).toMatch(/source|type/)
    await gateway.stop()
    // What is a dead letter was acknowledged: a new session of the gateway does not get it again.
    await gateway.restart()
    await gateway.ready()
    expect(await gateway.deadLetters('source:devices')).toHaveLength(1)
    await gateway.stop()
  })
})

describe('a bad request', () => {
  it('is refused with a problem that says what is wrong, and leaves nothing behind', async () => {
    await start({
      sources: {
        signed: { type: 'http', path: '/signed', verify: { scheme: 'github', secrets: ['a secret of the test'] } },
        small: { type: 'http', path: '/small', maxBodyBytes: 100, accept: ['application/json'] },
      },
      triggers: { record: { stream: 'hooks', function: 'record' } },
    })
    const ce = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/x' }
    const structured = { 'content-type': 'application/cloudevents+json' }
    const refusals = [
      { path: '/hooks', body: '{}', headers: ce, status: 400, says: /type/ },
      { path: '/hooks', body: '{"specversion":"1.0","id":"","source":"/x","type":"t"}', headers: structured, status: 400, says: /id/ }, // prettier-ignore
      { path: '/hooks', body: '{"specversion":', headers: structured, status: 400, says: /JSON/ },
      { path: '/signed', body: '{}', headers: {}, status: 401, says: /signature/i },
      { path: '/signed', body: '{}', headers: { 'x-hub-signature-256': 'sha256=00' }, status: 401, says: /signature/i },
      { path: '/small', body: 'x'.repeat(101), headers: {}, status: 413, says: /100/ },
      { path: '/small', body: 'a=b', headers: { 'content-type': 'text/plain' }, status: 415, says: /text\/plain/ },
      { path: '/nothing', body: '{}', headers: {}, status: 404, says: /\/nothing/ },
    ]
    for (const { path, body, headers, status, says } of refusals) {
      const answer = await gateway.post(path, body, headers as unknown as Record<string, string>)
      expect(answer.status, answer.body).toBe(status)
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
      expect(answer.body).toMatch(says)
    }
    const { items } = await gateway.get<{ items: { name: string; partitions: { end: number }[] }[] }>('/v1/streams')
    expect(items.flatMap(({ partitions }) => partitions).every(({ end }) => end === 0)).toBe(true)
    await gateway.stop()
  })
})
