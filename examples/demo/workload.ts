export const kinds = ['webhooks', 'telemetry', 'orders'] as const
export type Kind = (typeof kinds)[number]

/** One event as its sender knows it. */
export interface DemoEvent {
  readonly id: string
  /** Events of one key are sent one after the other and must be processed in that order. */
  readonly key: string
  /** Place within its key, from 0. */
  readonly sequence: number
  /** Cannot be processed, on purpose; the body says so. */
  readonly poison: boolean
  readonly body: string
}

/** Keys of each kind: customers of the shop, devices, stores that take orders. */
export const keyCounts: Readonly<Record<Kind, number>> = { webhooks: 200, telemetry: 50, orders: 40 }

/** One of so many events is poison. */
const eventsPerPoison = 500

type Make = (index: number, key: string, poison: boolean, random: () => number) => { id: string; body: object }

/** The events of one kind, in the order of sending: key after key in turn, so that all of them flow all the time. */
export function createWorkload(kind: Kind, count: number, random: () => number): DemoEvent[] {
  const poison = new Set<number>()
  const poisonCount = Math.max(1, Math.round(count / eventsPerPoison))
  while (poison.size < poisonCount) poison.add(Math.floor(random() * count))
  const keys = keyCounts[kind]
  return Array.from({ length: count }, (_, index) => {
    const key = keyOf[kind](index % keys)
    const isPoison = poison.has(index)
    const { id, body } = make[kind](index, key, isPoison, random)
    return { id, key, sequence: Math.floor(index / keys), poison: isPoison, body: JSON.stringify(body) }
  })
}

/** The id of an event from its parsed body, as dead letters have it; undefined for a body of another kind. */
export function idOf(kind: Kind, body: unknown): string | undefined {
  const fields = body as { reading?: string; order?: string; data?: { order?: string } } | null
  switch (kind) {
    case 'webhooks':
      return fields?.data?.order
    case 'telemetry':
      return fields?.reading
    case 'orders':
      return fields?.order
  }
}

const keyOf: Readonly<Record<Kind, (number: number) => string>> = {
  webhooks: number => `c-${padded(number, 3)}`,
  telemetry: number => `boiler-${padded(number, 2)}`,
  orders: number => `store-${padded(number, 2)}`,
}

const make: Readonly<Record<Kind, Make>> = { webhooks: makeWebhook, telemetry: makeReading, orders: makeOrder }

function makeWebhook(index: number, customer: string, poison: boolean, random: () => number) {
  const id = `w-${padded(index, 6)}`
  const chance = random()
  // Senders have more types than a receiver has rules: the last one is skipped with a warning.
  const type = poison || chance < 0.9 ? 'order.paid' : chance < 0.98 ? 'order.refunded' : 'order.shipped'
  const amountCents = poison ? 'twelve' : 500 + Math.floor(random() * 20_000)
  const note = poison ? { note: 'poison on purpose: the amount is no number' } : {}
  return { id, body: { type, data: { order: id, customer, amountCents, currency: 'EUR', ...note } } }
}

function makeReading(index: number, device: string, poison: boolean, random: () => number) {
  const id = `r-${padded(index, 6)}`
  // Around 65 °C with a long tail: one reading in thirty or so is above the limit of 80.
  const temperature = poison ? 'hot' : Math.round((55 + 20 * random() + 12 * random() ** 4) * 10) / 10
  const note = poison ? { note: 'poison on purpose: the temperature is no number' } : {}
  const body = {
    reading: id,
    temperature,
    pressureBar: Math.round((1 + random()) * 100) / 100,
    firmware: '2.4.1',
    ...note,
  }
  return { id, body: { device, ...body } }
}

const customers = ['c-17', 'c-18', 'c-19'] as const
const products = ['A-100', 'A-200', 'B-010'] as const

function makeOrder(index: number, store: string, poison: boolean, random: () => number) {
  const id = `o-${padded(index, 6)}`
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item
  const items = Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
    sku: pick(products),
    quantity: 1 + Math.floor(random() * 5),
  }))
  const note = poison ? { note: 'poison on purpose: nobody knows this customer' } : {}
  return { id, body: { order: id, store, customer: poison ? 'c-404' : pick(customers), items, ...note } }
}

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0')
}
