import type { Context, Handler, HttpBinding } from 'sluice-gateway'

interface Bindings {
  readonly shop: HttpBinding
}

interface Order {
  readonly country: string
  readonly state: string
  readonly items: readonly { readonly sku: string; readonly quantity: number; readonly priceCents: number }[]
}

interface Page {
  readonly orders: readonly Order[]
  /** null on the last one. */
  readonly next: number | null
}

/** Once a night: fetches the orders of the day before from the shop, page by page, and makes a report of them. */
const report: Handler<unknown, unknown, Bindings> = async (event, context) => {
  // The day belongs to the tick, not to the clock: a night that is made up for in the afternoon has the same report.
  const day = dayBefore(new Date(event.time ?? ''), context.env['TIME_ZONE'] ?? 'UTC')
  const totals = { orders: 0, cancelled: 0, cents: 0 }
  const byCountry = new Map<string, number>()
  const pieces = new Map<string, number>()
  for await (const { country, state, items } of ordersOf(day, context)) {
    totals.orders++
    if (state === 'cancelled') {
      totals.cancelled++
      continue
    }
    for (const { sku, quantity, priceCents } of items) {
      totals.cents += quantity * priceCents
      add(byCountry, country, quantity * priceCents)
      add(pieces, sku, quantity)
    }
  }
  context.logger.info(`report of ${day}`, totals)
  return {
    type: 'com.example.report',
    subject: day,
    data: { day, ...totals, centsByCountry: sorted(byCountry), piecesBySku: sorted(pieces) },
  }
}

async function* ordersOf(day: string, { bindings }: Context<Bindings>): AsyncGenerator<Order> {
  for (let page: number | null = 1; page !== null;) {
    const answer = await bindings.shop.request({ path: 'orders', query: { day, page } })
    // The whole report is made again later: half of one would look like a bad day.
    if (!answer.ok) throw new Error(`the shop answered ${answer.status} for page ${page} of ${day}`)
    const { orders, next }: Page = answer.json<Page>()
    yield* orders
    page = next
  }
}

/** The calendar day before a time, as people in the time zone count days. */
export function dayBefore(time: Date, timeZone: string): string {
  const [year = 0, month = 0, day = 0] = new Intl.DateTimeFormat('sv-SE', { timeZone })
    .format(time)
    .split('-')
    .map(Number)
  return new Date(Date.UTC(year, month - 1, day - 1)).toISOString().slice(0, 10)
}

function add(sums: Map<string, number>, key: string, amount: number): void {
  sums.set(key, (sums.get(key) ?? 0) + amount)
}

const sorted = (sums: ReadonlyMap<string, number>): Readonly<Record<string, number>> =>
  Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)))

export default report
