import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestJson } from '../e2e/request-json.ts'
import { exampleFile, startExample, type ExampleGateway } from './example-gateway.ts'

interface Page {
  readonly items: readonly { readonly sku: string }[]
  readonly total: number
  readonly next: number | null
}

describe('the REST back end example', () => {
  let gateway: ExampleGateway
  let copy = ''
  const call = <View>(method: string, path: string, body?: unknown) =>
    requestJson<View>(gateway.url, method, path, body)

  beforeAll(async () => {
    gateway = await startExample('rest-backend')
    copy = await mkdtemp(join(tmpdir(), 'sluice-example-copy-'))
  })
  afterAll(async () => {
    await gateway.stop()
    await gateway.dispose()
    await rm(copy, { recursive: true })
  })

  it('lists, filters and pages', async () => {
    const skus: string[] = []
    for (let offset: number | null = 0; offset !== null;) {
      const page: { body: Page } = await call<Page>('GET', `/api/products?limit=5&offset=${offset}`)
      expect(page.body.total).toBe(13)
      skus.push(...page.body.items.map(({ sku }) => sku))
      offset = page.body.next
    }
    expect(new Set(skus).size).toBe(13)
    const found = await call<Page>('GET', '/api/products?category=gauges&q=board%202')
    expect(found.body).toMatchObject({ items: [{ sku: 'C-001' }], total: 1, next: null })
  })

  it('shows one product, and what some of it cost', async () => {
    const product = await call('GET', '/api/products/A-100')
    expect(product.body).toMatchObject({ sku: 'A-100', priceCents: 12900 })
    expect(product.headers.get('cache-control')).toBe('max-age=60')
    const quoted = await call('POST', '/api/products/A-100/quotes', { quantity: 12 })
    expect(quoted).toMatchObject({ status: 200, body: { discountPercent: 5, totalCents: 147060, deliverable: true } })
  })

  it.each([
    ['GET', '/api/products/Z-1', undefined, 404, 'there is no product Z-1'],
    ['GET', '/api/orders', undefined, 404, 'there is nothing at /api/orders'],
    ['GET', '/api/products/A%2F1', undefined, 404, 'there is no product A/1'],
    ['GET', '/api/products?limit=0', undefined, 400, 'limit must be a whole number from 1 to 50'],
    ['GET', '/api/products?colour=red', undefined, 400, "there is no parameter 'colour'"],
    ['POST', '/api/products/A-100/quotes', { quantity: '3' }, 400, 'quantity must be a whole number from 1 on'],
    ['POST', '/api/products/A-100/quotes', undefined, 400, 'the body must be a JSON object'],
    ['POST', '/api/products', {}, 405, 'POST is not possible here'],
    ['GET', '/api/products/A-100/quotes', undefined, 405, 'GET is not possible here'],
  ])('answers %s %s %j with %i', async (method, path, body, status, detail) => {
    const answer = await call(method, path, body)
    expect(answer).toMatchObject({ status, body: { status, detail } })
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    if (status === 405) expect(answer.headers.get('allow')).toBe(method === 'POST' ? 'GET' : 'POST')
  })

  it('leaves methods that the source does not name to the gateway', async () => {
    const answer = await call('DELETE', '/api/products/A-100')
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, POST'])
  })

  it('answers as before while a new version is deployed, and with the new one when the alias points to it', async () => {
    await cp(exampleFile('rest-backend', ''), copy, { recursive: true })
    const catalogue = await readFile(join(copy, 'catalogue.json'), 'utf8')
    await writeFile(join(copy, 'catalogue.json'), catalogue.replace('"priceCents": 12900', '"priceCents": 13500'))
    const manifest = join(copy, 'sluice.yaml')
    await gateway.cli('deploy', '--manifest', manifest, '--publish')

    const prices: number[] = []
    const statuses = new Set<number>()
    const ask = async () => {
      const { status, body } = await call<{ priceCents: number }>('GET', '/api/products/A-100')
      statuses.add(status)
      prices.push(body.priceCents)
      return body.priceCents
    }
    expect(await ask()).toBe(12900)
    const moved = gateway.cli('alias', 'catalogue', 'live', '2')
    await gateway.until('the new price', async () => (await ask()) === 13500)
    await moved
    expect([await ask(), ...statuses]).toEqual([13500, 200])
    expect(prices).toEqual(prices.toSorted((a, b) => a - b))

    await gateway.cli('alias', 'catalogue', 'live', '1')
    await gateway.until('the old price', async () => (await ask()) === 12900)
  })

  it('does not take a catalogue that is broken: what serves goes on serving', async () => {
    await cp(exampleFile('rest-backend', ''), copy, { recursive: true, force: true })
    await writeFile(join(copy, 'catalogue.json'), '[{ "sku": ')
    const { exit, stderr } = await gateway.run('deploy', '--manifest', join(copy, 'sluice.yaml'))
    expect([exit.code, stderr]).toEqual([1, expect.stringContaining('JSON')])
    expect((await call('GET', '/api/products/A-100')).status).toBe(200)
  })
})
