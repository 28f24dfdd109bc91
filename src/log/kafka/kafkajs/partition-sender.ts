import { SluiceError } from '../../../errors/sluice-error.ts'
import type { OutgoingRecord } from '../kafka-client.ts'
import { Backoff, wait } from './backoff.ts'
import { isDenied, isTooLarge, kafkaErrorOf } from './errors.ts'

export interface PartitionSenderOptions {
  readonly topic: string
  readonly partition: number
  /**
   * Sends records as one request and resolves with the offset of the first; undefined when the response does not prove
   * that they were written.
   */
  send(records: readonly OutgoingRecord[]): Promise<number | undefined>
  readonly maxRecords: number
  readonly maxBytes: number
  /** How long a call may take, waiting and all retries included. */
  readonly timeoutMs: number
  readonly retryMinMs: number
  readonly retryMaxMs: number
  /** Ends the waiting between retries. */
  readonly signal: AbortSignal
  /** A call has come to its end. */
  settled(bytes: number): void
  failed?(error: unknown): void
}

/** A call of `produce`, which may be larger than one request. */
interface Call {
  readonly records: readonly OutgoingRecord[]
  readonly sizes: readonly number[]
  readonly bytes: number
  readonly deadline: number
  readonly resolve: (baseOffset: number) => void
  readonly reject: (error: SluiceError) => void
  sent: number
  baseOffset: number | undefined
}

/** The part of a call that goes into one request. */
interface Part {
  readonly call: Call
  readonly count: number
}

/**
 * Sends the records of one topic-partition: one request at a time, all that waits as one request (group commit), and
 * what fails again in the same order, with everything that came later behind it.
 *
 *   idle ──produce──▶ sending ──acknowledged, queue empty──▶ idle
 *                       │  ▲
 *           failed      ▼  │ backoff is over
 *                     retrying ──out of time──▶ its calls reject, the next are sent
 */
export class PartitionSender {
  readonly #options: PartitionSenderOptions
  readonly #backoff: Backoff
  readonly #queue: Call[] = []
  #isRunning = false
  /** A request was too large: until the queue is empty each call goes alone, so that only the guilty one fails. */
  #isolates = false

  constructor(options: PartitionSenderOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.retryMinMs, options.retryMaxMs)
  }

  /**
   * @param records at least one.
   * @param sizes bytes of each record.
   */
  produce(records: readonly OutgoingRecord[], sizes: readonly number[], bytes: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + this.#options.timeoutMs
      this.#queue.push({ records, sizes, bytes, deadline, resolve, reject, sent: 0, baseOffset: undefined })
      if (this.#isRunning) return
      this.#isRunning = true
      // In a microtask, so that calls made in one go share the first request already.
      queueMicrotask(() => void this.#run())
    })
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const parts = this.#nextParts()
      const error = await this.#attempt(parts)
      if (error === undefined) this.#backoff.reset()
      else await this.#fail(parts, error)
    }
    this.#isolates = false
    this.#isRunning = false
  }

  /** Takes as much from the front of the queue as one request may hold, at least one record. */
  #nextParts(): Part[] {
    const { maxRecords, maxBytes } = this.#options
    const parts: Part[] = []
    let records = 0
    let bytes = 0
    for (const call of this.#queue) {
      let count = 0
      for (let at = call.sent; at < call.records.length; at++) {
        const size = call.sizes[at]!
        if (records > 0 && (records >= maxRecords || bytes + size > maxBytes)) break
        records += 1
        bytes += size
        count += 1
      }
      if (count === 0) break
      parts.push({ call, count })
      if (this.#isolates || call.sent + count < call.records.length) break
    }
    return parts
  }

  /** Undefined when all parts are acknowledged, which then have left the queue. */
  async #attempt(parts: readonly Part[]): Promise<unknown> {
    const records = parts.length === 1 ? partRecords(parts[0]!) : parts.flatMap(partRecords)
    let offset: number | undefined
    try {
      offset = await this.#options.send(records)
    } catch (error) {
      return error ?? new Error('the request failed without an error')
    }
    if (offset === undefined) return new Error('the response does not acknowledge the records')
    for (const { call, count } of parts) {
      call.baseOffset ??= offset
      call.sent += count
      offset += count
      if (call.sent === call.records.length) {
        this.#queue.shift()
        this.#options.settled(call.bytes)
        call.resolve(call.baseOffset)
      }
    }
    return undefined
  }

  async #fail(parts: readonly Part[], error: unknown): Promise<void> {
    const { topic, partition, signal } = this.#options
    this.#options.failed?.(error)
    if (signal.aborted) return this.#rejectFirst(this.#queue.length, closedError(topic, partition))
    if (isTooLarge(error) && parts.length > 1) {
      this.#isolates = true
      return
    }
    const reason = kafkaErrorOf(
      error,
      'SLUICE_KAFKA_PRODUCE',
      `take records for partition ${partition} of topic "${topic}"`,
    )
    // Neither gets better by trying again, and what waits behind is not to blame.
    if (isTooLarge(error) || isDenied(error)) return this.#rejectFirst(parts.length, reason)
    this.#rejectLate(reason)
    const next = this.#queue[0]
    if (next) await wait(Math.min(this.#backoff.nextMs(), Math.max(0, next.deadline - performance.now())), signal)
    if (signal.aborted) this.#rejectFirst(this.#queue.length, closedError(topic, partition))
  }

  #rejectLate(reason: SluiceError): void {
    const now = performance.now()
    // Deadlines are in the order of the queue.
    const late = this.#queue.findIndex(({ deadline }) => deadline > now)
    this.#rejectFirst(late === -1 ? this.#queue.length : late, reason)
  }

  #rejectFirst(count: number, reason: SluiceError): void {
    for (const call of this.#queue.splice(0, count)) {
      this.#options.settled(call.bytes)
      call.reject(reason)
    }
  }
}

function partRecords({ call, count }: Part): readonly OutgoingRecord[] {
  return call.sent === 0 && count === call.records.length
    ? call.records
    : call.records.slice(call.sent, call.sent + count)
}

function closedError(topic: string, partition: number): SluiceError {
  return new SluiceError(
    'SLUICE_KAFKA_CLOSED',
    `The Kafka client was closed while records for partition ${partition} of topic "${topic}" waited; whether they were written is unknown`,
  )
}
