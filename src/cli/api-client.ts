import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import { readLines } from './read-lines.ts'
import { plainLines } from './terminal-text.ts'

export interface ApiClientOptions {
  /** Such as http://127.0.0.1:8080. */
  readonly url: string
  readonly token?: string | undefined
}

/** undefined values are left out; lists repeat the name. */
export type ApiQuery = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface ApiRequest {
  readonly query?: ApiQuery | undefined
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, with its content type among the headers; instead of `body`. */
  readonly bytes?: Uint8Array | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Until the answer has begun; its body has as long again. Default 60 s; Infinity waits as long as it takes. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ApiReply {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
}

/** The CLI's only way to a gateway: its HTTP API. Paths come from {@link apiPath}. */
export interface ApiClient {
  readonly url: string
  /**
   * The answer's JSON.
   * @throws {SluiceError} SLUICE_CLI_UNREACHABLE; SLUICE_CLI_REFUSED with what the gateway said, its status and code in
   *   `details`.
   */
  json<View>(method: string, path: string, request?: ApiRequest): Promise<View>
  /** All items of a list, page after page. @throws as {@link json}. */
  list<Item>(path: string, query?: ApiQuery, signal?: AbortSignal): Promise<readonly Item[]>
  /** The reply as it came, whatever its status. @throws {SluiceError} SLUICE_CLI_UNREACHABLE. */
  send(method: string, path: string, request?: ApiRequest): Promise<ApiReply>
  /**
   * Lines of JSON as they come, until the gateway closes. @throws as {@link json}; SLUICE_CLI_UNREACHABLE when the
   * connection breaks. Ends quietly when the signal is aborted.
   * @param onOpen called when the gateway has begun to answer.
   */
  lines<Line>(
    path: string,
    query: ApiQuery,
    signal: AbortSignal,
    onOpen?: () => void,
  ): AsyncGenerator<Line, void, undefined>
}

/** `/v1/functions/price/versions/3`, each part escaped. @throws {SluiceError} SLUICE_CLI_USAGE for a part that is no name. */
export function apiPath(...parts: readonly (string | number)[]): string {
  const escaped = parts.map(part => {
    const text = String(part)
    // URLs take . and .. away, escaped or not: the request would be for something else.
    if (text === '' || text === '.' || text === '..') {
      throw new SluiceError('SLUICE_CLI_USAGE', `'${text}' is no name: letters, digits and dashes make one`)
    }
    return encodeURIComponent(text)
  })
  return `/v1/${escaped.join('/')}`
}

/** @throws {SluiceError} SLUICE_CLI_USAGE for a url that is none. */
export function createApiClient(options: ApiClientOptions): ApiClient {
  const base = options.url.replace(/\/+$/, '')
  if (!URL.canParse(base) || !/^https?:/.test(base)) {
    throw new SluiceError('SLUICE_CLI_USAGE', `--url must be like http://127.0.0.1:8080, not '${options.url}'`)
  }
  const open = async (method: string, path: string, request: ApiRequest): Promise<Response> => {
    const headers = new Headers({ accept: 'application/json, */*', ...request.headers })
    if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`)
    let body = request.bytes === undefined ? undefined : new Uint8Array(request.bytes)
    if (request.body !== undefined) {
      headers.set('content-type', 'application/json')
      body = new TextEncoder().encode(JSON.stringify(request.body))
    }
    const timeoutMs = request.timeoutMs ?? 60_000
    const limits: AbortSignal[] = request.signal === undefined ? [] : [request.signal]
    if (timeoutMs !== Infinity) limits.push(AbortSignal.timeout(timeoutMs))
    try {
      return await fetch(base + path + queryOf(request.query), {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        ...(limits.length === 0 ? {} : { signal: AbortSignal.any(limits) }),
      })
    } catch (error) {
      throw unreachable(base, error)
    }
  }
  const send = async (method: string, path: string, request: ApiRequest = {}): Promise<ApiReply> => {
    const response = await open(method, path, request)
    try {
      return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) }
    } catch (error) {
      throw unreachable(base, error)
    }
  }
  const json = async <View>(method: string, path: string, request: ApiRequest = {}): Promise<View> => {
    const reply = await send(method, path, request)
    if (reply.status < 200 || reply.status > 299) throw refusal(reply)
    try {
      return JSON.parse(reply.body.toString('utf8')) as View
    } catch (error) {
      throw new SluiceError('SLUICE_CLI_REFUSED', `${base} answered without JSON: it is no Sluice gateway`, {
        cause: error,
      })
    }
  }
  return {
    url: base,
    send,
    json,
    list: async <Item>(path: string, query: ApiQuery = {}, signal?: AbortSignal) => {
      const items: Item[] = []
      let after: string | undefined
      do {
        const page: Page<Item> = await json<Page<Item>>('GET', path, {
          query: { limit: 1000, ...query, after },
          signal,
        })
        items.push(...page.items)
        after = page.next ?? undefined
      } while (after !== undefined)
      return items
    },
    async *lines<Line>(path: string, query: ApiQuery, signal: AbortSignal, onOpen?: () => void) {
      const accept = { accept: 'application/x-ndjson' }
      try {
        const response = await open('GET', path, { query, signal, headers: accept, timeoutMs: Infinity })
        if (!response.ok) {
          const body = Buffer.from(await response.arrayBuffer())
          throw refusal({ status: response.status, headers: response.headers, body })
        }
        onOpen?.()
        if (response.body === null) return
        for await (const line of readLines(response.body)) yield JSON.parse(line) as Line
      } catch (error) {
        if (signal.aborted) return
        throw error instanceof SluiceError ? error : unreachable(base, error)
      }
    },
  }
}

interface Page<Item> {
  readonly items: readonly Item[]
  /** Absent where a list has no pages. */
  readonly next?: string | null
}

function queryOf(query: ApiQuery = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value]) {
      if (one !== undefined) parameters.append(name, String(one))
    }
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`
}

function unreachable(base: string, error: unknown): SluiceError {
  // fetch says only "fetch failed"; the reason is in its cause.
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  const isRefused = cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED'
  const reason = isRefused ? 'nothing listens there' : messageOf(cause)
  const message = `no gateway at ${base} (${reason}); start one with \`sluice start\`, or name another with --url or SLUICE_URL`
  return new SluiceError('SLUICE_CLI_UNREACHABLE', message, { cause: error })
}

/** What a person can do about it, where the gateway cannot know how they came. */
const hints: Readonly<Record<string, string>> = {
  SLUICE_API_UNAUTHORIZED: ' (--token or SLUICE_TOKEN)',
  SLUICE_REGISTRY_IN_USE: ' (--force)',
}

/** The error that a problem document stands for. */
export function refusal(reply: ApiReply): SluiceError {
  const problem = problemOf(reply)
  const code = typeof problem.code === 'string' ? problem.code : ''
  const detail = typeof problem.detail === 'string' ? `: ${plainLines(problem.detail)}` : ''
  const hint = hints[reply.status === 401 ? 'SLUICE_API_UNAUTHORIZED' : code] ?? ''
  const shownCode = code === '' ? '' : ` ${plainLines(code)}`
  return new SluiceError('SLUICE_CLI_REFUSED', `the gateway answered ${reply.status}${shownCode}${detail}${hint}`, {
    details: { status: reply.status, code },
  })
}

/** The problem document of a reply; empty for everything else. */
export function problemOf(reply: ApiReply): { readonly code?: unknown; readonly detail?: unknown } {
  try {
    if (!(reply.headers.get('content-type') ?? '').includes('json')) return {}
    const problem: unknown = JSON.parse(reply.body.toString('utf8'))
    return typeof problem === 'object' && problem !== null ? problem : {}
  } catch {
    // A proxy in between may answer anything; the status is still worth telling.
    return {}
  }
}

/** Whether the gateway refused with this status. */
export const isRefusal = (error: unknown, status: number): boolean =>
  error instanceof SluiceError && error.code === 'SLUICE_CLI_REFUSED' && error.details.status === status

/** What is asked for, or undefined where there is none. */
export async function orNone<View>(view: Promise<View>): Promise<View | undefined> {
  try {
    return await view
  } catch (error) {
    if (isRefusal(error, 404)) return undefined
    throw error
  }
}
