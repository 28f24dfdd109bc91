import { once } from 'node:events'
import { createServer } from 'node:net'
import { Aedes, type AedesPublishPacket } from 'aedes'
import { connectAsync, type IPublishPacket } from 'mqtt'
import { Value } from 'typebox/value'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mqttSinkSchema, type MqttSinkConfig } from '../../../src/config/sections/mqtt-sink.ts'
import type { EventHeader } from '../../../src/events/event-header.ts'
import { createMqttSink, type MqttSinkOptions } from '../../../src/sinks/mqtt/sink.ts'
import { unrestricted } from '../../../src/sinks/result-policy.ts'
import type { OutgoingResult, Sink } from '../../../src/sinks/sink.ts'
import { freePort } from '../../support/free-port.ts'
import { startMosquitto, type MosquittoHarness } from '../../support/mosquitto/mosquitto.ts'
import { describeWith } from '../../support/real-parts.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const header: EventHeader = {
  id: 'r-1',
  source: '/functions/alert',
  type: 'com.example.alert',
  datacontenttype: 'application/json',
  traceparent,
  acceptedAtMs: 0,
  hops: 0,
}
const cause: EventHeader = { id: 'c-1', source: '/devices', type: 't', subject: 'd1', acceptedAtMs: 0, hops: 0 }
const stops: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

function result(over: Partial<OutgoingResult> = {}): OutgoingResult {
  return { header, value: Buffer.from('{"level":"high"}'), meta: {}, cause, policy: unrestricted, ...over }
}

function configOf(broker: object | undefined, over: Partial<MqttSinkConfig> = {}): MqttSinkConfig {
  const raw = { type: 'mqtt', topic: 'alerts/{subject}', ...(broker === undefined ? {} : { broker }), ...over }
  return Value.Default(mqttSinkSchema, raw) as MqttSinkConfig
}

async function startSink(config: MqttSinkConfig, options: Partial<MqttSinkOptions> = {}): Promise<Sink> {
  const sink = createMqttSink({ name: 'alerts', config, firstRetryMs: 20, lastRetryMs: 50, ...options })
  stops.push(() => sink.close())
  await sink.start()
  return sink
}

async function untilReady(sink: Sink, ready = true): Promise<void> {
  while (sink.health().ready !== ready) await new Promise(resolve => setTimeout(resolve, 5))
}

describe('an MQTT sink on the embedded broker', () => {
  it('publishes nothing that the role of the function keeps from it', async () => {
    let published = 0
    const sink = await startSink(configOf(undefined), {
      publish: () => {
        published++
        return Promise.resolve()
      },
    })
    const policy = { role: { sinks: [] }, network: undefined }
    await expect(sink.deliver(result({ policy }))).rejects.toMatchObject({ code: 'SLUICE_SINKS_FORBIDDEN' })
    expect(published).toBe(0)
    await sink.deliver(result({ policy: { role: { sinks: ['alerts'] }, network: undefined } }))
    expect(published).toBe(1)
  })

  it('publishes to the topic of its template', async () => {
    const published: unknown[] = []
    const sink = await startSink(configOf(undefined), {
      publish: (...args) => {
        published.push(args)
        return Promise.resolve()
      },
    })
    await sink.deliver(result())
    // No more than that: what else the options held would become part of the packet.
    expect(published).toEqual([['alerts/d1', Buffer.from('{"level":"high"}'), { qos: 1, retain: false }]])
  })

  it('prefers the subject and the topic of the result', async () => {
    const topics: string[] = []
    const publish = (topic: string): Promise<void> => (topics.push(topic), Promise.resolve())
    const sink = await startSink(configOf(undefined), { publish })
    await sink.deliver(result({ header: { ...header, subject: 'own' } }))
    await sink.deliver(result({ meta: { topic: 'elsewhere/x' } }))
    expect(topics).toEqual(['alerts/own', 'elsewhere/x'])
  })

  it.each([['a/+'], ['#'], ['a\0b'], [''], ['$SYS/x']])('refuses the topic %j of a result for good', async topic => {
    const sink = await startSink(configOf(undefined), { publish: () => Promise.resolve() })
    await expect(sink.deliver(result({ meta: { topic } }))).rejects.toMatchObject({
      code: 'SLUICE_SINKS_TEMPLATE',
      retryable: false,
    })
  })

  it('refuses a subject that would change the level of the topic', async () => {
    const sink = await startSink(configOf(undefined), { publish: () => Promise.resolve() })
    await expect(sink.deliver(result({ cause: { ...cause, subject: 'a/b' } }))).rejects.toMatchObject({
      code: 'SLUICE_SINKS_TEMPLATE',
    })
  })

  it('says at once that there is no broker to publish to', () => {
    expect(() => createMqttSink({ name: 'alerts', config: configOf(undefined) })).toThrow(/embedded one is off/)
  })
})

