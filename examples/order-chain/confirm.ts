import type { Handler } from 'sluice-gateway'
import { priceCents, type Order } from './order.ts'

/** Last link: confirms what the first one has let through. */
const confirm: Handler<Order> = ({ data, subject }) => {
  const { order, customer, items } = data
  const totalCents = items.reduce((sum, { sku, quantity }) => sum + quantity * (priceCents.get(sku) ?? 0), 0)
  return { type: 'com.example.order.confirmed', subject, data: { order, customer, totalCents } }
}

export default confirm
