// The function under test: one line for each run that comes to its end, by a single write to a file opened for
// appending, outside of the gateway.
import { openSync, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

let journal
let workMs
let actsUpTo
let leastRemainingMs

export function init({ env }) {
  journal = openSync(env.JOURNAL, 'a')
  workMs = Number(env.WORK_MS ?? 0)
  actsUpTo = Number(env.ACTS_UP_TO_ATTEMPT ?? Infinity)
  leastRemainingMs = Number(env.LEAST_REMAINING_MS ?? 0)
}

export default async function handler(event, context) {
  const { attempt, remainingMs } = context
  const startUs = process.hrtime.bigint() / 1_000n
  const { id, key, seq, act } = event.data
  const write = outcome =>
    writeSync(journal, `${id} ${key} ${seq} ${attempt} ${startUs} ${process.hrtime.bigint() / 1_000n} ${outcome}\n`)
  if (remainingMs < leastRemainingMs) {
    write('failed')
    throw new Error(`${remainingMs} ms are left for ${id}`)
  }
  // Some events take longer than those behind them: without the order of keys they would be overtaken.
  if (workMs > 0) await delay((seq * 7 + key.length * 3) % (2 * workMs))
  if (act !== undefined && attempt <= actsUpTo) {
    if (act === 'loop') for (;;);
    if (act === 'die') process.kill(process.pid, 'SIGKILL')
    write('failed')
    throw new Error(`cannot digest ${id}`)
  }
  write('done')
  return event.data
}
