import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { connectAsync, type IPublishPacket, type MqttClient } from 'mqtt'
import { afterEach, expect, it, describe } from 'vitest'
import type { FunctionVersion, ResolvedBinding } from '../../../src/functions/function-version.ts'
import type { InvocationOutcome } from '../../../src/workers/invocation.ts'
import { createWorkerPool } from '../../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../../src/workers/worker-pool.ts'
import { freePort } from '../../support/free-port.ts'
import { startMosquitto, type MosquittoHarness } from '../../support/mosquitto/mosquitto.ts'
import { describeWith } from '../../support/real-parts.ts'
import { invocationOf, jsonOf, outcomesOf, versionOf, type RecordedInvocation } from '../worker-fixtures.ts'

const stops: (() => unknown)[] = []
let pool: WorkerPool

afterEach(async () => {
  await pool.close(0)
  for (const stop of stops.splice(0).reverse()) await stop()
})

type MqttDefinition = Extract<ResolvedBinding, { type: 'mqtt' }>

function start(url: string, definition: Partial<MqttDefinition> = {}, changes: Partial<FunctionVersion> = {}): void {
  const alerts: ResolvedBinding = {
    type: 'mqtt',
    broker: {
      url,
      protocolVersion: 5,
      username: 'somebody',
      password: 'password-of-the-broker',
      keepaliveSeconds: 30,
      connectTimeoutMs: 5_000,
      rejectUnauthorized: true,
    },
    qos: 1,
    timeoutMs: 8_000,
    ...definition,
  }
  pool = createWorkerPool(versionOf('binding-user.mjs', { bindings: { alerts }, timeoutMs: 20_000, ...changes }))
  pool.setWorkers(1)
}

const invocation = (data: object): RecordedInvocation => invocationOf({ use: 'alerts', call: 'publish', ...data })

async function publish(...args: unknown[]): Promise<InvocationOutcome> {
  const [outcome] = await outcomesOf(pool, [invocation({ args })])
  return outcome as InvocationOutcome
}

const problemOf = (outcome: InvocationOutcome): string =>
  outcome.kind === 'failed' ? outcome.error.message : `it ${outcome.kind}`

