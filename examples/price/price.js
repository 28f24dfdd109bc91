const priceCents = new Map([
  ['A-100', 12900],
  ['A-200', 45900],
  ['B-010', 490],
])

/** Answers a request synchronously: `POST /price` with `{ sku, quantity }`. Nothing is kept, nothing is retried. */
export default function price(event) {
  const { sku, quantity = 1 } = event.data ?? {}
  const each = priceCents.get(sku)
  if (each === undefined) return { status: 404, headers: {}, body: { error: `there is no product ${sku}` } }
  if (!Number.isInteger(quantity) || quantity < 1)
    return { status: 400, headers: {}, body: { error: 'quantity must be 1 or more' } }
  return { status: 200, headers: { 'cache-control': 'no-store' }, body: { sku, quantity, totalCents: each * quantity } }
}
