import { fileURLToPath } from 'node:url'
import { connectAsync, type MqttClient } from 'mqtt'
import { Value } from 'typebox/value'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mqttSourceBrokerSchema, type MqttSourceBrokerConfig } from '../../../src/config/sections/mqtt-source.ts'
import { createClientSource, type ClientSourceOptions } from '../../../src/sources/mqtt/client-source.ts'
import type { Source } from '../../../src/sources/source.ts'
import { startNodeScript } from '../../support/child-process.ts'
import { freePort } from '../../support/free-port.ts'
import { startMosquitto, type MosquittoHarness } from '../../support/mosquitto/mosquitto.ts'
import { describeWith } from '../../support/real-parts.ts'
import { ControlledIntake } from './controlled-intake.ts'
import { startBroker, telemetryDecoder } from './embedded-broker.ts'

const topic = 'devices/d1/telemetry'

interface TestSource {
  readonly source: Source
  readonly intake: ControlledIntake
  readonly deadLetters: string[]
  readonly reports: string[]
  /** Resolves when the source tells something that matches. */
  told(pattern: RegExp): Promise<void>
}

let mosquitto: MosquittoHarness
const stops: (() => Promise<unknown>)[] = []

async function startSource(
  broker: Partial<MqttSourceBrokerConfig> & { url: string },
  options: Partial<ClientSourceOptions> = {},
): Promise<TestSource> {
  const intake = (options.intake as ControlledIntake | undefined) ?? new ControlledIntake()
  const deadLetters: string[] = []
  const reports: string[] = []
  const listeners = new Set<() => void>()
  const source = createClientSource({
    source: 'plant',
    broker: { ...(Value.Default(mqttSourceBrokerSchema, {}) as MqttSourceBrokerConfig), ...broker },
    topics: ['devices/+/telemetry'],
    decode: telemetryDecoder,
    invalid: 'dead-letter',
    retained: 'skip',
    deadLetter: (_problem, publication) => {
      deadLetters.push(publication.payload.toString())
      return Promise.resolve()
    },
    maxHeldBytes: 1024 * 1024,
    report: (_level, message) => {
      reports.push(message)
      for (const check of [...listeners]) check()
    },
    firstRetryMs: 20,
    lastRetryMs: 100,
    ...options,
    intake,
  })
  stops.push(() => {
    intake.release()
    return source.stop()
  })
  await source.start()
  const told = (pattern: RegExp): Promise<void> =>
    new Promise(resolve => {
      const check = (): void => {
        if (!reports.some(report => pattern.test(report))) return
        listeners.delete(check)
        resolve()
      }
      listeners.add(check)
      check()
    })
  return { source, intake, deadLetters, reports, told }
}

/** Polls, as the state has no event; bounded by the time-out of the test. */
async function untilState(source: Source, state: string): Promise<void> {
  while (source.state !== state) await new Promise(resolve => setTimeout(resolve, 5))
}

async function publisher(): Promise<MqttClient> {
  const client = await connectAsync(mosquitto.url, { reconnectPeriod: 0 })
  client.on('error', () => {})
  stops.push(() => client.endAsync(true))
  return client
}

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

