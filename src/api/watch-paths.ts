import { Readable } from 'node:stream'

/** Asks for one path, as a client of the API would. Never rejects: what goes wrong is an answer, too. */
export type AskPath = (path: string) => Promise<PathAnswer>

export interface PathAnswer {
  readonly status: number
  /** JSON. */
  readonly body: string
}

export interface WatchOptions {
  /** Between two looks, at least. Default 1,000. */
  readonly intervalMs?: number
  /** A comment is sent after this long without a change, so that nothing on the way takes the silence for the end. Default 15,000. */
  readonly keepAliveMs?: number
  /** What may wait for a slow reader before looking is left out; it gets what is true then. Default 1 MiB. */
  readonly maxWaitingBytes?: number
}

/** Looking takes at most this share of the time: a gateway with thousands of triggers is looked at less often. */
const largestShare = 0.05

/**
 * Server-sent events that tell what some paths answer: each of them at once, and then whenever its answer has changed.
 * An event is `answer` with `{ path, status, body }`; after all paths are told for the first time comes `ready`. A reader
 * that is slow misses states in between, never the last one. (WHATWG HTML, section 9.2.)
 * @param closing ends the stream when it is aborted.
 */
export function watchPaths(
  ask: AskPath,
  paths: readonly string[],
  closing: AbortSignal,
  options: WatchOptions = {},
): Readable {
  return new PathWatcher(ask, paths, closing, options).stream
}

/**
 *   waiting ──interval──▶ looking ──every path has answered──▶ waiting
 *      └──the reader is gone, closing──▶ ended ◀──────┘
 */
class PathWatcher {
  readonly stream: Readable
  readonly #ask: AskPath
  readonly #paths: readonly string[]
  readonly #intervalMs: number
  readonly #keepAliveMs: number
  readonly #maxWaitingBytes: number
  /** The last answer that was told, by path. */
  readonly #told = new Map<string, string>()
  #isFirst = true
  #wroteAtMs = performance.now()
  #timer: NodeJS.Timeout | undefined

  constructor(ask: AskPath, paths: readonly string[], closing: AbortSignal, options: WatchOptions) {
    this.#ask = ask
    this.#paths = [...new Set(paths)]
    this.#intervalMs = options.intervalMs ?? 1_000
    this.#keepAliveMs = options.keepAliveMs ?? 15_000
    this.#maxWaitingBytes = options.maxWaitingBytes ?? 1024 * 1024
    const close = (): void => void this.stream.destroy()
    this.stream = new Readable({
      read: () => undefined,
      destroy: (error, callback) => {
        clearTimeout(this.#timer)
        closing.removeEventListener('abort', close)
        callback(error)
      },
    })
    closing.addEventListener('abort', close, { once: true })
    // Proxies send the head of an answer with its first bytes.
    this.stream.push(': Sluice\n\n')
    if (closing.aborted) close()
    else void this.#look()
  }

  async #look(): Promise<void> {
    const startedAtMs = performance.now()
    // One after the other: the time between is the gateway's.
    for (const path of this.#paths) {
      if (this.stream.readableLength > this.#maxWaitingBytes) break
      const { status, body } = await this.#ask(path)
      if (this.stream.destroyed) return
      const answer = `${status} ${body}`
      if (this.#told.get(path) === answer) continue
      this.#told.set(path, answer)
      this.#write('answer', `{"path":${JSON.stringify(path)},"status":${status},"body":${body}}`)
    }
    if (this.#isFirst) this.#write('ready', '{}')
    this.#isFirst = false
    const now = performance.now()
    if (now - this.#wroteAtMs >= this.#keepAliveMs) this.#push(':\n\n')
    const pauseMs = Math.max(this.#intervalMs, (now - startedAtMs) / largestShare)
    this.#timer = setTimeout(() => void this.#look(), pauseMs).unref()
  }

  /** JSON of ours has no line breaks, so that one line of data is enough. */
  #write(event: string, data: string): void {
    this.#push(`event: ${event}\ndata: ${data}\n\n`)
  }

  #push(text: string): void {
    this.#wroteAtMs = performance.now()
    this.stream.push(text)
  }
}
