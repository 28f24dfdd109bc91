/** An order that can be carried out. */
export interface Order {
  readonly order: string
  readonly customer: string
  readonly items: readonly OrderItem[]
}

export interface OrderItem {
  readonly sku: string
  readonly quantity: number
}

/** What can be ordered. */
export const priceCents: ReadonlyMap<string, number> = new Map([
  ['A-100', 12900],
  ['A-200', 45900],
  ['B-010', 490],
])

/** What is wrong with an order, as it came from outside; nothing: it is an {@link Order}. */
export function problemsOf(data: unknown): string[] {
  const { customer, items } = isObject(data) ? data : {}
  const problems = typeof customer === 'string' && customer !== '' ? [] : ['there is no customer']
  if (!Array.isArray(items) || items.length === 0) return [...problems, 'there is nothing in it']
  return [...problems, ...items.flatMap(itemProblems)]
}

function itemProblems(item: unknown): string[] {
  const { sku, quantity } = isObject(item) ? item : {}
  if (typeof sku !== 'string' || !priceCents.has(sku)) return [`there is no product ${JSON.stringify(sku)}`]
  const isSound = typeof quantity === 'number' && Number.isInteger(quantity) && quantity > 0
  return isSound ? [] : [`${JSON.stringify(quantity)} of ${sku} cannot be ordered`]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
