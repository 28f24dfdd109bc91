import { readFileSync } from 'node:fs'
import type { Handler, Init } from 'sluice-gateway'

interface Product {
  readonly sku: string
  readonly name: string
  readonly category: string
  readonly priceCents: number
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: unknown
}

const pageSize = 20

let products: ReadonlyMap<string, Product>

/** The catalogue lies beside the bundle: a new one is a new version. */
export const init: Init = () => {
  const list = JSON.parse(readFileSync(new URL('products.json', import.meta.url), 'utf8')) as Product[]
  products = new Map(list.map(product => [product.sku, product]))
}

/**
 * A small REST back end:
 *
 *   GET  /catalogue?category=&page=     a page of products
 *   GET  /catalogue/{sku}               one product
 *   POST /catalogue/quote               { items: [{ sku, quantity }] } → the total
 */
const catalogue: Handler<{ items?: unknown } | undefined, Answer> = (event, { http }) => {
  const [, , what, ...rest] = (http?.path ?? '').split('/')
  if (rest.length > 0) return answer(404, { error: 'there is nothing here' })
  if (http?.method === 'POST')
    return what === 'quote' ? quote(event.data?.items) : answer(405, { error: 'only /catalogue/quote takes POST' })
  if (what === undefined || what === '') return list(new URLSearchParams(http?.query))
  const product = products.get(decodeURIComponent(what))
  return product === undefined ? answer(404, { error: `there is no product ${what}` }) : answer(200, product)
}
export default catalogue

function list(query: URLSearchParams): Answer {
  const category = query.get('category')
  const page = Number(query.get('page') ?? 1)
  if (!Number.isInteger(page) || page < 1) return answer(400, { error: 'page must be 1 or more' })
  const found = [...products.values()].filter(product => category === null || product.category === category)
  const items = found.slice((page - 1) * pageSize, page * pageSize)
  return answer(200, { items, total: found.length, page })
}

function quote(items: unknown): Answer {
  if (!Array.isArray(items) || items.length === 0) return answer(400, { error: 'items must be a list' })
  let totalCents = 0
  for (const { sku, quantity } of items as { sku: string; quantity: number }[]) {
    const product = products.get(sku)
    if (product === undefined) return answer(422, { error: `there is no product ${sku}` })
    if (!Number.isInteger(quantity) || quantity < 1)
      return answer(422, { error: `quantity of ${sku} must be 1 or more` })
    totalCents += product.priceCents * quantity
  }
  return answer(200, { totalCents })
}

const answer = (status: number, body: unknown): Answer => ({ status, headers: { 'cache-control': 'no-store' }, body })
