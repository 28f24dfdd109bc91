import { connectAsync, type MqttClient } from 'mqtt'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { describeWith } from '../real-parts.ts'
import { type MosquittoHarness, startMosquitto, type StartMosquittoOptions } from './mosquitto.ts'

describeWith(['mosquitto'], 'a Mosquitto for tests', () => {
  let broker: MosquittoHarness | undefined
  const clients: MqttClient[] = []

  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.endAsync(true)))
    await broker?.stop()
    broker = undefined
  })

  async function start(options?: StartMosquittoOptions): Promise<MosquittoHarness> {
    broker = await startMosquitto(options)
    return broker
  }

  async function client(protocolVersion: 4 | 5 = 4): Promise<MqttClient> {
    const connected = await connectAsync(broker!.url, { protocolVersion, reconnectPeriod: 0 })
    connected.on('error', () => {})
    clients.push(connected)
    return connected
  }

  async function retained(topic: string): Promise<string> {
    const reader = await client()
    const message = nextMessage(reader)
    await reader.subscribeAsync(topic)
    return message
  }

  it.each([4, 5] as const)('carries a message from one client to another with protocol level %i', async level => {
    await start({ tcpNoDelay: true })
    const [sender, reader] = [await client(level), await client(level)]
    await reader.subscribeAsync('a/b', { qos: 1 })
    const message = nextMessage(reader)
    await sender.publishAsync('a/b', 'hello', { qos: 1 })
    expect(await message).toBe('hello')
  })

  it('keeps retained messages across a restart on the same port if it persists them', async () => {
    const { port, pid } = await start({ persistence: true })
    await (await client()).publishAsync('kept', 'still here', { qos: 1, retain: true })
    await broker!.restart()
    expect(broker!.port).toBe(port)
    expect(broker!.pid).not.toBe(pid)
    expect(await retained('kept')).toBe('still here')
  })

  it('keeps them across a kill too once they are saved, and not those after', async () => {
    await start({ persistence: true })
    await (await client()).publishAsync('kept', 'saved', { qos: 1, retain: true })
    await broker!.save()
    await (await client()).publishAsync('kept', 'not saved', { qos: 1, retain: true })
    await broker!.kill()
    expect(broker!.pid).toBeUndefined()
    await broker!.restart()
    expect(await retained('kept')).toBe('saved')
  })

  it('drops what exceeds the queue of an absent client, as configured', async () => {
    await start({ maxQueued: 5, maxInflight: 1 })
    const session = { clientId: 'absent', clean: false, reconnectPeriod: 0 }
    const absent = await connectAsync(broker!.url, session)
    await absent.subscribeAsync('q', { qos: 1 })
    await absent.endAsync()
    const sender = await client()
    for (let index = 0; index < 20; index++) await sender.publishAsync('q', String(index), { qos: 1 })

    const received: string[] = []
    const back = await connectAsync(broker!.url, session)
    clients.push(back)
    const sentinel = new Promise<void>(resolve => {
      back.on('message', (_topic, payload) => {
        received.push(payload.toString())
        if (payload.toString() === 'sentinel') resolve()
      })
    })
    await sender.publishAsync('q', 'sentinel', { qos: 1 })
    await sentinel
    expect(received.length).toBeLessThan(10)
  })

  it('refuses a port that is taken, and does not mistake its owner for the broker', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    await expect(startMosquitto({ port })).rejects.toThrow(`port ${port} is in use`)
    taken.close()
  })
})

function nextMessage(client: MqttClient): Promise<string> {
  return new Promise(resolve => client.once('message', (_topic, payload) => resolve(payload.toString())))
}
