import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dayBefore } from '../../examples/nightly-batch/report.ts'
import { startNodeScript, type NodeProcess } from '../support/child-process.ts'
import { exampleFile, startExample, type ExampleGateway } from './example-gateway.ts'
import { MqttInbox } from './mqtt-inbox.ts'

interface Order {
  readonly country: string
  readonly state: string
  readonly items: readonly { readonly sku: string; readonly quantity: number; readonly priceCents: number }[]
}

interface Report {
  readonly day: string
  readonly orders: number
  readonly cancelled: number
  readonly cents: number
  readonly centsByCountry: Readonly<Record<string, number>>
}

const token = 'token-of-the-test'

describe('the nightly batch example', () => {
  let shop: NodeProcess
  let shopUrl = ''
  let gateway: ExampleGateway
  let reports: MqttInbox

  beforeAll(async () => {
    shop = startNodeScript({ script: exampleFile('nightly-batch', 'shop.js'), args: ['0'], env: { SHOP_TOKEN: token } })
    ;[, shopUrl = ''] = await shop.waitForLine(/the shop is open: (\S+)/)
    // Every second is a night.
    const env = { SHOP_URL: shopUrl, SHOP_TOKEN: token, CRON: '* * * * * *' }
    gateway = await startExample('nightly-batch', env)
    reports = await MqttInbox.open(gateway.mqttUrl, 'reports/#')
  })
  afterAll(async () => {
    await reports.close()
    await gateway.stop()
    await gateway.dispose()
    await shop.stop()
  })

  const ordersOf = async (day: string): Promise<readonly Order[]> => {
    const orders: Order[] = []
    for (let page: number | null = 1; page !== null;) {
      const headers = { authorization: `Bearer ${token}` }
      const answer = await fetch(`${shopUrl}/orders?day=${day}&page=${page}`, { headers })
      const body = (await answer.json()) as { orders: readonly Order[]; next: number | null }
      orders.push(...body.orders)
      page = body.next
    }
    return orders
  }

  it('reports on all orders of the day before, and again after a second, as if it were the next night', async () => {
    const [first] = await reports.waitFor(2)
    const values = reports.values().map(({ value }) => value as Report)
    const day = dayBefore(new Date(), 'Europe/Berlin')
    // Midnight may have passed since.
    expect([day, dayBefore(new Date(Date.now() - 60_000), 'Europe/Berlin')]).toContain(values[0]?.day)
    expect(first?.topic).toBe(`reports/${values[0]?.day}`)

    const orders = await ordersOf(values[0]?.day ?? '')
    const paid = orders.filter(({ state }) => state === 'paid')
    const cents = (some: readonly Order[]) =>
      some.flatMap(({ items }) => items).reduce((sum, { quantity, priceCents }) => sum + quantity * priceCents, 0)
    expect(orders.length).toBeGreaterThan(100)
    expect(values[0]).toMatchObject({
      orders: orders.length,
      cancelled: orders.length - paid.length,
      cents: cents(paid),
      centsByCountry: Object.fromEntries(
        ['DE', 'FR', 'NL', 'PL'].map(country => [country, cents(paid.filter(order => order.country === country))]),
      ),
    })
  })

  it('has asked the shop for page after page', async () => {
    const { day } = reports.values()[0]?.value as Report
    const pages = shop.stdout.filter(line => line.includes(`day=${day}`)).map(line => /page=(\d+)/.exec(line)?.[1])
    expect(new Set(pages).size).toBe(Math.ceil((await ordersOf(day)).length / 50))
    expect(new Set(pages).size).toBeGreaterThan(2)
  })

  it.each([
    ['2026-03-01T01:30:00Z', '2026-02-28'],
    // In Berlin it is the second already.
    ['2026-03-01T23:30:00Z', '2026-03-01'],
    // The night on which the clocks go forward.
    ['2026-03-29T01:30:00Z', '2026-03-28'],
  ])('means by the day before %s the %s', (time, day) => {
    expect(dayBefore(new Date(time), 'Europe/Berlin')).toBe(day)
  })
})
