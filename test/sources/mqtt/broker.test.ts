import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import { afterEach, describe, expect, it } from 'vitest'
import { RawMqttClient } from '../../support/mqtt/raw-mqtt-client.ts'
import { ControlledIntake } from './controlled-intake.ts'
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

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-mqtt-'))
  stops.push(() => rm(directory, { recursive: true, force: true }))
  return directory
}

describe('acknowledgement', () => {
  it('sends PUBACK only after the event is durable', async () => {
    const test = await start()
    test.intake.mode = 'hold'
    const client = await connect(test)
    client.publish(topic, 'one', 1)
    await test.intake.until(() => test.intake.calls === 1)
    // A whole connection later an early PUBACK would have arrived.
    await connect(test, { clientId: 'other' })
    expect(client.ofKind('puback')).toEqual([])
    test.intake.release()
    expect(await client.waitFor('puback')).toMatchObject([{ messageId: 1 }])
    expect(test.intake.values).toEqual(['one'])
    expect(test.intake.events[0]!.header).toMatchObject({
      type: 'com.example.telemetry',
      subject: 'd1',
      partitionkey: 'd1',
      protocol: { kind: 'mqtt', topic, qos: 1, clientId: 'raw' },
    })
  })

  it('is not left to aedes, whose own PUBACK comes before the hook `published`', async () => {
    const order: string[] = []
    let publishedEnds = (): void => {}
    const aedes = await Aedes.createBroker({
      published: (packet, _client, callback) => {
        if (packet.topic !== topic) callback()
        else publishedEnds = () => (order.push('durable'), callback())
      },
    })
    const server = createServer(aedes.handle).listen(0, '127.0.0.1')
    stops.push(async () => {
      server.close()
      await new Promise<void>(resolve => aedes.close(resolve))
    })
    await once(server, 'listening')
    const client = await RawMqttClient.connect({ port: (server.address() as AddressInfo).port })
    stops.push(() => client.kill())
    client.publish(topic, 'one', 1)
    await client.waitFor('puback')
    order.push('puback')
    publishedEnds()
    expect(order).toEqual(['puback', 'durable'])
  })

  it('comes in the order of arrival, also when a later message is done first', async () => {
    let keepDeadLetter = (): void => {}
    const kept = new Promise<void>(resolve => (keepDeadLetter = resolve))
    const test = await start({}, { deadLetter: () => kept })
    const client = await connect(test)
    client.publish(topic, '{"specversion":"1.0"}', 1)
    client.publish(topic, 'two', 2)
    await test.intake.until(() => test.intake.events.length === 1)
    expect(client.ofKind('puback')).toEqual([])
    keepDeadLetter()
    expect((await client.waitFor('puback', 2)).map(packet => packet.messageId)).toEqual([1, 2])
  })

  it('joins what arrives together into few appends and keeps its order', async () => {
    const test = await start()
    const client = await connect(test)
    for (let id = 1; id <= 500; id++) client.publish(topic, String(id), id)
    const acks = await client.waitFor('puback', 500)
    expect(acks.map(packet => packet.messageId)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1))
    expect(test.intake.values).toEqual(Array.from({ length: 500 }, (_, index) => String(index + 1)))
    expect(test.intake.batchSizes.length).toBeLessThan(100)
  })

  it('serves 50 devices at once without losing or reordering anything', async () => {
    const test = await start()
    const perDevice = 200
    await Promise.all(
      Array.from({ length: 50 }, async (_, device) => {
        const client = await connect(test, { clientId: `device-${device}` })
        for (let n = 1; n <= perDevice; n++) client.publish(`devices/d${device}/telemetry`, `${device}:${n}`, n)
        await client.waitFor('puback', perDevice)
      }),
    )
    expect(test.intake.events.length).toBe(50 * perDevice)
    const seen = new Map<string, number>()
    for (const value of test.intake.values) {
      const [device, n] = value.split(':') as [string, string]
      expect(Number(n)).toBe((seen.get(device) ?? 0) + 1)
      seen.set(device, Number(n))
    }
    expect(test.source.stats()).toMatchObject({ state: 'running', accepted: 50 * perDevice, duplicates: 0 })
  })
})

