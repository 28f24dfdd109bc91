import { Readable } from 'node:stream'
import { problemOf } from '../errors/problem-details.ts'
import { SluiceError } from '../errors/sluice-error.ts'
import { createLogFilter } from './log-filter.ts'
import type { LogsQuery, ObservationControl } from './observation-control.ts'
import type { LogLineView } from './views/log-view.ts'

export interface FollowLogsOptions {
  /** An empty line is sent at this interval, so that nothing on the way takes the silence for the end. Default 15,000. */
  readonly keepAliveMs?: number
  /** What may wait for a slow reader; beyond it the reader is cut off. Default 8 MiB. */
  readonly maxWaitingBytes?: number
}

/** How long a reader that is cut off may take for what still waits. */
const farewellMs = 30_000

/**
 * Log lines of a function as they come, as newline-delimited JSON: first kept ones (the newest `limit`, or all after
 * `afterId`), then new ones, without a gap or a repetition in between. Each line is a {@link LogLineView}; an empty one
 * means nothing; the last one is a problem document if the reader was too slow.
 * @param closing ends the stream when it is aborted.
 * @throws as `control.logs` does, before anything is sent.
 */
export async function followLogs(
  control: ObservationControl,
  functionName: string,
  query: LogsQuery,
  closing: AbortSignal,
  options: FollowLogsOptions = {},
): Promise<Readable> {
  const follower = new LogFollower(control, functionName, query, options)
  await follower.open(closing)
  return follower.stream
}

/**
 *   catching up ──the last kept line is out──▶ following ──the reader is too slow, closing──▶ ended
 *      └──────────────────closing, the reader is gone──────────┴──the reader is gone────────▶ ended
 */
class LogFollower {
  readonly stream: Readable
  readonly #control: ObservationControl
  readonly #functionName: string
  readonly #maxWaitingBytes: number
  readonly #matches: (line: LogLineView) => boolean
  #state: 'catching-up' | 'following' | 'ended' = 'catching-up'
  #query: LogsQuery
  #lastId = 0
  /** Lines that came while kept ones are being read: either they are among those, or they come right after them. */
  #held: LogLineView[] = []
  #isReading = false
  #stop = (): void => undefined
  readonly #keepAlive: NodeJS.Timeout

  constructor(control: ObservationControl, functionName: string, query: LogsQuery, options: FollowLogsOptions) {
    this.#control = control
    this.#functionName = functionName
    this.#query = query
    this.#maxWaitingBytes = options.maxWaitingBytes ?? 8 * 1024 * 1024
    this.#matches = createLogFilter(query)
    this.stream = new Readable({
      read: () => void this.#catchUp(),
      destroy: (error, callback) => {
        this.#end()
        callback(error)
      },
    })
    this.#keepAlive = setInterval(() => {
      if (this.stream.readableLength === 0) this.stream.push('\n')
    }, options.keepAliveMs ?? 15_000).unref()
  }

  async open(closing: AbortSignal): Promise<void> {
    try {
      this.#stop = this.#control.followLogs(this.#functionName, this.#query, lines => this.#take(lines))
      // The answer begins with the first bytes: a reader shall know at once that it follows.
      this.stream.push('\n')
      await this.#readKept()
    } catch (error) {
      this.stream.destroy()
      throw error
    }
    const close = (): void => this.#close()
    closing.addEventListener('abort', close, { once: true })
    this.stream.once('close', () => closing.removeEventListener('abort', close))
    if (closing.aborted) close()
  }

  /** The reader has room: the next kept lines, if there are more. */
  async #catchUp(): Promise<void> {
    if (this.#isReading || this.#state !== 'catching-up') return
    try {
      await this.#readKept()
    } catch (error) {
      // The answer has begun; a connection that breaks is the only way to say that lines are missing.
      this.stream.destroy(SluiceError.from(error))
    }
  }

  async #readKept(): Promise<void> {
    this.#isReading = true
    // What was told of before the query is kept, so that the query finds it.
    this.#held = []
    const { items, next } = await this.#control.logs(this.#functionName, this.#query)
    this.#isReading = false
    if (this.#state !== 'catching-up') return
    const isForward = this.#query.afterId !== undefined
    this.#write(isForward ? items : [...items].reverse())
    if (isForward && next !== null && items.length > 0) {
      this.#query = { ...this.#query, afterId: next }
      return
    }
    this.#state = 'following'
    this.#take(this.#held.splice(0))
  }

  #take(lines: readonly LogLineView[]): void {
    if (this.#state === 'ended') return
    if (this.#state === 'catching-up') this.#held.push(...lines)
    else this.#write(lines.filter(line => (line.id === null || line.id > this.#lastId) && this.#matches(line)))
  }

  /** One chunk for all lines that came together. */
  #write(lines: readonly LogLineView[]): void {
    if (lines.length === 0) return
    this.#lastId = lines.at(-1)?.id ?? this.#lastId
    this.stream.push(`${lines.map(line => JSON.stringify(line)).join('\n')}\n`)
    if (this.stream.readableLength <= this.#maxWaitingBytes) return
    const message = `more than ${this.#maxWaitingBytes} bytes of log lines wait for this reader; follow again with after=${this.#lastId}`
    this.stream.push(`${JSON.stringify(problemOf(new SluiceError('SLUICE_API_SLOW_READER', message)))}\n`)
    this.#close()
  }

  /** Ends the stream behind what waits. */
  #close(): void {
    if (this.#state === 'ended') return
    this.#end()
    this.stream.push(null)
    // Whoever reads no more must not hold the connection for ever.
    const farewell = setTimeout(() => this.stream.destroy(), farewellMs).unref()
    this.stream.once('close', () => clearTimeout(farewell))
  }

  #end(): void {
    this.#state = 'ended'
    this.#held = []
    clearInterval(this.#keepAlive)
    this.#stop()
  }
}
