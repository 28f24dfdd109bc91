import type { SluiceEvent } from 'sluice-gateway'

interface Order {
  readonly order: string
  readonly items: readonly { readonly quantity: number }[]
}

/** Last link: confirms what the first one has let through. */
export default function confirm({ data: { order, items }, subject, time }: SluiceEvent<Order>) {
  const pieces = items.reduce((sum, { quantity }) => sum + quantity, 0)
  return { type: 'com.example.order.confirmed', subject, data: { order, pieces, confirmedAt: time } }
}