describe('a log that refuses', () => {
  it('withholds acknowledgements, and goes on in order when there is room', async () => {
    const test = await start()
    const client = await connect(test)
    test.intake.mode = 'refuse'
    for (let id = 1; id <= 20; id++) client.publish(topic, String(id), id)
    await test.intake.until(() => test.intake.calls >= 2)
    expect(client.ofKind('puback')).toEqual([])
    expect(test.source.state).toBe('impaired')
    test.intake.mode = 'take'
    await client.waitFor('puback', 20)
    expect(test.intake.values).toEqual(Array.from({ length: 20 }, (_, index) => String(index + 1)))
    expect(test.source.state).toBe('running')
  })

  it('ends the connection without PUBACK before the keep-alive does, and keeps nothing of it', async () => {
    const test = await start({ acceptTimeoutMs: 60_000 })
    const client = await connect(test, { keepalive: 1 })
    test.intake.mode = 'refuse'
    client.publish(topic, 'one', 1)
    client.publish(topic, 'two', 2)
    await client.closed
    expect(client.ofKind('puback')).toEqual([])
    expect(test.reports.join()).not.toContain('keep-alive timed out')
    test.intake.mode = 'take'
    const again = await connect(test)
    again.publish(topic, 'one', 1, { dup: true })
    again.publish(topic, 'two', 2, { dup: true })
    await again.waitFor('puback', 2)
    expect(test.intake.values).toEqual(['one', 'two'])
  })

  it('drops QoS 0 and does not hold up its sender', async () => {
    const test = await start()
    const client = await connect(test)
    test.intake.mode = 'refuse'
    client.publish(topic, 'held', 1)
    await test.intake.until(() => test.intake.calls >= 1)
    const other = await connect(test, { clientId: 'other' })
    for (let n = 0; n < 100; n++) other.publish(topic, 'lost', 0, { qos: 0 })
    other.send({ cmd: 'pingreq' })
    await other.waitFor('pingresp')
    test.intake.mode = 'take'
    await client.waitFor('puback')
    expect(test.intake.values).toEqual(['held'])
    expect(test.source.stats().refused).toMatchObject({ full: 100 })
  })

  it('closes connections when too much waits already', async () => {
    const test = await start({}, { maxHeldBytes: 3_000 })
    const client = await connect(test)
    test.intake.mode = 'hold'
    for (let id = 1; id <= 10; id++) client.publish(topic, 'x'.repeat(500), id)
    await client.closed
    expect(client.ofKind('puback')).toEqual([])
    expect(test.reports.join()).toContain('wait for the stream')
  })
})

describe('publications that are not taken', () => {
  it('refuses a topic that feeds no source, without PUBACK', async () => {
    const test = await start()
    const client = await connect(test)
    client.publish('elsewhere', 'x', 1)
    await client.closed
    expect(client.ofKind('puback')).toEqual([])
    expect(test.reports.join()).toContain('feeds no source')
    expect(test.broker.refused).toMatchObject({ topic: 1 })
  })

  it.each([
    ['too long', `devices/${'x'.repeat(1100)}/telemetry`],
    ['too deep', `devices${'/x'.repeat(120)}`],
    ['reserved', '$SYS/x/telemetry'],
  ])('refuses a topic that is %s', async (_, name) => {
    const test = await start({}, { topics: ['devices/#'] })
    const client = await connect(test)
    client.publish(name, 'x', 1)
    await client.closed
    expect(client.ofKind('puback')).toEqual([])
    expect(test.intake.events).toEqual([])
  })

  it('cuts off a client that announces a packet above the limit, before it is sent', async () => {
    const test = await start({ maxPacketBytes: 10_000 })
    const client = await connect(test)
    client.socket.write(Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f, 0, 1]))
    await client.closed
    expect(test.reports.join()).toContain('maxPacketBytes')
  })

  it('keeps an invalid CloudEvent as a dead letter, acknowledges it and goes on', async () => {
    const test = await start()
    const client = await connect(test)
    client.publish(topic, '{"specversion":"1.0","id":"1"}', 1)
    client.publish(topic, 'fine', 2)
    await client.waitFor('puback', 2)
    expect(test.deadLetters).toMatchObject([{ problem: { reason: 'invalid-cloudevent' }, publication: { topic } }])
    expect(test.intake.values).toEqual(['fine'])
  })

  it('keeps an event that the log will never take as a dead letter', async () => {
    const test = await start()
    test.intake.isBad = event => event.value.toString() === 'bad'
    const client = await connect(test)
    ;['one', 'bad', 'two'].forEach((value, index) => client.publish(topic, value, index + 1))
    await client.waitFor('puback', 3)
    expect(test.intake.values).toEqual(['one', 'two'])
    expect(test.deadLetters).toHaveLength(1)
  })

  it('does not acknowledge when the dead letter cannot be kept', async () => {
    const test = await start({ acceptTimeoutMs: 300 }, { deadLetter: () => Promise.reject(new Error('disk')) })
    const client = await connect(test)
    client.publish(topic, '{"specversion":"1.0"}', 1)
    await client.closed
    expect(client.ofKind('puback')).toEqual([])
  })

  it('drops or refuses invalid events where the policy says so', async () => {
    const skipping = await start({}, { invalid: 'skip' })
    const client = await connect(skipping)
    client.publish(topic, '{"specversion":"1.0"}', 1)
    await client.waitFor('puback')
    expect(skipping.deadLetters).toEqual([])
    const refusing = await start({}, { invalid: 'refuse' })
    const refused = await connect(refusing)
    refused.publish(topic, '{"specversion":"1.0"}', 1)
    await refused.closed
    expect(refused.ofKind('puback')).toEqual([])
  })
})

