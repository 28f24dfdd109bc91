/** In real life these come from a database: connect in `init()`, which runs once per worker, not once per event. */
let customers
let products

export function init() {
  customers = new Map([
    ['c-17', { name: 'Ada Lovelace', country: 'GB', discountPercent: 10 }],
    ['c-18', { name: 'Grace Hopper', country: 'US', discountPercent: 0 }],
    ['c-19', { name: 'Emmy Noether', country: 'DE', discountPercent: 5 }],
  ])
  products = new Map([
    ['A-100', { name: 'Sluice gate, small', priceCents: 12900 }],
    ['A-200', { name: 'Sluice gate, large', priceCents: 45900 }],
    ['B-010', { name: 'Gasket', priceCents: 490 }],
  ])
}

/** Adds customer, prices and totals to an order: Kafka topic `orders` to `orders-enriched`, same key. */
export default function enrich(event) {
  const { order, customer: customerId, items } = event.data
  const customer = find(customers, customerId, `customer of order ${order}`)
  const lines = items.map(({ sku, quantity }) => {
    const { name, priceCents } = find(products, sku, `product in order ${order}`)
    return { sku, name, quantity, priceCents, totalCents: priceCents * quantity }
  })
  const subtotalCents = lines.reduce((sum, line) => sum + line.totalCents, 0)
  // Whole cents, rounded once: sums of rounded lines drift.
  const discountCents = Math.round((subtotalCents * customer.discountPercent) / 100)
  return {
    type: 'com.example.order.enriched',
    subject: order,
    data: {
      order,
      customer: { id: customerId, ...customer },
      lines,
      subtotalCents,
      discountCents,
      totalCents: subtotalCents - discountCents,
    },
  }
}

function find(table, id, what) {
  const row = table.get(id)
  if (row === undefined) throw new Error(`unknown ${what}: ${id}`)
  return row
}
