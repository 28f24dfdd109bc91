import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'undici'
import type { SentLedger, TestEvent } from './ledger.ts'

export interface WebhookRun {
  readonly url: string
  readonly path: string
  readonly connections: number
  readonly keys: number
  readonly events: number
  readonly ledger: SentLedger
  /** Called with every answer that is no acceptance. */
  readonly onRefused?: (status: number, retryAfter: string | undefined) => void
  /** Ends the run early. */
  readonly signal?: AbortSignal
}

const retryMs = 50

/**
 * Sends webhooks as a careful sender does: each key on one connection, one request at a time, and whatever has no answer
 * or a refusal is sent again with the same id before anything later of the key. Resolves when all are acknowledged.
 */
export async function sendWebhooks(run: WebhookRun): Promise<void> {
  const queues: TestEvent[][] = Array.from({ length: run.connections }, () => [])
  for (let index = 0; index < run.events; index++) {
    const key = index % run.keys
    const seq = Math.floor(index / run.keys)
    queues[key % run.connections]?.push({ id: `k${key}-${seq}`, key: `k${key}`, seq })
  }
  await Promise.all(queues.map(queue => sendQueue(run, queue)))
}

async function sendQueue(run: WebhookRun, queue: readonly TestEvent[]): Promise<void> {
  const client = new Client(run.url, { pipelining: 1, bodyTimeout: 60_000, headersTimeout: 60_000 })
  try {
    for (const event of queue) {
      const body = JSON.stringify(event)
      while (run.signal?.aborted !== true) {
        const outcome = await sendOnce(run, client, event.id, body)
        if (outcome === 'acknowledged') break
        await delay(retryMs)
      }
    }
  } finally {
    await client.destroy()
  }
}

async function sendOnce(run: WebhookRun, client: Client, id: string, body: string): Promise<'acknowledged' | 'again'> {
  const { ledger, path } = run
  ledger.send(id)
  try {
    const headers = { 'content-type': 'application/json' }
    const response = await client.request({ method: 'POST', path, headers, body })
    await response.body.dump()
    // 200 says that an event with this id was accepted before.
    if (response.statusCode === 202 || response.statusCode === 200) {
      ledger.acknowledge(id)
      return 'acknowledged'
    }
    run.onRefused?.(response.statusCode, response.headers['retry-after'] as string | undefined)
  } catch {
    ledger.lose(id)
  }
  return 'again'
}
