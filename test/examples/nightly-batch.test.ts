import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startExample, type ExampleGateway } from './example-gateway.ts'
import { HttpService } from './http-service.ts'
import { MqttInbox } from './mqtt-inbox.ts'

describe('the nightly batch example', () => {
  let shop: HttpService
  let gateway: ExampleGateway
  let inbox: MqttInbox
  beforeAll(async () => {
    const pages = [
      { orders: [{ customer: 'ada', totalCents: 500 }, { customer: 'bob', totalCents: 900 }], next: 'orders?page=2' },
      { orders: [{ customer: 'ada', totalCents: 700 }], next: null },
    ] // prettier-ignore
    shop = await HttpService.open(({ path }) => ({ status: 200, body: pages[path.endsWith('page=2') ? 1 : 0] }))
    // Every second is a night.
    gateway = await startExample('nightly-batch', { SHOP_URL: `${shop.url}/`, CRON: '* * * * * *' })
    inbox = await MqttInbox.open(gateway.mqttUrl, 'reports/#')
  })
  afterAll(async () => {
    await inbox.close()
    await gateway.stop()
    await gateway.dispose()
    await shop.close()
  })

  it('reports what each customer bought the day before, from all pages', async () => {
    await inbox.waitFor(1)
    const [{ topic, value } = { topic: '', value: {} }] = inbox.values()
    const day = topic.slice('reports/'.length)
    expect(value).toEqual({
      day,
      orders: 3,
      customers: [
        { customer: 'ada', cents: 1_200 },
        { customer: 'bob', cents: 900 },
      ],
    })
    expect(shop.requests[0]).toMatchObject({ path: `/orders?day=${day}` })
    expect(shop.requests[0]?.headers.authorization).toBe('Bearer a-token-for-trying-things-out')
  })
})
