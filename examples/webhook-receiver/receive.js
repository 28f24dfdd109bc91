/**
 * Turns a shop's webhooks into entries of a ledger. The source has verified the signature before the event was accepted,
 * and it drops repeated deliveries by their `webhook-id`; what arrives here is genuine.
 */
export default function receive(event, context) {
  const { order, customer, amountCents } = event.data.data
  switch (event.type) {
    case 'order.paid':
      return entry(context, order, customer, amountCents)
    case 'order.refunded':
      return entry(context, order, customer, -amountCents)
    default:
      // Senders add new types at any time: an unknown one is not an error, and no retry would make it known.
      context.logger.warn('no rule for this type of webhook', { type: event.type })
  }
}

function entry(context, order, customer, amountCents) {
  // A bad amount never gets better: the attempts are used up and the event is kept as a dead letter, to be looked at.
  if (!Number.isInteger(amountCents)) throw new TypeError(`order ${order}: amountCents is no whole number`)
  context.logger.info('booked', { order, customer, amountCents })
  return {
    type: 'com.example.ledger.entry',
    subject: order,
    partitionkey: customer,
    data: { order, customer, amountCents },
  }
}
