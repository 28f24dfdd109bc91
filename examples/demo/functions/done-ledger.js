import { openSync, writeSync } from 'node:fs'

let file

/** Opens the ledger of the demo for appending; once per worker. */
export function openDoneLedger(context) {
  file = openSync(context.env.LEDGER_FILE, 'a')
}

/**
 * Writes one line for an event that a function has processed. One write to a file opened for appending: lines of several
 * workers never mix, stand in the order in which the functions came to their end, and survive a SIGKILL right after it.
 */
export function writeDone(kind, id) {
  writeSync(file, `${kind} ${id} ${(performance.timeOrigin + performance.now()).toFixed(3)}\n`)
}