describeWith(['mosquitto'], 'an MQTT source on Mosquitto', () => {
  beforeEach(async () => {
    mosquitto = await startMosquitto({ maxInflight: 0, maxQueued: 0 })
    stops.push(() => mosquitto.stop())
  })

  describe.each([4, 5] as const)('with protocol version %i', protocolVersion => {
    const start = (options: Partial<ClientSourceOptions> = {}, broker: Partial<MqttSourceBrokerConfig> = {}) =>
      startSource({ url: mosquitto.url, protocolVersion, ...broker }, options)

    it('takes what 50 devices publish, in the order of each of them', async () => {
      const { source, intake } = await start()
      await untilState(source, 'running')
      const client = await publisher()
      const perDevice = 40
      const published: Promise<unknown>[] = []
      for (let n = 1; n <= perDevice; n++) {
        for (let d = 0; d < 50; d++)
          published.push(client.publishAsync(`devices/d${d}/telemetry`, `${d}:${n}`, { qos: 1 }))
      }
      await Promise.all(published)
      await intake.until(() => intake.events.length >= 50 * perDevice)
      const seen = new Map<string, number>()
      for (const value of intake.values) {
        const [device, n] = value.split(':') as [string, string]
        expect(Number(n)).toBe((seen.get(device) ?? 0) + 1)
        seen.set(device, Number(n))
      }
      expect(intake.events[0]!.header).toMatchObject({
        subject: 'd0',
        protocol: { kind: 'mqtt', qos: 1, retain: false },
      })
    })

    it('gets everything again that it received and did not store before it was killed', async () => {
      const script = fileURLToPath(new URL('holding-source.ts', import.meta.url))
      const holding = startNodeScript({ script, args: [mosquitto.url, String(protocolVersion)] })
      stops.push(() => holding.kill())
      await holding.waitForLine(/running/)
      const client = await publisher()
      await Promise.all(Array.from({ length: 100 }, (_, n) => client.publishAsync(topic, String(n), { qos: 1 })))
      await holding.waitForLine(/received/)
      await holding.kill()
      const { intake } = await start()
      await intake.until(() => intake.events.length >= 100)
      expect(intake.values).toEqual(Array.from({ length: 100 }, (_, n) => String(n)))
    })

    it('gets what was published while it was stopped', async () => {
      const first = await start()
      await untilState(first.source, 'running')
      await first.source.stop()
      const client = await publisher()
      await client.publishAsync(topic, 'while away', { qos: 1 })
      const second = await start()
      await second.intake.until(() => second.intake.events.length === 1)
      expect(second.intake.values).toEqual(['while away'])
    })

    it('withholds acknowledgements while the log refuses, and goes on', async () => {
      const { source, intake } = await start()
      await untilState(source, 'running')
      intake.mode = 'refuse'
      const client = await publisher()
      await Promise.all(Array.from({ length: 20 }, (_, n) => client.publishAsync(topic, String(n), { qos: 1 })))
      await intake.until(() => intake.calls >= 3)
      expect(source.state).toBe('impaired')
      intake.mode = 'take'
      await intake.until(() => intake.events.length >= 20)
      expect(intake.values).toEqual(Array.from({ length: 20 }, (_, n) => String(n)))
    })

    it('drops the connection when the log refuses for too long, and loses nothing', async () => {
      const { source, intake, told } = await start({}, { acceptTimeoutMs: 200 })
      await untilState(source, 'running')
      intake.mode = 'refuse'
      const client = await publisher()
      await Promise.all(Array.from({ length: 20 }, (_, n) => client.publishAsync(topic, String(n), { qos: 1 })))
      await told(/could not be kept in time/)
      intake.mode = 'take'
      await intake.until(() => intake.events.length >= 20)
      expect(intake.values).toEqual(Array.from({ length: 20 }, (_, n) => String(n)))
    })

    it('stops taking at its window and takes the rest afterwards', async () => {
      const { source, intake } = await start({}, { maxInflight: 10 })
      await untilState(source, 'running')
      intake.mode = 'hold'
      const client = await publisher()
      await Promise.all(Array.from({ length: 100 }, (_, n) => client.publishAsync(topic, String(n), { qos: 1 })))
      await intake.until(() => intake.calls === 1)
      intake.release()
      await intake.until(() => intake.events.length >= 100)
      expect(Math.max(...intake.batchSizes)).toBeLessThanOrEqual(10)
      expect(intake.values).toEqual(Array.from({ length: 100 }, (_, n) => String(n)))
    })

    it('comes back after the broker was killed', async () => {
      const { source, intake, told } = await start()
      await untilState(source, 'running')
      await mosquitto.kill()
      await told(/trying again/)
      expect(source.state).toBe('impaired')
      await mosquitto.restart()
      await untilState(source, 'running')
      const client = await publisher()
      await client.publishAsync(topic, 'again', { qos: 1 })
      await intake.until(() => intake.values.includes('again'))
    })

    it('skips retained messages of a new subscription unless they are asked for', async () => {
      const client = await publisher()
      await client.publishAsync(topic, 'kept', { qos: 1, retain: true })
      const skipping = await start({}, { clientId: 'skipping' })
      await untilState(skipping.source, 'running')
      await client.publishAsync(topic, 'live', { qos: 1 })
      await skipping.intake.until(() => skipping.intake.events.length > 0)
      expect(skipping.intake.values).toEqual(['live'])
      const accepting = await start({ retained: 'accept' }, { clientId: 'accepting' })
      await accepting.intake.until(() => accepting.intake.events.length > 0)
      expect(accepting.intake.values).toEqual(['kept'])
    })

    it('acknowledges poison messages after they are dead letters, and goes on', async () => {
      const { source, intake, deadLetters } = await start()
      await untilState(source, 'running')
      const client = await publisher()
      await client.publishAsync(topic, '{"specversion":"1.0"}', { qos: 1 })
      await client.publishAsync(topic, 'fine', { qos: 1 })
      await intake.until(() => intake.events.length === 1)
      expect(deadLetters).toEqual(['{"specversion":"1.0"}'])
      expect(intake.values).toEqual(['fine'])
    })

    it('loses what mqtt.js acknowledges by itself, which is why the acknowledgements are ours', async () => {
      const options = { clientId: 'naive', clean: false, protocolVersion, reconnectPeriod: 0 } as const
      const session = protocolVersion === 5 ? { properties: { sessionExpiryInterval: 600 } } : {}
      const naive = await connectAsync(mosquitto.url, {
        ...options,
        ...session,
        // Holds every acknowledgement with MQTT 5, and is ignored with 3.1.1.
        ...(protocolVersion === 4 ? { customHandleAcks: () => {} } : {}),
      })
      await naive.subscribeAsync(topic, { qos: 1 })
      const received = new Promise(resolve => naive.once('message', resolve))
      const acknowledged = new Promise<void>(resolve =>
        naive.on('packetsend', packet => {
          if (packet.cmd === 'puback') resolve()
        }),
      )
      await (await publisher()).publishAsync(topic, 'lost', { qos: 1 })
      await received
      await acknowledged
      await naive.endAsync()
      const again = await connectAsync(mosquitto.url, { ...options, ...session })
      stops.push(() => again.endAsync(true))
      const seen: string[] = []
      again.on('message', (_topic, payload) => seen.push(payload.toString()))
      const marker = new Promise(resolve => again.once('message', resolve))
      await (await publisher()).publishAsync(topic, 'marker', { qos: 1 })
      await marker
      expect(seen).toEqual(['marker'])
    })
  })

  it('takes user properties, content type and traceparent of MQTT 5', async () => {
    const { source, intake } = await startSource({ url: mosquitto.url })
    await untilState(source, 'running')
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const client = await connectAsync(mosquitto.url, { protocolVersion: 5 })
    stops.push(() => client.endAsync(true))
    await client.publishAsync(topic, '{}', {
      qos: 1,
      properties: { contentType: 'application/json', userProperties: { traceparent, room: ['a', 'b'] } },
    })
    await intake.until(() => intake.events.length === 1)
    expect(intake.events[0]!.header).toMatchObject({
      traceparent,
      datacontenttype: 'application/json',
      protocol: { userProperties: { room: ['a', 'b'] } },
    })
  })

  it('spreads a shared subscription over its connections, each message once', async () => {
    const { source, intake } = await startSource({ url: mosquitto.url, share: 'sluice', connections: 2 })
    await untilState(source, 'running')
    const client = await publisher()
    await Promise.all(Array.from({ length: 200 }, (_, n) => client.publishAsync(topic, String(n), { qos: 1 })))
    await intake.until(() => intake.events.length >= 200)
    expect(new Set(intake.values).size).toBe(200)
    expect(intake.events).toHaveLength(200)
  })

  it('starts without its broker and is there when the broker is', async () => {
    await mosquitto.kill()
    const { source, told } = await startSource({ url: mosquitto.url })
    await told(/ECONNREFUSED.*trying again/)
    expect(source.stats()).toMatchObject({
      state: 'impaired',
      detail: expect.stringContaining('ECONNREFUSED') as string,
    })
    await mosquitto.restart()
    await untilState(source, 'running')
    expect(source.stats().detail).toBeUndefined()
  })
})

