import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { problemsOf } from '../../examples/order-chain/order.ts'
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

  const gates = [{ sku: 'A-100', quantity: 2 }]
  const send = async (order: string, items: unknown, customer = 'c-17') =>
    (await gateway.post('/orders', { order, customer, items })).status
  /** Ids of the orders in the order of what came of them. */
  const outcomes = (kind: string) =>
    inbox.messages.flatMap(({ topic }) => topic.match(`^orders/(.*)/${kind}$`)?.[1] ?? [])

  it('confirms what is valid, rejects what is not, and knows an order that comes twice', async () => {
    expect(await send('o-1', [...gates, { sku: 'B-010', quantity: 10 }])).toBe(202)
    expect(await send('o-2', [])).toBe(202)
    expect(await send('o-1', gates)).toBe(200)
    expect(await send('o-3', gates)).toBe(202)
    await inbox.waitFor(3)
    expect(outcomes('confirmed')).toEqual(['o-1', 'o-3'])
    expect(new Map(inbox.values().map(({ topic, value }) => [topic, value]))).toEqual(
      new Map<string, unknown>([
        ['orders/o-1/confirmed', { order: 'o-1', customer: 'c-17', totalCents: 30700 }],
        ['orders/o-2/rejected', { order: 'o-2', problems: ['there is nothing in it'] }],
        ['orders/o-3/confirmed', { order: 'o-3', customer: 'c-17', totalCents: 25800 }],
      ]),
    )
  })

  it('keeps the order of each customer along the chain, also while its last link is paused', async () => {
    const before = inbox.messages.length
    await gateway.cli('pause', 'order-confirm', '--reason', 'audit')
    const customers = Array.from({ length: 10 }, (_, index) => `c-${index}`)
    for (let number = 0; number < 10; number++) {
      await Promise.all(customers.map(customer => send(`${customer}-${number}`, number === 4 ? [] : gates, customer)))
    }
    await inbox.waitFor(before + 10)
    await gateway.until('validated', async () => (await gateway.trigger('order-validate')).lag === 0)
    expect(inbox.messages).toHaveLength(before + 10)
    expect(outcomes('rejected').slice(1).sort()).toEqual(customers.map(customer => `${customer}-4`))

    await gateway.cli('resume', 'order-confirm')
    await inbox.waitFor(before + 100)
    const confirmed = outcomes('confirmed')
    for (const customer of customers) {
      expect(confirmed.filter(order => order.startsWith(`${customer}-`))).toEqual(
        [0, 1, 2, 3, 5, 6, 7, 8, 9].map(number => `${customer}-${number}`),
      )
    }
    expect(inbox.messages).toHaveLength(before + 100)
  })

  it.each([
    [null, ['there is no customer', 'there is nothing in it']],
    [{ customer: 'c', items: [null] }, ['there is no product undefined']],
    [{ customer: 'c', items: [{ sku: 'A-100', quantity: 0.5 }] }, ['0.5 of A-100 cannot be ordered']],
    [{ customer: 'c', items: [{ sku: 'Z-1', quantity: 1 }, ...gates] }, ['there is no product "Z-1"']],
    [{ customer: 'c', items: gates }, []],
  ])('finds what is wrong with %j', (order, problems) => {
    expect(problemsOf(order)).toEqual(problems)
  })
})
