import { messageOf, SluiceError } from '../errors/sluice-error.ts'

export interface ApiClientOptions {
  /** Such as http://127.0.0.1:8080. */
  readonly url: string
  readonly token?: string | undefined
  readonly timeoutMs?: number
}

export interface ApiReply {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer
}

/** The CLI's only way to a gateway: its HTTP API. */
export interface ApiClient {
  /** @throws {SluiceError} SLUICE_CLI_UNREACHABLE; SLUICE_CLI_REFUSED with what the gateway said. */
  get(path: string): Promise<unknown>
  post(path: string, body?: unknown): Promise<unknown>
  /** The reply as it came, whatever its status. @throws {SluiceError} SLUICE_CLI_UNREACHABLE. */
  send(path: string, contentType: string, body: Buffer): Promise<ApiReply>
}

/** @throws {SluiceError} SLUICE_CLI_USAGE for a url that is none. */
export function createApiClient(options: ApiClientOptions): ApiClient {
  const base = options.url.replace(/\/+$/, '')
  if (!URL.canParse(base) || !/^https?:/.test(base)) {
    throw new SluiceError('SLUICE_CLI_USAGE', `--url must be like http://127.0.0.1:8080, not '${options.url}'`)
  }
  const request = async (method: string, path: string, contentType?: string, body?: Buffer): Promise<ApiReply> => {
    const headers: Record<string, string> = { accept: 'application/json, */*' }
    if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`
    if (contentType !== undefined) headers['content-type'] = contentType
    try {
      const response = await fetch(base + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: new Uint8Array(body) }),
        signal: AbortSignal.timeout(options.timeoutMs ?? 60_000),
      })
      return {
        status: response.status,
        contentType: response.headers.get('content-type') ?? '',
        body: Buffer.from(await response.arrayBuffer()),
      }
    } catch (error) {
      throw unreachable(base, error)
    }
  }
  return {
    get: async path => jsonOf(await request('GET', path), base),
    post: async (path, body) =>
      jsonOf(
        body === undefined
          ? await request('POST', path)
          : await request('POST', path, 'application/json', Buffer.from(JSON.stringify(body))),
        base,
      ),
    send: (path, contentType, body) => request('POST', path, contentType, body),
  }
}

function unreachable(base: string, error: unknown): SluiceError {
  // fetch says only "fetch failed"; the reason is in its cause.
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  const reason =
    cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED'
      ? 'nothing listens there'
      : messageOf(cause)
  const message = `no gateway at ${base} (${reason}); start one with \`sluice start\`, or name another with --url or SLUICE_URL`
  return new SluiceError('SLUICE_CLI_UNREACHABLE', message, { cause: error })
}

function jsonOf(reply: ApiReply, base: string): unknown {
  if (reply.status < 200 || reply.status > 299) throw refusal(reply)
  try {
    return JSON.parse(reply.body.toString('utf8'))
  } catch (error) {
    throw new SluiceError('SLUICE_CLI_REFUSED', `${base} answered without JSON: it is no Sluice gateway`, {
      cause: error,
    })
  }
}

/** The error that a problem document stands for. */
export function refusal(reply: ApiReply): SluiceError {
  let problem: { code?: unknown; detail?: unknown } = {}
  try {
    if (reply.contentType.includes('json')) problem = JSON.parse(reply.body.toString('utf8')) as typeof problem
  } catch {
    // A proxy in between may answer anything; the status is still worth telling.
  }
  const code = typeof problem.code === 'string' ? ` ${problem.code}` : ''
  const detail = typeof problem.detail === 'string' ? `: ${problem.detail}` : ''
  const hint = reply.status === 401 ? ' (--token or SLUICE_TOKEN)' : ''
  return new SluiceError('SLUICE_CLI_REFUSED', `the gateway answered ${reply.status}${code}${detail}${hint}`)
}
