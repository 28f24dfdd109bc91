import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startExample, type ExampleGateway } from './example-gateway.ts'
import { MqttInbox } from './mqtt-inbox.ts'

describe('the order chain example', () => {
  let gateway: ExampleGateway
  let inbox: MqttInbox
  beforeAll(async () => {
    gateway = await startExample('order-chain')
    inbox = await MqttInbox.open(gateway.mqttUrl, 'orders/#')
  })
  afterAll(async () => {
    await inbox.close()
    await gateway.stop()
    await gateway.dispose()
  })

  const order = (id: string, items: unknown) => gateway.post('/orders', { order: id, customer: 'c-17', items })

  it('confirms what is valid, rejects what is not, and knows an order that comes twice', async () => {
    expect((await order('o-1', [{ sku: 'A-100', quantity: 2 }, { sku: 'B-200', quantity: 1 }])).status).toBe(202) // prettier-ignore
    expect((await order('o-2', [])).status).toBe(202)
    expect((await order('o-1', [{ sku: 'A-100', quantity: 2 }])).status).toBe(200)
    expect((await order('o-3', [{ sku: 'A-100', quantity: 1 }])).status).toBe(202)
    await inbox.waitFor(3)
    const seen = new Map(inbox.values().map(({ topic, value }) => [topic, value]))
    expect(seen.get('orders/o-1/confirmed')).toMatchObject({ order: 'o-1', pieces: 3 })
    expect(seen.get('orders/o-2/rejected')).toEqual({ order: 'o-2', problems: ['there is nothing in it'] })
    expect(seen.get('orders/o-3/confirmed')).toMatchObject({ order: 'o-3', pieces: 1 })
  })
})
