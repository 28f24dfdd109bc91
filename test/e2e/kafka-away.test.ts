import { afterEach, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startKafka, type KafkaHarness } from '../support/kafka/kafka-broker.ts'
import { describeWith } from '../support/real-parts.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { connectKafka, produceMessages, readTopic } from './kafka-topics.ts'
import type { Ledger } from './ledger.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess
let ledger: Ledger
let broker: KafkaHarness | undefined

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
  await broker?.stop()
})

const event = (key: string, seq: number) => ({ id: `${key}-${seq}`, key, seq })

describeWith(['kafka'], 'a gateway whose Kafka is away', () => {
  it('runs its other sources, says what it misses, recovers when the broker appears, and again after it died', async () => {
    const port = await freePort()
    const brokers = `127.0.0.1:${port}`
    ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
      kafka: { brokers, sessionTimeoutMs: 6_000 },
      sources: { orders: { type: 'kafka', topic: 'orders' } },
      sinks: { relayed: { type: 'kafka', topic: 'relayed', createTopic: { partitions: 1 } } },
      functions: { record: ledgerFunction('record.mjs', file), relay: ledgerFunction('relay.mjs', file) },
      triggers: {
        hooked: { stream: 'hooks', function: 'record' },
        ordered: { stream: 'orders', function: 'relay', sinks: ['relayed'] },
      },
    })))
    await gateway.start()
    expect((await gateway.post('/hooks', event('hook', 0))).status).toBe(202)
    await ledger.waitFor(1)
    const missing = await gateway.until('not ready', async () => {
      const { status, parts } = await gateway.readiness()
      return status === 503 && parts.filter(({ ready }) => !ready)
    })
    expect(missing.map(({ name }) => name)).toContain('source:orders')
    expect(missing.map(({ detail }) => detail).join()).toContain(brokers)
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)

    broker = await startKafka({ ports: [port] })
    const kafka = connectKafka(brokers)
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic: 'orders', numPartitions: 1 }] })
    await admin.disconnect()
    await gateway.ready()
    const order = (seq: number) => ({ key: 'order', value: JSON.stringify(event('order', seq)) })
    await produceMessages(kafka, 'orders', [order(0), order(1)])
    await ledger.waitFor(3)

    await broker.kill(0)
    await gateway.until('not ready again', async () => (await gateway.readiness()).status === 503)
    expect((await gateway.post('/hooks', event('hook', 1))).status).toBe(202)
    await ledger.waitFor(4)
    await broker.restart(0)
    await gateway.ready()
    await produceMessages(kafka, 'orders', [order(2)])
    const ids = new Set<string>()
    await readTopic(kafka, 'relayed', ({ value }) => ids.add((JSON.parse(value) as { id: string }).id).size === 3)
    await gateway.stop()
  }, 180_000)
})