describe('an MQTT source on a broker that refuses', () => {
  it('says that its credentials are wrong', async () => {
    const other = await startBroker({ users: [{ username: 'a', password: 'b' }] })
    stops.push(() => other.stop())
    const url = `mqtt://127.0.0.1:${other.port}`
    const { source, told } = await startSource({ url, protocolVersion: 4, username: 'a', password: 'wrong' })
    await told(/Bad username or password.*trying again/i)
    expect(source.state).toBe('impaired')
  })

  it('is impaired by a subscription that is not granted, and says which', async () => {
    const { broker, stop } = await refusingBroker()
    stops.push(stop)
    const { source, told } = await startSource({ url: broker, protocolVersion: 4 })
    await told(/subscription refused: "devices\/\+\/telemetry" was refused with reason 0x80/)
    expect(source.state).toBe('impaired')
  })
})

describe('options of an MQTT source', () => {
  it.each([
    ['an invalid filter', { topics: ['a/#/b'] }, {}],
    ['several connections without a share', {}, { connections: 2 }],
    ['a share in the topic', { topics: ['$share/x/a'] }, {}],
    ['refuse, which would repeat for ever', { invalid: 'refuse' as const }, {}],
  ])('are refused: %s', async (_, options, broker) => {
    const url = `mqtt://127.0.0.1:${await freePort()}`
    await expect(startSource({ url, ...broker }, options)).rejects.toMatchObject({ code: 'SLUICE_MQTT_CONFIG' })
  })
})

async function refusingBroker(): Promise<{ broker: string; stop: () => Promise<void> }> {
  const { Aedes } = await import('aedes')
  const { createServer } = await import('node:net')
  const aedes = await Aedes.createBroker({
    authorizeSubscribe: (_client, _subscription, callback) => callback(null, null),
  })
  const server = createServer(aedes.handle)
  const port = await freePort()
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', () => resolve()))
  return {
    broker: `mqtt://127.0.0.1:${port}`,
    stop: async () => {
      server.close()
      await new Promise<void>(resolve => aedes.close(resolve))
    },
  }
}
