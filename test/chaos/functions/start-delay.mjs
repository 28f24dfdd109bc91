// One line per call: how long after it was sent it began, in ms, and under which epoch.
import { openSync, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

let journal
let waitMs

export function init({ env }) {
  journal = openSync(env.JOURNAL, 'a')
  waitMs = Number(env.WAIT_MS ?? 0)
}

export default async function handler(event, { epoch }) {
  const nowMs = performance.timeOrigin + performance.now()
  writeSync(journal, `${nowMs - event.data.sentAtMs} ${epoch}\n`)
  if (waitMs > 0) await delay(waitMs)
}