describeWith(['mosquitto'], 'an MQTT binding', () => {
  let broker: MosquittoHarness
  let received: IPublishPacket[]

  async function startBroker(port?: number): Promise<void> {
    broker = await startMosquitto({ ...(port === undefined ? {} : { port }), tcpNoDelay: true })
    stops.push(() => broker.stop())
    received = []
    const reader: MqttClient = await connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 0 })
    stops.push(() => reader.endAsync(true))
    reader.on('message', (_topic, _payload, packet) => received.push(packet))
    await reader.subscribeAsync({ '#': { qos: 2, rap: true } })
  }

  async function untilReceived(count: number): Promise<void> {
    while (received.length < count) await new Promise(resolve => setTimeout(resolve, 5))
  }

  it('publishes to the topic of its definition, filled from the event', async () => {
    await startBroker()
    start(broker.url, { topic: 'alerts/{event.subject}/{event.data.args.0.level}' })
    expect(await publish({ level: 'high' })).toMatchObject({ kind: 'succeeded' })
    await untilReceived(1)
    expect(received[0]).toMatchObject({ topic: 'alerts/subject/high', qos: 1, retain: false })
    expect(received[0]?.payload.toString()).toBe('{"level":"high"}')
    expect(received[0]?.properties?.contentType).toBe('application/json')
  })

  it('publishes as the call says', async () => {
    await startBroker()
    start(broker.url)
    const properties = { contentType: 'text/csv', userProperties: { a: 'b' } }
    await publish('1;2', { topic: 'x/y', qos: 2, retain: true, properties })
    await untilReceived(1)
    expect(received[0]).toMatchObject({ topic: 'x/y', qos: 2, retain: true, properties })
    expect(received[0]?.payload.toString()).toBe('1;2')
  })

  it('speaks MQTT 3.1.1, which has no properties', async () => {
    await startBroker()
    start(broker.url, {
      broker: {
        url: broker.url,
        protocolVersion: 4,
        keepaliveSeconds: 30,
        connectTimeoutMs: 5_000,
        rejectUnauthorized: true,
      },
      topic: 't',
    })
    expect(await publish({ n: 1 })).toMatchObject({ kind: 'succeeded' })
    await untilReceived(1)
    expect(problemOf(await publish('x', { properties: { contentType: 'a/b' } }))).toMatch(/properties need MQTT 5/)
  })

  it('keeps the topics of attempts apart that run at the same time', async () => {
    await startBroker()
    start(broker.url, { topic: 'users/{event.data.user}' }, { concurrency: 50 })
    const frame = Array.from({ length: 200 }, (_, user) => invocation({ args: [String(user)], user, wait: user % 7 }))
    const outcomes = await outcomesOf(pool, frame)
    expect(outcomes.every(({ kind }) => kind === 'succeeded')).toBe(true)
    await untilReceived(200)
    for (const { topic, payload } of received) expect(topic).toBe(`users/${payload.toString()}`)
  })

  it('lets every worker be a client of its own, even with a fixed client id', async () => {
    await startBroker()
    const connection = {
      url: broker.url,
      protocolVersion: 5,
      clientId: 'fixed',
      keepaliveSeconds: 30,
      connectTimeoutMs: 5_000,
      rejectUnauthorized: true,
    } as const
    start(broker.url, { broker: connection, topic: 't' })
    pool.setWorkers(3)
    for (let round = 0; round < 10; round++) {
      const frames = [1, 2, 3].map(n => outcomesOf(pool, [invocation({ args: [String(n)], wait: 5 })]))
      for (const outcomes of await Promise.all(frames)) expect(outcomes).toMatchObject([{ kind: 'succeeded' }])
    }
    await untilReceived(30)
  })

  it('waits for a broker that is away, holds up nobody meanwhile, and comes back by itself', async () => {
    const port = await freePort()
    start(`mqtt://127.0.0.1:${port}`, { topic: 't', timeoutMs: 15_000 })
    expect(jsonOf((await outcomesOf(pool, [invocationOf({ use: 'init' })]))[0])).toMatchObject([{ names: ['alerts'] }])
    const waiting = publish('first')
    await startBroker(port)
    expect(await waiting).toMatchObject({ kind: 'succeeded' })
    await untilReceived(1)
    await broker.restart()
    expect(await publish('second')).toMatchObject({ kind: 'succeeded' })
  })

  it.each([
    [['x'], {}, 'the definition has no topic, so that publish() needs one: publish(payload, { topic })'],
    [['x', { topic: 'a/+' }], {}, 'the topic "a/+" contains a wildcard'],
    [['x', { topic: 't', qos: 3 }], {}, 'qos is 0, 1 or 2'],
    [
      ['x'],
      { topic: 'a/{event.data.level}' },
      'topic: {event.data.level} cannot be filled: the event does not have it',
    ],
    [
      ['a/b'],
      { topic: 'a/{event.data.args.0}' },
      'topic: {event.data.args.0} cannot be filled: its value has one of / + # or NUL, which one topic level cannot have',
    ],
  ])('publishes nothing for %j', async (args, definition, message) => {
    await startBroker()
    start(broker.url, definition)
    expect(problemOf(await publish(...args))).toBe(`binding alerts: ${message}`)
    expect(received).toEqual([])
  })
})

describe('an MQTT binding without a broker', () => {
  it('fails the attempt when its time is over, and says why', async () => {
    const port = await freePort()
    start(`mqtt://url-user:url-password@127.0.0.1:${port}`, { topic: 't', timeoutMs: 300 })
    const problem = problemOf(await publish('x'))
    expect(problem).toMatch(/^binding alerts: the broker was not reached within 300 ms: .*ECONNREFUSED/)
    expect(problem).not.toMatch(/url-password|password-of/)
  })

  it('is told when the worker starts if it can never work', async () => {
    start('mqtt://127.0.0.1:1', { topic: 'a/#/{event.id}' })
    expect(await publish('x')).toEqual({ kind: 'not-started' })
    expect(pool.stats().problem).toBe('binding alerts: the topic "a/#/x" contains a wildcard')
  })
})

describe('an MQTT binding of a pool that is closed', () => {
  it('says goodbye to its broker', async () => {
    const packets: number[] = []
    const goodbye = Promise.withResolvers<void>()
    const server = createServer((socket: Socket) => {
      socket.on('error', () => {})
      socket.on('data', data => {
        packets.push(data[0]! & 0xf0)
        // CONNACK of MQTT 5: no session, accepted, no properties.
        if (data[0] === 0x10) socket.write(Buffer.from([0x20, 3, 0, 0, 0]))
        if (data[0] === 0xe0) goodbye.resolve()
      })
    }).listen(0, '127.0.0.1')
    stops.push(() => server.close())
    await once(server, 'listening')
    start(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, { qos: 0, topic: 't' })
    expect(await publish('x')).toMatchObject({ kind: 'succeeded' })
    await pool.close(1_000)
    await goodbye.promise
    expect(packets).toEqual([0x10, 0x30, 0xe0])
  })
})
