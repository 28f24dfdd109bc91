import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import type { SendingLedger, TestEvent } from '../../e2e/ledger.ts'

export interface OpenLoopRun {
  readonly url: string
  readonly path: string
  readonly eventsPerSecond: number
  readonly durationMs: number
  readonly keys: number
  /** Put before the ids, so that those of two runs differ. */
  readonly name: string
  readonly ledger: SendingLedger
  /** Called with every answer that is no acceptance. */
  readonly onRefused: (status: number, retryAfter: string | undefined) => void
  readonly padding: string
}

const connections = 64
const turnMs = 10

/**
 * Sends at a fixed rate whatever is answered, as a crowd of senders does that knows nothing of one another: what is
 * refused is not sent again. Resolves when the last answer is there.
 */
export async function sendOpenLoop(run: OpenLoopRun): Promise<void> {
  const { url, eventsPerSecond, durationMs } = run
  const pool = new Pool(url, { connections, pipelining: 1, headersTimeout: 60_000, bodyTimeout: 60_000 })
  const sending = new Set<Promise<void>>()
  const startedMs = performance.now()
  let sent = 0
  try {
    for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs = performance.now() - startedMs) {
      for (const due = Math.floor((elapsedMs * eventsPerSecond) / 1_000); sent < due; sent++) {
        const request: Promise<void> = send(run, pool, sent).finally(() => sending.delete(request))
        sending.add(request)
      }
      await delay(turnMs)
    }
    await Promise.all(sending)
  } finally {
    await pool.destroy()
  }
}

async function send({ name, keys, path, padding, ledger, onRefused }: OpenLoopRun, pool: Pool, number: number) {
  const key = `${name}${number % keys}`
  const event: TestEvent = { id: `${name}-${number}`, key, seq: Math.floor(number / keys) }
  await ledger.send(event.id, event)
  try {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ ...event, padding })
    const response = await pool.request({ method: 'POST', path, headers, body })
    await response.body.dump()
    if (response.statusCode === 202) return ledger.acknowledge(event.id)
    ledger.refuse?.(event.id)
    onRefused(response.statusCode, response.headers['retry-after'] as string | undefined)
  } catch {
    ledger.lose(event.id)
  }
}
