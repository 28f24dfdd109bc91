import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'

export interface OpenLoop {
  readonly url: string
  readonly path: string
  /** Events per second at a time since the start, in ms. */
  readonly perS: (atMs: number) => number
  readonly durationMs: number
  /** Events take their keys in turn. */
  readonly keys: number
  /** Fields of the body beside its key. */
  readonly fields?: Readonly<Record<string, unknown>>
}

export interface OpenLoopResult {
  readonly accepted: number
  readonly refused: number
}

const tickMs = 5

/** Sends webhooks at a rate whatever becomes of them, as a world of senders does that do not wait for each other. */
export async function sendOpenLoop({ url, path, perS, durationMs, keys, fields }: OpenLoop): Promise<OpenLoopResult> {
  const pool = new Pool(url, { connections: 16, pipelining: 8 })
  const sending = new Set<Promise<void>>()
  let accepted = 0
  let refused = 0
  let sent = 0
  const send = async (): Promise<void> => {
    const body = JSON.stringify({ key: `k${sent++ % keys}`, ...fields })
    const headers = { 'content-type': 'application/json' }
    const response = await pool.request({ method: 'POST', path, headers, body })
    await response.body.dump()
    if (response.statusCode === 202) accepted++
    else refused++
  }
  try {
    const startedMs = performance.now()
    let owed = 0
    let lastMs = 0
    while (lastMs < durationMs) {
      const atMs = Math.min(performance.now() - startedMs, durationMs)
      owed += (perS(lastMs) * (atMs - lastMs)) / 1000
      lastMs = atMs
      // Half an event is one: what is owed in the end is whole but for rounding.
      for (; owed >= 0.5; owed--) {
        const sent = send().finally(() => sending.delete(sent))
        sending.add(sent)
      }
      await delay(tickMs)
    }
    await Promise.all(sending)
    return { accepted, refused }
  } finally {
    await pool.destroy()
  }
}
