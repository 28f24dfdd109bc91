/** Prices an order; what costs nothing cannot be priced. */
export default async function price(event, context) {
  const order = event.data
  if (order.quantity === 0) throw new Error(`order ${order.id} has nothing in it`)
  await new Promise(resolve => setTimeout(resolve, 10))
  if (order.id % 25 === 0) context.logger.info(`priced order ${order.id}`, { sku: order.sku })
  return { ...order, price: order.quantity * 3.5 }
}
