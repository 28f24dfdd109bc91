import type { Handler, SluiceEvent } from 'sluice-gateway'
import { find, list, quote } from './catalogue.ts'
import { badRequest, notAllowed, notFound, ok, type Reply } from './reply.ts'

/**
 *   GET  /api/products?category=&q=&limit=&offset=   a page of the catalogue
 *   GET  /api/products/{sku}                         one product
 *   POST /api/products/{sku}/quotes {quantity}       what so many of it cost
 */
const backend: Handler<unknown, Reply> = (event, context) => {
  const { method, path, query } = context.http ?? { method: 'GET', path: '/api/products', query: '' }
  const parts = partsOf(path)
  if (parts[0] !== 'products' || parts.length > 3) return notFound(`there is nothing at ${path}`)
  const [, sku, action] = parts
  if (sku === undefined) return method === 'GET' ? list(new URLSearchParams(query)) : notAllowed(method, 'GET')

  const product = find(sku)
  if (product === undefined) return notFound(`there is no product ${sku}`)
  if (action === undefined) {
    if (method !== 'GET') return notAllowed(method, 'GET')
    return ok(product, { 'cache-control': 'max-age=60' })
  }
  if (action !== 'quotes') return notFound(`there is nothing at ${path}`)
  if (method !== 'POST') return notAllowed(method, 'POST')
  const order = objectIn(event)
  return order === undefined ? badRequest('the body must be a JSON object') : quote(product, order['quantity'])
}

/** What stands below /api, decoded; paths that cannot be decoded do not get past the gateway. */
const partsOf = (path: string): readonly string[] => path.split('/').slice(2).map(decodeURIComponent)

function objectIn(event: SluiceEvent): Readonly<Record<string, unknown>> | undefined {
  try {
    const { data } = event
    return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : undefined
  } catch {
    // It claims to be JSON and is none.
    return undefined
  }
}

export default backend
