import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { prepareGateway, type GatewayProcess } from '../e2e/gateway-process.ts'

export const functionFile = (name: string): string => join(import.meta.dirname, 'functions', `${name}.mjs`)

/** A shop: orders come by HTTP, are priced, and what is priced is shipped. Orders without content become dead letters. */
export async function prepareShop(more: Readonly<Record<string, unknown>> = {}): Promise<GatewayProcess> {
  return prepareGateway({
    config: {
      sources: {
        orders: {
          type: 'http',
          path: '/orders',
          mapping: { type: 'shop.order', partitionkey: { pointer: '/customer' } },
        },
        devices: { type: 'mqtt', topics: ['devices/+/temperature'] },
      },
      streams: { priced: { partitions: 4 } },
      functions: {
        price: {
          file: functionFile('price'),
          retry: { maxAttempts: 2, initialDelayMs: 20 },
          labels: { team: 'billing' },
        },
        ship: { file: functionFile('ship') },
      },
      sinks: { priced: { type: 'stream', stream: 'priced' } },
      triggers: {
        'price-orders': { stream: 'orders', function: 'price', sinks: ['priced'] },
        'ship-orders': { stream: 'priced', function: 'ship' },
        'watch-devices': { stream: 'devices', function: 'ship' },
      },
      ...more,
    },
  })
}

/** Orders from one number to another, every hundredth one without content. */
export async function sendOrders(gateway: GatewayProcess, from: number, to: number): Promise<void> {
  for (let id = from; id < to; id += 20) {
    const batch = Array.from({ length: Math.min(20, to - id) }, (_, index) => order(id + index))
    const answers = await Promise.all(batch.map(body => gateway.post('/orders', body)))
    for (const { status, body } of answers) if (status !== 202) throw new Error(`${status}: ${body}`)
  }
}

const order = (id: number) => ({
  id,
  customer: `customer-${id % 37}`,
  sku: `A-${id % 9}`,
  quantity: id % 100 === 99 ? 0 : 1 + (id % 5),
})

/** Sends orders all the time until it is aborted. */
export async function keepOrdering(gateway: GatewayProcess, signal: AbortSignal, pauseMs = 40): Promise<void> {
  for (let id = 100_000; !signal.aborted; id += 20) {
    await sendOrders(gateway, id, id + 20)
    await delay(pauseMs)
  }
}