describeWith(['mosquitto'], 'an MQTT sink on Mosquitto', () => {
  let mosquitto: MosquittoHarness
  beforeEach(async () => {
    mosquitto = await startMosquitto()
    stops.push(() => mosquitto.stop())
  })

  async function received(protocolVersion: 4 | 5): Promise<() => Promise<IPublishPacket>> {
    const client = await connectAsync(mosquitto.url, { protocolVersion })
    stops.push(() => client.endAsync(true))
    await client.subscribeAsync('alerts/#', { qos: 1 })
    const packets: IPublishPacket[] = []
    let arrived = (): void => {}
    client.on('message', (_topic, _payload, packet) => {
      packets.push(packet)
      arrived()
    })
    return async () => {
      while (packets.length === 0) await new Promise<void>(resolve => (arrived = resolve))
      return packets.shift()!
    }
  }

  it('sends attributes and traceparent as user properties with MQTT 5', async () => {
    const next = await received(5)
    const sink = await startSink(configOf({ url: mosquitto.url, protocolVersion: 5 }))
    await untilReady(sink)
    await sink.deliver(result())
    const packet = await next()
    expect(packet).toMatchObject({ topic: 'alerts/d1', payload: Buffer.from('{"level":"high"}') })
    expect(packet.properties).toMatchObject({
      contentType: 'application/json',
      userProperties: { specversion: '1.0', id: 'r-1', type: 'com.example.alert', traceparent },
    })
  })

  it.each(['structured', 'plain'] as const)('sends the trace as user properties in %s mode, too', async contentMode => {
    const next = await received(5)
    const sink = await startSink(configOf({ url: mosquitto.url, protocolVersion: 5 }, { contentMode }))
    await untilReady(sink)
    await sink.deliver(result({ header: { ...header, tracestate: 'a=1' } }))
    expect((await next()).properties?.userProperties).toEqual({ traceparent, tracestate: 'a=1' })
  })

  it('sends the bare body with MQTT 3.1.1, or an envelope where that is asked for', async () => {
    const next = await received(4)
    const broker = { url: mosquitto.url, protocolVersion: 4 }
    const plain = await startSink(configOf(broker))
    await untilReady(plain)
    await plain.deliver(result())
    expect((await next()).payload.toString()).toBe('{"level":"high"}')
    const structured = await startSink(configOf({ ...broker, clientId: 'other' }, { contentMode: 'structured' }))
    await untilReady(structured)
    await structured.deliver(result())
    expect(JSON.parse((await next()).payload.toString())).toMatchObject({ id: 'r-1', data: { level: 'high' } })
  })

  it('refuses while the broker is away, keeps nothing, and goes on when it is back', async () => {
    const sink = await startSink(configOf({ url: mosquitto.url }))
    await untilReady(sink)
    await mosquitto.kill()
    await untilReady(sink, false)
    await expect(sink.deliver(result())).rejects.toMatchObject({ code: 'SLUICE_SINKS_UNAVAILABLE', retryable: true })
    await mosquitto.restart()
    await untilReady(sink)
    await sink.deliver(result())
  })
})

describe('an MQTT sink on a broker that does not acknowledge', () => {
  async function silentBroker(): Promise<{ url: string; packets: AedesPublishPacket[]; drop: () => void }> {
    const packets: AedesPublishPacket[] = []
    const aedes = await Aedes.createBroker({
      authorizePublish: (_client, packet) => void packets.push(packet as AedesPublishPacket),
    })
    const sockets = new Set<{ destroy(): void }>()
    const server = createServer(socket => {
      sockets.add(socket)
      aedes.handle(socket)
    })
    const port = await freePort()
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    stops.push(async () => {
      server.close()
      await new Promise<void>(resolve => aedes.close(resolve))
    })
    return { url: `mqtt://127.0.0.1:${port}`, packets, drop: () => sockets.forEach(socket => socket.destroy()) }
  }

  it('gives up after its time-out', async () => {
    const { url } = await silentBroker()
    const sink = await startSink(configOf({ url, protocolVersion: 4 }, { timeoutMs: 100 }))
    await untilReady(sink)
    await expect(sink.deliver(result())).rejects.toMatchObject({ code: 'SLUICE_SINKS_TIMEOUT', retryable: true })
  })

  it('fails what was under way when the connection ends, and what waited behind it', async () => {
    const { url, drop } = await silentBroker()
    const sink = await startSink(configOf({ url, protocolVersion: 4 }, { maxInflight: 1 }))
    await untilReady(sink)
    const deliveries = Promise.allSettled([sink.deliver(result()), sink.deliver(result())])
    drop()
    for (const { status, reason } of (await deliveries) as PromiseRejectedResult[]) {
      expect(status).toBe('rejected')
      expect(reason).toMatchObject({ code: 'SLUICE_SINKS_UNAVAILABLE' })
    }
  })

  it('does not deliver any more after it was closed', async () => {
    const { url } = await silentBroker()
    const sink = await startSink(configOf({ url, protocolVersion: 4 }))
    await untilReady(sink)
    const delivery = Promise.allSettled([sink.deliver(result())])
    await sink.close()
    expect(await delivery).toMatchObject([{ status: 'rejected', reason: { code: 'SLUICE_SINKS_CLOSED' } }])
    await expect(sink.deliver(result())).rejects.toMatchObject({ code: 'SLUICE_SINKS_CLOSED' })
  })
})
