import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '../errors/sluice-error.ts'
import { encodeEventHeader } from '../events/event-header-codec.ts'
import type { NewDeadLetter } from '../store/dead-letters.ts'
import type { HomeStore } from '../store/home-store.ts'
import type { Delivery } from './delivery.ts'
import { encodeResults, type RecordedResult } from './recorded-results.ts'

/** Why an event ends as a dead letter. */
export interface Burial {
  readonly stage: 'source' | 'handler' | 'sink'
  readonly reason: string
  readonly message: string
  /** Results that could not go out (stage `sink`). */
  readonly results?: readonly RecordedResult[]
}

export interface DeadLetterOptions {
  readonly store: HomeStore
  /** Its uid. */
  readonly trigger: string
  readonly stream: string
  /** The store refuses dead letters (message) or takes them again (undefined): the trigger says so. */
  readonly onBlocked: (problem: string | undefined) => void
}

const firstRetryMs = 100
const maxRetryMs = 5_000

/** Writes dead letters and never gives one up: while the store refuses, the event stays and blocks what is behind it. */
export class DeadLetters {
  readonly #options: DeadLetterOptions
  readonly #stopped = new AbortController()
  #blocked = 0
  written = 0

  constructor(options: DeadLetterOptions) {
    this.#options = options
  }

  /** Resolves with true once the letter is durable; false when the trigger stopped first (the event stays uncommitted). */
  async bury(delivery: Delivery, burial: Burial): Promise<boolean> {
    const letter = this.#letterOf(delivery, burial)
    let delayMs = firstRetryMs
    let failed = false
    try {
      while (!this.#stopped.signal.aborted) {
        try {
          await this.#options.store.putDeadLetter(letter)
          this.written++
          delivery.target?.engine.stats.deadLettered()
          return true
        } catch (error) {
          if (!failed) this.#blocked++
          failed = true
          this.#options.onBlocked(`the dead letter of ${letter.eventId} cannot be written: ${messageOf(error)}`)
          await wait(delayMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
          delayMs = Math.min(delayMs * 2, maxRetryMs)
        }
      }
      return false
    } finally {
      if (failed && --this.#blocked === 0) this.#options.onBlocked(undefined)
    }
  }

  stop(): void {
    this.#stopped.abort()
  }

  #letterOf(delivery: Delivery, burial: Burial): NewDeadLetter {
    const { record, feed } = delivery
    const nowMs = Date.now()
    let header: Buffer
    let eventId: string
    let key: string
    let firstSeenAtMs = record.timestampMs
    try {
      const decoded = feed.reader.header(record)
      header = encodeEventHeader(decoded)
      eventId = decoded.id
      key = feed.reader.key(record)
      firstSeenAtMs = decoded.acceptedAtMs
    } catch {
      // What cannot be decoded is kept as it came; the position identifies it.
      header = record.header ?? encodeRawRecord(record)
      eventId = `${this.#options.stream}/${delivery.partition}/${record.offset}`
      key = record.key?.toString() ?? ''
    }
    return {
      trigger: this.#options.trigger,
      stream: this.#options.stream,
      partition: delivery.partition,
      offset: record.offset,
      eventId,
      key,
      header,
      value: record.value,
      stage: burial.stage,
      function: delivery.ranBy,
      reason: burial.reason,
      message: burial.message,
      failures: JSON.stringify(delivery.failures ?? []),
      results: burial.results === undefined ? '' : encodeResults(burial.results),
      firstSeenAtMs: Number.isSafeInteger(firstSeenAtMs) ? firstSeenAtMs : nowMs,
      lastAttemptAtMs: delivery.failures?.at(-1)?.atMs ?? nowMs,
    }
  }
}

/** Key and headers of a Kafka record that could not become an event, as JSON with base64 values: nothing of it is lost. */
function encodeRawRecord({ key, headers }: Delivery['record']): Buffer {
  const raw = {
    key: key?.toString('base64') ?? null,
    headers: (headers ?? []).map(([name, value]) => [name, value.toString('base64')]),
  }
  return Buffer.from(JSON.stringify(raw))
}
