import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestJson } from '../e2e/request-json.ts'
import { startExample, type ExampleGateway } from './example-gateway.ts'

describe('the REST back end example', () => {
  let gateway: ExampleGateway
  beforeAll(async () => void (gateway = await startExample('rest-backend')))
  afterAll(async () => {
    await gateway.stop()
    await gateway.dispose()
  })

  const call = async (method: string, path: string, body?: unknown) => {
    const { status, body: answer } = await requestJson<Record<string, unknown>>(gateway.url, method, path, body)
    return { status, body: answer }
  }

  it('lists products by page and category, and shows one', async () => {
    const { body } = await call('GET', '/catalogue')
    expect(body).toMatchObject({ total: 40, page: 1 })
    expect(body['items']).toHaveLength(20)
    expect(await call('GET', '/catalogue?category=light&page=1')).toMatchObject({ status: 200, body: { total: 8 } })
    expect(await call('GET', '/catalogue/R-100')).toMatchObject({ status: 200, body: { name: 'Halyard, small' } })
  })

  it('quotes', async () => {
    const items = [{ sku: 'R-100', quantity: 2 }]
    expect(await call('POST', '/catalogue/quote', { items })).toEqual({ status: 200, body: { totalCents: 2_380 } })
  })

  it.each([
    ['GET', '/catalogue/X-1', undefined, 404],
    ['GET', '/catalogue/R-100/parts', undefined, 404],
    ['GET', '/catalogue?page=0', undefined, 400],
    ['POST', '/catalogue/R-100', {}, 405],
    ['DELETE', '/catalogue/R-100', undefined, 405],
    ['POST', '/catalogue/quote', { items: [{ sku: 'R-100', quantity: 0 }] }, 422],
  ])('answers %s %s with what is wrong', async (method, path, body, status) => {
    expect((await call(method, path, body)).status).toBe(status)
  })
})
