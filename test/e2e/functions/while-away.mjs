// Fails as long as the file AWAY exists, as if what it calls were away; otherwise one line per event in LEDGER.
import { existsSync, openSync, writeSync } from 'node:fs'

let ledger

export function init({ env }) {
  ledger = openSync(env.LEDGER, 'a')
}

export default function handler(event, { env, attempt }) {
  if (existsSync(env.AWAY)) throw new Error('the price list is away')
  const { id, key, seq } = event.data
  writeSync(ledger, `${id} ${key} ${seq} ${attempt}\n`)
}
