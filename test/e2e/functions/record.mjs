// The sink outside of the gateway: one line per processed event, by a single write to a file opened for appending.
import { openSync, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

let ledger
let delayMs

export function init({ env }) {
  ledger = openSync(env.LEDGER, 'a')
  delayMs = Number(env.DELAY_MS ?? 0)
}

export default function handler(event, context) {
  // Some events take longer than those behind them: without the order of keys they would be overtaken.
  const waitMs = delayMs || (event.data.seq % 16 === 0 ? 3 : 0)
  if (waitMs > 0) return delay(waitMs).then(() => record(event, context))
  record(event, context)
}

function record(event, { attempt }) {
  const { id, key, seq } = event.data
  writeSync(ledger, `${id} ${key} ${seq} ${attempt}\n`)
}