describe('QoS 2', () => {
  it('takes a message once, however often it is sent before its release', async () => {
    const test = await start()
    const client = await connect(test, { clean: false, clientId: 'd' })
    client.publish(topic, 'one', 7, { qos: 2 })
    client.publish(topic, 'one', 7, { qos: 2, dup: true })
    await client.waitFor('pubrec', 2)
    client.send({ cmd: 'pubrel', messageId: 7 })
    await client.waitFor('pubcomp')
    expect(test.intake.values).toEqual(['one'])
    expect(test.source.stats()).toMatchObject({ accepted: 1, duplicates: 1 })
  })

  it('takes a released packet identifier as a new message, even with the same contents', async () => {
    const test = await start()
    const client = await connect(test, { clean: false, clientId: 'd' })
    for (let n = 1; n <= 3; n++) {
      client.publish(topic, 'same', 1, { qos: 2 })
      await client.waitFor('pubrec', n)
      client.send({ cmd: 'pubrel', messageId: 1 })
      await client.waitFor('pubcomp', n)
    }
    expect(test.intake.values).toEqual(['same', 'same', 'same'])
  })

  it('recognises a redelivery after a restart, and a reused identifier, too', async () => {
    const dataDir = await temporaryDirectory()
    const intake = new ControlledIntake()
    const first = await startBroker({}, { dataDir, intake })
    const client = await RawMqttClient.connect({ port: first.port, clean: false, clientId: 'd' })
    client.publish(topic, 'same', 1, { qos: 2 })
    await client.waitFor('pubrec')
    client.send({ cmd: 'pubrel', messageId: 1 })
    await client.waitFor('pubcomp')
    client.publish(topic, 'same', 1, { qos: 2 })
    client.publish(topic, 'open', 2, { qos: 2 })
    await client.waitFor('pubrec', 3)
    await client.kill()
    await first.stop()

    const second = await start({}, { dataDir, intake })
    const again = await connect(second, { clean: false, clientId: 'd' })
    again.publish(topic, 'same', 1, { qos: 2, dup: true })
    again.publish(topic, 'open', 2, { qos: 2, dup: true })
    await again.waitFor('pubrec', 2)
    expect(intake.values).toEqual(['same', 'same', 'open'])
    again.send({ cmd: 'pubrel', messageId: 1 })
    again.send({ cmd: 'pubrel', messageId: 2 })
    await again.waitFor('pubcomp', 2)
    again.publish(topic, 'open', 2, { qos: 2 })
    await again.waitFor('pubrec', 3)
    expect(intake.values).toEqual(['same', 'same', 'open', 'open'])
  })

  it('completes a message from before the restart, and forgets it: the identifier is free again', async () => {
    const dataDir = await temporaryDirectory()
    const intake = new ControlledIntake()
    const first = await startBroker({}, { dataDir, intake })
    const client = await RawMqttClient.connect({ port: first.port, clean: false, clientId: 'd' })
    client.publish(topic, 'same', 1, { qos: 2 })
    await client.waitFor('pubrec')
    await client.kill()
    await first.stop()
    const second = await start({}, { dataDir, intake })
    const again = await connect(second, { clean: false, clientId: 'd' })
    again.send({ cmd: 'pubrel', messageId: 1 })
    await again.waitFor('pubcomp')
    again.publish(topic, 'same', 1, { qos: 2 })
    await again.waitFor('pubrec')
    expect(intake.values).toEqual(['same', 'same'])
  })
})
