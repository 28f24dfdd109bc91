// Stands in for a shop: GET /orders?day=2026-03-01&page=1 answers with orders of any day, 50 a page. node shop.js [port]
import { createServer } from 'http'

const port = Number(process.argv[2] || 9090)
const token = process.env.SHOP_TOKEN || 'a-token-for-trying-things-out'
const ordersPerPage = 50

const countries = ['DE', 'FR', 'NL', 'PL']
const products = [
  ['A-100', 12900],
  ['A-200', 45900],
  ['B-010', 490],
  ['B-020', 2450],
]

/** The same orders each time that the day is asked for: Lehmer's generator, begun with the day. */
function ordersOf(day) {
  let state = Number(day.replace(/-/g, ''))
  const random = below => (state = (state * 48271) % 2147483647) % below
  return Array.from({ length: 120 + random(60) }, (_, index) => {
    const items = Array.from({ length: 1 + random(3) }, () => {
      const [sku, priceCents] = products[random(products.length)]
      return { sku, priceCents, quantity: 1 + random(4) }
    })
    const isCancelled = random(20) === 0
    return {
      order: `${day}-${index + 1}`,
      country: countries[random(countries.length)],
      state: isCancelled ? 'cancelled' : 'paid',
      items,
    }
  })
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://shop')
  console.log(`${request.method} ${request.url}`)
  const answer = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  const day = url.searchParams.get('day') || ''
  const page = Number(url.searchParams.get('page') || 1)
  if (request.headers.authorization !== `Bearer ${token}`) return answer(401, { error: 'who are you?' })
  if (url.pathname !== '/orders' || !/^\d{4}-\d\d-\d\d$/.test(day))
    return answer(404, { error: 'ask for /orders?day=' })
  const orders = ordersOf(day)
  const end = page * ordersPerPage
  answer(200, { orders: orders.slice(end - ordersPerPage, end), next: end < orders.length ? page + 1 : null })
})
server.listen(port, '127.0.0.1', () => console.log(`the shop is open: http://127.0.0.1:${server.address().port}`))
