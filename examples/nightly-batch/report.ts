import type { Handler, HttpBinding } from 'sluice-gateway'

interface Order {
  readonly customer: string
  readonly totalCents: number
}

interface Page {
  readonly orders: readonly Order[]
  /** Path of the next page; null on the last one. */
  readonly next: string | null
}

/** Once a night: fetches the orders of the day before from the shop, page by page, and reports what each customer bought. */
const report: Handler<unknown, unknown, { shop: HttpBinding }> = async (event, context) => {
  const day = dayBefore(event.time ?? '')
  const byCustomer = new Map<string, number>()
  let orders = 0
  for (let path: string | null = `orders?day=${day}`; path !== null;) {
    const answer = await context.bindings.shop.get(path)
    // The tick stays where it is and is tried again: no report is better than half of one.
    if (!answer.ok) throw new Error(`the shop answered ${answer.status}`)
    const page: Page = answer.json<Page>()
    for (const { customer, totalCents } of page.orders) {
      byCustomer.set(customer, (byCustomer.get(customer) ?? 0) + totalCents)
      orders++
    }
    path = page.next
  }
  context.logger.info(`report of ${day}`, { orders })
  const customers = [...byCustomer].sort(([, a], [, b]) => b - a).map(([customer, cents]) => ({ customer, cents }))
  return { type: 'com.example.report', subject: day, data: { day, orders, customers } }
}
export default report

function dayBefore(time: string): string {
  return new Date(Date.parse(time) - 86_400_000).toISOString().slice(0, 10)
}
