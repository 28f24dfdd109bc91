import { execFileSync } from 'node:child_process'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config/load-config.ts'
import { readCapture } from '../src/index.ts'

type Handler = (event: unknown, context: unknown) => unknown
const load = async (file: string) =>
  (await import(/* @vite-ignore */ new URL(`../examples/${file}`, import.meta.url).href)) as {
    default: Handler
    init?: () => void
  }
const lines: unknown[] = []
const logger = { info: (...line: unknown[]) => lines.push(line), warn: (...line: unknown[]) => lines.push(line) }

describe('the examples', () => {
  it('sign webhooks as the reference implementation verifies them, with the secret of the configuration', () => {
    const body = '{"type":"order.paid"}'
    const args = execFileSync(process.execPath, ['examples/webhook-receiver/sign.js', body], {
      encoding: 'utf8',
      env: {},
    })
    const headers = Object.fromEntries([...args.matchAll(/-H ([\w-]+):(\S+)/g)].map(([, name, value]) => [name, value]))
    const source = loadConfig('config/standalone.yaml', { environment: {} }).sources.get('shop-webhooks')
    const verify = source?.type === 'http' ? source.verify : undefined
    expect(new Webhook(verify?.secrets[0] ?? '').verify(body, headers as Record<string, string>)).toEqual({
      type: 'order.paid',
    })
  })

  it('book webhooks, skip unknown types, and fail on bad amounts', async () => {
    const { default: receive } = await load('webhook-receiver/receive.js')
    const event = (type: string, amountCents: unknown) => ({
      type,
      data: { data: { order: 'o', customer: 'c', amountCents } },
    })
    expect(receive(event('order.refunded', 5), { logger })).toMatchObject({ subject: 'o', data: { amountCents: -5 } })
    expect(receive(event('order.new', 5), { logger })).toBeUndefined()
    expect(() => receive(event('order.paid', 'x'), { logger })).toThrow('no whole number')
  })

  it('raise an alert above the limit only', async () => {
    const { default: alert } = await load('device-telemetry/alert.js')
    const at = (temperature: unknown) =>
      alert({ subject: 'd', time: 't', data: { temperature } }, { logger, env: { TEMPERATURE_LIMIT: '50' } })
    expect(at(50)).toBeUndefined()
    expect(at(51)).toMatchObject({ subject: 'd', data: { severity: 'warning', limit: 50 } })
    expect(at(71)).toMatchObject({ data: { severity: 'critical' } })
    expect(() => at('hot')).toThrow('no temperature')
  })

  it('enrich the captured orders as they did when they were captured', async () => {
    const { default: enrich, init } = await load('order-enricher/enrich.js')
    init?.()
    const { events } = readCapture('examples/order-enricher/orders.capture.jsonl')
    expect(events.map(({ id }) => id)).toEqual(['o-1', 'o-2', 'o-3'])
    for (const captured of events) {
      const [event, context] = captured.invocation()
      const [recorded] = captured.recorded
      if (recorded?.outcome === 'succeeded')
        expect(enrich(event, context)).toMatchObject({ data: recorded.results[0]?.value })
      else expect(() => enrich(event, context)).toThrow('unknown customer of order o-3')
    }
  })

  it('enrich orders with names and totals', async () => {
    const { default: enrich, init } = await load('order-enricher/enrich.js')
    init?.()
    const order = { order: 'o', customer: 'c-17', items: [{ sku: 'A-100', quantity: 2 }] }
    expect(enrich({ data: order }, {})).toMatchObject({
      data: { subtotalCents: 25_800, discountCents: 2_580, totalCents: 23_220, customer: { name: 'Ada Lovelace' } },
    })
    expect(() => enrich({ data: { ...order, customer: 'x' } }, {})).toThrow('unknown customer of order o: x')
  })

  it('answer with prices', async () => {
    const { default: price } = await load('price/price.js')
    expect(price({ data: { sku: 'B-010', quantity: 2 } }, {})).toMatchObject({ status: 200, body: { totalCents: 980 } })
    expect(price({ data: undefined }, {})).toMatchObject({ status: 404 })
    expect(price({ data: { sku: 'B-010', quantity: 0 } }, {})).toMatchObject({ status: 400 })
  })
})
