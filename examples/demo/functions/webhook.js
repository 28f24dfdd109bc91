import receive from '../../webhook-receiver/receive.js'
import { openDoneLedger, writeDone } from './done-ledger.js'

export const init = openDoneLedger

/** The webhook receiver of the examples, with a line in the ledger for every success. */
export default function webhook(event, context) {
  const result = receive(event, context)
  writeDone('webhooks', event.data.data.order)
  return result
}
