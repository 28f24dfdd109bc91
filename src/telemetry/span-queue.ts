import type { SpanRecord } from './span-record.ts'

export interface SpanQueueOptions {
  /** Spans that are in hand at most: not handed on yet, or handed on and not acknowledged. */
  readonly maxSpans: number
  /** Spans of one batch, at most. */
  readonly maxBatch: number
  /** How long a span waits for others of its batch, ms. */
  readonly delayMs: number
  /** Takes a batch; answers false when it cannot be taken, and then it stays. */
  readonly send: (batch: readonly SpanRecord[]) => boolean
  /** Spans were dropped because too many are in hand. */
  readonly onFull: () => void
}

/**
 * Finished spans on their way to the thread that exports. Bounded in all: what the thread has not acknowledged counts, so
 * that a collector that hangs fills this queue and nothing else.
 */
export class SpanQueue {
  readonly #options: SpanQueueOptions
  #waiting: SpanRecord[] = []
  #sent = 0
  #dropped = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: SpanQueueOptions) {
    this.#options = options
  }

  /** Spans that were lost since the start. */
  get dropped(): number {
    return this.#dropped
  }

  /** Spans that are neither exported nor dropped. */
  get inHand(): number {
    return this.#waiting.length + this.#sent
  }

  add(span: SpanRecord): void {
    if (this.#waiting.length + this.#sent >= this.#options.maxSpans) {
      this.#dropped++
      this.#options.onFull()
      return
    }
    this.#waiting.push(span)
    if (this.#waiting.length >= this.#options.maxBatch) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), this.#options.delayMs).unref()
  }

  /** Hands on what waits. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { maxBatch, send } = this.#options
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.length <= maxBatch ? this.#waiting : this.#waiting.slice(0, maxBatch)
      if (!send(batch)) return
      this.#waiting = batch === this.#waiting ? [] : this.#waiting.slice(maxBatch)
      this.#sent += batch.length
    }
  }

  /** A batch, or what was left of it, is through: exported, apart from `lost` of its spans. */
  acknowledged(spans: number, lost: number): void {
    this.#sent -= spans
    this.#dropped += lost
  }

  /** Whoever had the batches is gone, and with it all that was not acknowledged. */
  sentAreLost(): void {
    this.#dropped += this.#sent
    this.#sent = 0
  }

  /** Nothing is handed on any more. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.sentAreLost()
    this.#dropped += this.#waiting.length
    this.#waiting = []
  }
}
