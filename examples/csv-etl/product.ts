export interface Product {
  readonly sku: string
  readonly name: string
  readonly description: string
  readonly priceCents: number
  readonly currency: string
  readonly stock: number
  /** RFC 3339 date. */
  readonly availableFrom: string
}

/** The columns that a file must have, in any order; others are passed over. */
export const columns = ['sku', 'name', 'description', 'price', 'currency', 'stock', 'available_from'] as const

export type Column = (typeof columns)[number]

const currencies = new Set(['EUR', 'GBP', 'USD'])

/** The product of a record, or a sentence about the first thing that is wrong with it. */
export function productOf(text: Readonly<Record<Column, string>>): Product | string {
  if (!/^[A-Z]-\d{5}$/.test(text.sku)) return `sku '${text.sku}' is not like P-00001`
  if (text.name.trim() === '') return 'name is empty'
  const price = /^(\d{1,7})\.(\d\d)$/.exec(text.price)
  if (price === null) return `price '${text.price}' is not like 12.50`
  if (!currencies.has(text.currency)) return `currency '${text.currency}' is none of ${[...currencies].join(', ')}`
  if (!/^\d{1,9}$/.test(text.stock)) return `stock '${text.stock}' is no whole number`
  if (!isDate(text.available_from)) return `available_from '${text.available_from}' is not like 2026-12-31`
  return {
    sku: text.sku,
    name: text.name.trim(),
    description: text.description,
    // Digits, not arithmetic: 0.1 + 0.2 has no place in money.
    priceCents: Number(`${price[1]}${price[2]}`),
    currency: text.currency,
    stock: Number(text.stock),
    availableFrom: text.available_from,
  }
}

function isDate(text: string): boolean {
  const date = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined
  // The 31st of a shorter month becomes another day.
  return date !== undefined && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}
