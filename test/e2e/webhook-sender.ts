import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'undici'
import type { SendingLedger, TestEvent } from './ledger.ts'

export interface WebhookRun {
  readonly url: string
  readonly path: string
  readonly connections: number
  readonly keys: number
  /** Put before the names of keys. Default `k`. */
  readonly keyPrefix?: string
  /** All keys together; Infinity with a `signal`. */
  readonly events: number
  readonly ledger: SendingLedger
  /** Called with every answer that is no acceptance. */
  readonly onRefused?: (status: number, retryAfter: string | undefined) => void
  /** Added to every body. */
  readonly padding?: string
  /** Most events of all connections together in a second. Default: as many as are answered. */
  readonly eventsPerSecond?: number
  /** Fields of a body beside those of its event. */
  readonly fieldsOf?: (event: TestEvent) => Readonly<Record<string, unknown>>
  /** Before a refused event is sent again, in ms. Default 50. */
  readonly retryMs?: number
  /** Ends the run early. */
  readonly signal?: AbortSignal
}

const defaultRetryMs = 50

/**
 * Sends webhooks as a careful sender does: each key on one connection, one request at a time, and whatever has no answer
 * or a refusal is sent again with the same id before anything later of the key. Resolves when all are acknowledged.
 */
export async function sendWebhooks(run: WebhookRun): Promise<void> {
  await Promise.all(Array.from({ length: run.connections }, (_, connection) => sendOn(run, connection)))
}

async function sendOn(run: WebhookRun, connection: number): Promise<void> {
  const client = new Client(run.url, { pipelining: 1, bodyTimeout: 60_000, headersTimeout: 60_000 })
  try {
    for (const event of eventsOf(run, connection)) {
      const startedMs = performance.now()
      const body = bodyOf(run, event)
      while (run.signal?.aborted !== true) {
        if (await isAcknowledged(run, client, event, body)) break
        await delay(run.retryMs ?? defaultRetryMs)
      }
      if (run.signal?.aborted === true) return
      const shareMs = (1_000 * run.connections) / (run.eventsPerSecond ?? Infinity)
      if (shareMs > 0) await delay(Math.max(0, startedMs + shareMs - performance.now()))
    }
  } finally {
    await client.destroy()
  }
}

/** The events of the keys of one connection, in the order in which they are sent. */
function* eventsOf(run: WebhookRun, connection: number): Generator<TestEvent> {
  const { connections, keys, events, keyPrefix = 'k' } = run
  for (let seq = 0; seq * keys < events; seq++) {
    for (let key = connection; key < keys && seq * keys + key < events; key += connections)
      yield { id: `${keyPrefix}${key}-${seq}`, key: `${keyPrefix}${key}`, seq }
  }
}

function bodyOf({ padding, fieldsOf }: WebhookRun, event: TestEvent): string {
  return JSON.stringify({ ...event, ...(padding === undefined ? {} : { padding }), ...fieldsOf?.(event) })
}

async function isAcknowledged(run: WebhookRun, client: Client, event: TestEvent, body: string): Promise<boolean> {
  const { ledger, path } = run
  const { id } = event
  await ledger.send(id, event)
  try {
    const headers = { 'content-type': 'application/json' }
    const response = await client.request({ method: 'POST', path, headers, body })
    await response.body.dump()
    // 200 says that an event with this id was accepted before.
    if (response.statusCode === 202 || response.statusCode === 200) {
      ledger.acknowledge(id)
      return true
    }
    ledger.refuse?.(id)
    run.onRefused?.(response.statusCode, response.headers['retry-after'] as string | undefined)
  } catch {
    ledger.lose(id)
  }
  return false
}
