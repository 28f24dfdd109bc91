import type { FunctionLogLine } from './observations.ts'

export interface QueueBounds {
  readonly maxLines: number
  readonly maxBytes: number
}

/** Half a second of a hundred thousand lines a second; a stalled disk must not fill the memory. */
export const queueDefaults: QueueBounds = { maxLines: 10_000, maxBytes: 16 * 1024 * 1024 }

/** Lines that are written together. Cloning them to the thread holds the event loop for a quarter of a millisecond. */
const maxBatchLines = 500
/** What a line costs beside its texts. */
const lineBytes = 200

export interface LineBatch {
  /** Ends with the notices of what was dropped. */
  readonly lines: readonly FunctionLogLine[]
  readonly bytes: number
  /** Dropped lines that its notices tell, by function. */
  readonly told: ReadonlyMap<string, number>
}

/**
 * Lines on their way to the file, bounded together with those that are being written. What does not fit is counted, and
 * one line for each function says how many were dropped once it is over.
 */
export class LineQueue {
  readonly #bounds: QueueBounds
  #waiting: FunctionLogLine[] = []
  /** Waiting and under way. */
  #lines = 0
  #bytes = 0
  #dropped = 0
  #untold = new Map<string, number>()
  #droppedSinceTake = false

  constructor(bounds: QueueBounds = queueDefaults) {
    this.#bounds = bounds
  }

  get dropped(): number {
    return this.#dropped
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  add(lines: readonly FunctionLogLine[]): void {
    for (const line of lines) {
      const bytes = bytesOf(line)
      if (this.#lines >= this.#bounds.maxLines || this.#bytes + bytes > this.#bounds.maxBytes) {
        this.#drop(line.function, 1)
        this.#droppedSinceTake = true
        continue
      }
      this.#waiting.push(line)
      this.#lines++
      this.#bytes += bytes
    }
  }

  /** The next lines to write; undefined when none wait. Each batch is given back by {@link done}. */
  take(nowMs: number): LineBatch | undefined {
    if (this.#waiting.length === 0) return undefined
    const lines = this.#waiting.splice(0, maxBatchLines)
    const bytes = lines.reduce((sum, line) => sum + bytesOf(line), 0)
    const isOver = this.#waiting.length === 0 || !this.#droppedSinceTake
    this.#droppedSinceTake = false
    if (!isOver || this.#untold.size === 0) return { lines, bytes, told: new Map() }
    const told = this.#untold
    this.#untold = new Map()
    return { lines: [...lines, ...[...told].map(([name, count]) => noticeOf(name, count, nowMs))], bytes, told }
  }

  /** A batch was written, except for the lines without an id. */
  done(batch: LineBatch, ids: readonly number[]): void {
    const own = batch.lines.length - batch.told.size
    this.#lines -= own
    this.#bytes -= batch.bytes
    for (const [index, line] of batch.lines.entries()) {
      if (ids[index]) continue
      if (index < own) this.#drop(line.function, 1)
      else
        this.#untold.set(line.function, (this.#untold.get(line.function) ?? 0) + (batch.told.get(line.function) ?? 0))
    }
  }

  /** Nothing is written any more. */
  clear(): void {
    for (const line of this.#waiting) this.#drop(line.function, 1)
    this.#waiting = []
  }

  #drop(name: string, count: number): void {
    this.#dropped += count
    this.#untold.set(name, (this.#untold.get(name) ?? 0) + count)
  }
}

const bytesOf = ({ message, fields }: FunctionLogLine): number => message.length + (fields?.length ?? 0) + lineBytes

function noticeOf(name: string, count: number, atMs: number): FunctionLogLine {
  const message = `${count.toLocaleString('en-US')} line${count === 1 ? ' was' : 's were'} dropped: more came than could be written`
  return { atMs, function: name, version: '', kind: 'lifecycle', level: 'warn', message }
}
