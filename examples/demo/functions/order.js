import enrich, { init as initEnrich } from '../../order-enricher/enrich.js'
import { openDoneLedger, writeDone } from './done-ledger.js'

export function init(context) {
  initEnrich()
  openDoneLedger(context)
}

/** The order enricher of the examples, with a line in the ledger for every success. */
export default function order(event) {
  const result = enrich(event)
  writeDone('orders', event.data.order)
  return result
}
