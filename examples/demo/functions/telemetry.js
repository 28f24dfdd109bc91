import alert from '../../device-telemetry/alert.js'
import { openDoneLedger, writeDone } from './done-ledger.js'

export const init = openDoneLedger

/** The telemetry alert of the examples, with a line in the ledger for every success. */
export default function telemetry(event, context) {
  const result = alert(event, context)
  writeDone('telemetry', event.data.reading)
  return result
}
