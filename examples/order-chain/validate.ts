import type { Context, SluiceEvent } from 'sluice-gateway'

interface Order {
  readonly order: string
  readonly customer: string
  readonly items: readonly { readonly sku: string; readonly quantity: number }[]
}

/** First link: an order that can be carried out goes on, one that cannot goes to whoever asks the customer. */
export default function validate({ data: order, subject }: SluiceEvent<Order>, context: Context): void {
  const problems = problemsOf(order)
  if (problems.length === 0)
    context.emit({ type: 'com.example.order.valid', subject, data: order }, { sink: 'valid-orders' })
  else
    context.emit(
      { type: 'com.example.order.rejected', subject, data: { order: order.order, problems } },
      { sink: 'rejects' },
    )
}

function problemsOf({ customer, items }: Order): string[] {
  const problems: string[] = []
  if (typeof customer !== 'string' || customer === '') problems.push('there is no customer')
  if (!Array.isArray(items) || items.length === 0) return [...problems, 'there is nothing in it']
  for (const { sku, quantity } of items) {
    if (!/^[A-Z]-\d{3}$/.test(sku)) problems.push(`there is no product ${sku}`)
    if (!Number.isInteger(quantity) || quantity < 1) problems.push(`${quantity} of ${sku} cannot be ordered`)
  }
  return problems
}
