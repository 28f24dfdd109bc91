import { afterEach, describe, expect, it } from 'vitest'
import { RawMqttClient } from '../../support/mqtt/raw-mqtt-client.ts'
import { startBroker, type TestBroker } from './embedded-broker.ts'

const topic = 'devices/d1/telemetry'
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function start(...args: Parameters<typeof startBroker>): Promise<TestBroker> {
  const test = await startBroker(...args)
  stops.push(() => test.stop())
  return test
}

async function connect(test: TestBroker, options: object = {}): Promise<RawMqttClient> {
  const client = await RawMqttClient.connect({ port: test.port, ...options })
  stops.push(() => client.kill())
  return client
}

describe('clients', () => {
  it('lets in who knows the password and nobody else', async () => {
    const test = await start({ users: [{ username: 'device', password: 'secret' }] })
    const good = await connect(test, { username: 'device', password: Buffer.from('secret') })
    expect(good.ofKind('connack')).toMatchObject([{ returnCode: 0 }])
    for (const [username, password] of [
      ['device', 'wrong'],
      ['other', 'secret'],
      [undefined, undefined],
    ] as const) {
      const bad = await connect(test, { clientId: 'bad', username, password: password && Buffer.from(password) })
      expect(bad.ofKind('connack')).toMatchObject([{ returnCode: 4 }])
      await bad.closed
    }
  })

  it('binds to loopback only, unless users are configured or it is called insecure', async () => {
    await expect(startBroker({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'SLUICE_MQTT_INSECURE' })
    await start({ host: '0.0.0.0', users: [{ username: 'a', password: 'b' }] })
    await start({ host: '0.0.0.0', insecure: true })
  })

  it('says which port is in use', async () => {
    const test = await start()
    await expect(startBroker({ port: test.port })).rejects.toMatchObject({
      code: 'SLUICE_MQTT_PORT_IN_USE',
      message: expect.stringContaining(String(test.port)) as string,
    })
  })

  it('drops connections above the limit', async () => {
    const test = await start({ maxClients: 1 })
    await connect(test)
    const second = await RawMqttClient.open({ port: test.port, clientId: 'second' })
    await second.closed
    expect(second.received).toEqual([])
  })

  it('takes the will of a client that vanishes, and not of those that our own stop disconnects', async () => {
    const test = await start()
    const will = (payload: string) => ({ topic, payload: Buffer.from(payload), qos: 1 as const, retain: false })
    const client = await connect(test, { clientId: 'a', will: will('gone') })
    await connect(test, { clientId: 'b', will: will('stopped') })
    await client.kill()
    await test.intake.until(() => test.intake.events.length === 1)
    await test.broker.stop()
    expect(test.intake.values).toEqual(['gone'])
  })

  it('refuses a client whose will could not be published', async () => {
    const test = await start()
    const will = { topic: 'elsewhere', payload: Buffer.from('x'), qos: 1 as const, retain: false }
    const client = await RawMqttClient.open({ port: test.port, will })
    await client.closed
    expect(test.reports.join()).toContain('its will')
  })

  it('survives packets that make no sense', async () => {
    const test = await start()
    for (const bytes of [
      [0x00, 0x00],
      [0x32, 0x02, 0xff, 0xff],
      [0xf0, 0xff, 0xff, 0xff, 0xff],
      [0x10, 0x02, 0, 0],
    ]) {
      const client = await RawMqttClient.connect({ port: test.port })
      client.socket.write(Buffer.from(bytes))
      await client.closed
    }
    const client = await connect(test)
    client.publish(topic, 'fine', 1)
    await client.waitFor('puback')
  })
})

describe('subscribers', () => {
  async function subscriber(test: TestBroker, filter: string): Promise<RawMqttClient> {
    const client = await connect(test, { clientId: `subscriber-${filter}` })
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos: 1 }] })
    await client.waitFor('suback')
    return client
  }

  it('get what is published to broker-only topics, retained messages included', async () => {
    const test = await start({ brokerOnly: ['alerts/#'] })
    const client = await connect(test)
    client.publish('alerts/fire', 'hot', 1, { retain: true })
    await client.waitFor('puback')
    const late = await subscriber(test, 'alerts/#')
    expect(await late.waitFor('publish')).toMatchObject([{ topic: 'alerts/fire', retain: true }])
    await test.broker.publish('alerts/water', Buffer.from('wet'), { qos: 1, retain: false })
    expect((await late.waitFor('publish', 2))[1]).toMatchObject({ topic: 'alerts/water' })
    expect(test.intake.events).toEqual([])
  })

  it('get what feeds a source only where it forwards, after the append', async () => {
    const quiet = await start({ brokerOnly: ['alerts/#'] })
    const nothing = await subscriber(quiet, '#')
    const device = await connect(quiet)
    device.publish(topic, 'x', 1)
    device.publish('alerts/a', 'y', 2)
    expect(await nothing.waitFor('publish')).toMatchObject([{ topic: 'alerts/a' }])

    const forwarding = await start({}, { forward: true })
    const listener = await subscriber(forwarding, '#')
    const sender = await connect(forwarding)
    sender.publish(topic, 'x', 1)
    expect(await listener.waitFor('publish')).toMatchObject([{ topic }])
    expect(forwarding.intake.values).toEqual(['x'])
  })

  it('do not get what the gateway would publish to the topic of a source', async () => {
    const test = await start()
    await expect(test.broker.publish(topic, Buffer.from('x'), { qos: 1, retain: false })).rejects.toMatchObject({
      code: 'SLUICE_MQTT_TOPIC',
    })
  })
})

describe('stop', () => {
  it('acknowledges what becomes durable, and refuses what comes later', async () => {
    const test = await start()
    test.intake.mode = 'hold'
    const client = await connect(test)
    client.publish(topic, 'one', 1)
    await test.intake.until(() => test.intake.calls === 1)
    const stopped = test.broker.stop()
    test.intake.release()
    await stopped
    expect(client.ofKind('puback')).toHaveLength(1)
  })
})
