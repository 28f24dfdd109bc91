import { formatWithOptions } from 'node:util'
import { cut, cutMasked, describeThrown } from './invocation-error.ts'
import { noMask, type SecretMask } from './secret-mask.ts'
import type { FunctionLogEntry } from './worker-settings.ts'

type Level = FunctionLogEntry['level']

/** Whose line it is; the running invocation, or undefined outside of one. */
export interface LogOrigin {
  readonly invocationId: string
  readonly trigger: string
  readonly traceId: string | undefined
  /** Bytes that the invocation has logged; counted here. */
  loggedBytes: number
}

const maxMessageBytes = 8 * 1024
/** What of a text is looked at when it may hold secrets: a cut must not leave half of one. */
const maxMaskedBytes = 64 * 1024
const maxInvocationBytes = 64 * 1024
const maxBytesPerSecond = 1024 * 1024
const postIntervalMs = 10

/**
 * Takes what user code logs, bounds it (8 KiB a line, 64 KiB an invocation, 1 MiB a second, then it is counted as dropped)
 * hides secrets in it and posts it in small groups. The console and the standard streams of the worker end here too, so that a flood never
 * reaches the host's memory.
 */
export class LogCapture {
  readonly #post: (entries: FunctionLogEntry[]) => void
  readonly #origin: () => LogOrigin | undefined
  readonly #mask: SecretMask
  readonly #readableBytes: number
  #entries: FunctionLogEntry[] = []
  #dropped = 0
  #second = 0
  #secondBytes = 0
  #postedAt = 0

  constructor(
    post: (entries: FunctionLogEntry[]) => void,
    origin: () => LogOrigin | undefined,
    mask: SecretMask = noMask,
  ) {
    this.#post = post
    this.#origin = origin
    this.#mask = mask
    this.#readableBytes = mask.longest === 0 ? maxMessageBytes : maxMaskedBytes
  }

  log(level: Level, message: string, fields?: unknown, origin: LogOrigin | undefined = this.#origin()): void {
    const timeMs = Date.now()
    const text = cutMasked(message, maxMessageBytes, this.#mask)
    const json = fields === undefined ? undefined : fieldsJson(fields, this.#mask)
    if (!this.#admit(timeMs, text.length + (json?.length ?? 0) + 64, origin)) {
      this.#dropped++
      return
    }
    this.#entries.push({
      timeMs,
      level,
      message: text,
      ...(json === undefined ? undefined : { fields: json }),
      ...(origin === undefined ? undefined : { invocationId: origin.invocationId, trigger: origin.trigger }),
      ...(origin?.traceId === undefined ? undefined : { traceId: origin.traceId }),
      ...(this.#dropped === 0 ? undefined : { dropped: this.#dropped }),
    })
    this.#dropped = 0
    // At once while it is quiet, so that the last words before a kill are not lost; in groups when it is not.
    if (performance.now() - this.#postedAt > postIntervalMs) this.flush()
  }

  flush(): void {
    if (this.#dropped > 0 && this.#entries.length === 0 && Math.floor(Date.now() / 1000) !== this.#second) {
      this.#entries.push({ timeMs: Date.now(), level: 'warn', message: 'lines were dropped', dropped: this.#dropped })
      this.#dropped = 0
    }
    if (this.#entries.length === 0) return
    this.#postedAt = performance.now()
    const entries = this.#entries
    this.#entries = []
    this.#post(entries)
  }

  /** At the end of a frame: what was dropped is said even when nothing follows. */
  flushAll(): void {
    if (this.#dropped > 0) {
      this.#entries.push({ timeMs: Date.now(), level: 'warn', message: 'lines were dropped', dropped: this.#dropped })
      this.#dropped = 0
    }
    this.flush()
  }

  /** Redirects the console and the standard streams of this thread. */
  install(): void {
    const levels = { log: 'info', info: 'info', debug: 'debug', warn: 'warn', error: 'error', trace: 'trace' } as const
    for (const [method, level] of Object.entries(levels) as [keyof typeof levels, Level][]) {
      globalThis.console[method] = (...values: unknown[]) => {
        this.log(level, formatBounded(values, this.#readableBytes))
      }
    }
    for (const [stream, level] of [
      [process.stdout, 'info'],
      [process.stderr, 'error'],
    ] as const) {
      stream.write = (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
        this.log(level, textOf(chunk, this.#readableBytes))
        const done = typeof encoding === 'function' ? encoding : callback
        if (typeof done === 'function') queueMicrotask(done as () => void)
        return true
      }
    }
  }

  #admit(timeMs: number, bytes: number, origin: LogOrigin | undefined): boolean {
    const second = Math.floor(timeMs / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#secondBytes = 0
    }
    if (this.#secondBytes + bytes > maxBytesPerSecond) return false
    if (origin !== undefined) {
      if (origin.loggedBytes + bytes > maxInvocationBytes) return false
      origin.loggedBytes += bytes
    }
    this.#secondBytes += bytes
    return true
  }
}

function formatBounded(values: unknown[], maxBytes: number): string {
  try {
    // A giant text is cut before it is formatted: formatting copies it.
    const bounded = values.map(value =>
      typeof value === 'string' && value.length > maxBytes ? cut(value, maxBytes) : value,
    )
    return formatWithOptions(
      { depth: 4, maxStringLength: maxBytes / 4, maxArrayLength: 50, breakLength: 120 },
      ...bounded,
    )
  } catch (error) {
    return `a value that cannot be shown was logged: ${describeThrown('error', error).message}`
  }
}

function textOf(chunk: unknown, maxBytes: number): string {
  if (typeof chunk === 'string') return chunk.length > maxBytes ? cut(chunk, maxBytes) : chunk.replace(/\n$/, '')
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.subarray(0, maxBytes)).toString('utf8').replace(/\n$/, '')
  return ''
}

function fieldsJson(fields: unknown, mask: SecretMask): string | undefined {
  try {
    const json = JSON.stringify(fields, (_name, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    ) as string | undefined
    if (json === undefined) return undefined
    const hidden = mask.hideInJson(json)
    return hidden.length <= maxMessageBytes ? hidden : JSON.stringify({ truncated: cut(hidden, maxMessageBytes - 64) })
  } catch (error) {
    return JSON.stringify({ unreadable: describeThrown('error', error, mask).message })
  }
}
