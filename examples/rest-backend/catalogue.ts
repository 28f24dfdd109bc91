import { readFileSync } from 'node:fs'
import { badRequest, ok, type Reply } from './reply.ts'

export interface Product {
  readonly sku: string
  readonly name: string
  readonly category: string
  readonly priceCents: number
  readonly stock: number
}

/** Read when the module is loaded: a file that is broken, or not there, is refused at deploy. */
const products = JSON.parse(readFileSync(new URL('./catalogue.json', import.meta.url), 'utf8')) as readonly Product[]
const bySku = new Map(products.map(product => [product.sku, product]))

const defaultLimit = 5
const maxLimit = 50

export const find = (sku: string): Product | undefined => bySku.get(sku)

/** A page of the products: `?category=gates&q=oak&limit=5&offset=0`. */
export function list(query: URLSearchParams): Reply {
  for (const name of query.keys()) {
    if (!['category', 'q', 'limit', 'offset'].includes(name)) return badRequest(`there is no parameter '${name}'`)
  }
  const limit = wholeNumber(query.get('limit') ?? String(defaultLimit), 1, maxLimit)
  if (limit === undefined) return badRequest(`limit must be a whole number from 1 to ${maxLimit}`)
  const offset = wholeNumber(query.get('offset') ?? '0', 0, Number.MAX_SAFE_INTEGER)
  if (offset === undefined) return badRequest('offset must be a whole number from 0 on')

  const category = query.get('category')
  const words = (query.get('q') ?? '').toLowerCase().split(/\s+/)
  const found = products.filter(
    product =>
      (category === null || product.category === category) &&
      words.every(word => product.name.toLowerCase().includes(word)),
  )
  const next = offset + limit < found.length ? offset + limit : null
  return ok({ items: found.slice(offset, offset + limit), total: found.length, next })
}

/** The price of some of a product: 5 % less from 10 on, 12 % from 100 on. */
export function quote(product: Product, quantity: unknown): Reply {
  if (typeof quantity !== 'number' || !Number.isInteger(quantity) || quantity < 1) {
    return badRequest('quantity must be a whole number from 1 on')
  }
  const discountPercent = quantity >= 100 ? 12 : quantity >= 10 ? 5 : 0
  const subtotalCents = product.priceCents * quantity
  const discountCents = Math.round((subtotalCents * discountPercent) / 100)
  return ok({
    sku: product.sku,
    quantity,
    eachCents: product.priceCents,
    discountPercent,
    totalCents: subtotalCents - discountCents,
    deliverable: quantity <= product.stock,
  })
}

function wholeNumber(text: string, min: number, max: number): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  return value >= min && value <= max ? value : undefined
}
