import { createHmac } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from 'undici'
import type { KindLedger } from '../ledger.ts'
import { keyCounts, type DemoEvent } from '../workload.ts'
import { untilDue, type Pace } from './pace.ts'

export interface HttpSending {
  readonly url: string
  readonly path: string
  /** `whsec_…`, as Standard Webhooks writes it. */
  readonly secret: string
  readonly ledger: KindLedger
  readonly pace: Pace
  readonly signal: AbortSignal
}

/** Each connection carries one request at a time and the events of its own customers, so that each customer's stay in order. */
const connections = 50
const retryDelayMs = 50

/**
 * A shop that takes its webhooks seriously: whatever is not answered with 202 is sent again, with the same id and a fresh
 * signature, before anything later of the same customer. Resolves when all are accepted.
 * @throws {Error} for an answer that no retry can change.
 */
export async function sendWebhooks(sending: HttpSending): Promise<void> {
  const key = Buffer.from(sending.secret.replace(/^whsec_/, ''), 'base64')
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      const client = new Client(sending.url, { pipelining: 1 })
      try {
        for (const [index, event] of sending.ledger.events.entries()) {
          if ((index % keyCounts.webhooks) % connections !== connection) continue
          await untilDue(sending.pace, index, sending.signal)
          sending.ledger.sent(event.id)
          while (!(await sendOnce(client, event, key, sending))) {
            await wait(retryDelayMs, undefined, { signal: sending.signal })
          }
          sending.ledger.accepted(event.id)
        }
      } finally {
        await client.destroy()
      }
    }),
  )
}

async function sendOnce(client: Client, event: DemoEvent, key: Buffer, sending: HttpSending): Promise<boolean> {
  const seconds = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', key).update(`${event.id}.${seconds}.${event.body}`).digest('base64')
  const headers = {
    'content-type': 'application/json',
    'webhook-id': event.id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${signature}`,
  }
  let status: number
  let answer: string
  try {
    const { path, signal } = sending
    const response = await client.request({ method: 'POST', path, headers, body: event.body, signal })
    status = response.statusCode
    answer = await response.body.text()
  } catch (error) {
    // No answer: it may have been accepted or not. The id tells the gateway if it was.
    if (sending.signal.aborted) throw error
    return false
  }
  // 200 says that an event with this id was accepted before.
  if (status === 202 || status === 200) return true
  if (status === 429 || status === 503) return false
  throw new Error(`the gateway answered a webhook with ${status}: ${answer}`)
}
