import { isIP } from 'node:net'
import { Agent, type Dispatcher } from 'undici'
import type { HttpSinkConfig } from '../../config/sections/http-sink.ts'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import { encodeHttpBinary, encodeHttpStructured } from '../../events/bindings/http.ts'
import { checkHost, checkSink } from '../check-policy.ts'
import type { OutgoingResult, Sink, SinkHealth } from '../sink.ts'
import { compileTopicTemplate, encodeUrlPart, type TopicTemplate } from '../topic-template.ts'
import { addressDenied, isPrivateAddress, lookupPublic } from './address-guard.ts'
import { retryAfterMs } from './retry-after.ts'

/** What is read of an answer before its connection is given up: nothing in it is used. */
const MAX_ANSWER_BYTES = 64 * 1024
/** Headers that a handler may not set: they belong to the connection. */
const ownHeaders = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
])
const fieldName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

export interface HttpSinkOptions {
  readonly name: string
  readonly config: HttpSinkConfig
}

/** Sends every result as one request; 2xx is delivered, everything else is not. */
class HttpSink implements Sink {
  readonly name: string
  readonly kind = 'http'
  readonly destination: string
  readonly #config: HttpSinkConfig
  readonly #url: TopicTemplate
  readonly #agent: Agent
  #problem: string | undefined
  #isClosed = false

  constructor({ name, config }: HttpSinkOptions) {
    this.name = name
    this.#config = config
    this.#url = compileUrl(config.url, `sinks.${name}.url`)
    // The host is fixed, as was just checked; paths and queries may carry tokens.
    this.destination = new URL(config.url.replace(/[{}]/g, '')).hostname
    this.#agent = new Agent({
      connections: config.connections,
      // A result is repeated when its outcome is unknown; pipelining would make that true of its neighbours, too.
      pipelining: 1,
      connect: { timeout: config.timeoutMs, ...(config.allowPrivate ? {} : { lookup: lookupPublic }) },
    })
  }

  async start(): Promise<void> {}

  async deliver(result: OutgoingResult): Promise<void> {
    if (this.#isClosed) throw new SluiceError('SLUICE_SINKS_CLOSED', `the sink ${this.name} is closed`)
    checkSink(result.policy, this.name)
    const url = new URL(this.#url.fill(result.cause))
    // Redirects are not followed, so that this is the only host of the request.
    checkHost(result.policy, url.hostname)
    if (!this.#config.allowPrivate) checkLiteralAddress(url)
    const { headers, body } = this.#message(result)
    try {
      await this.#send(url, headers, body)
      this.#problem = undefined
    } catch (thrown) {
      const error = this.#errorOf(thrown, url)
      // A result that the destination refuses says nothing about whether the next one will get through.
      this.#problem = error.retryable ? error.message : undefined
      throw error
    }
  }

  health(): SinkHealth {
    if (this.#isClosed) return { ready: false, detail: 'closed' }
    return this.#problem === undefined ? { ready: true } : { ready: false, detail: this.#problem }
  }

  /** Lets requests under way end, each within its own time-out. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#agent.close()
  }

  async #send(url: URL, headers: Record<string, string>, body: Buffer): Promise<void> {
    const answer = await this.#agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: this.#config.method,
      headers,
      body,
      // One limit for the whole request: undici's own two would start anew with every byte.
      signal: AbortSignal.timeout(this.#config.timeoutMs),
    })
    await drain(answer)
    const { statusCode } = answer
    if (statusCode >= 200 && statusCode < 300) return
    throw this.#refusal(statusCode, answer.headers['retry-after'], url)
  }

  /** The operator's headers win over the event's, and those over the handler's wishes. */
  #message({ header, value, meta }: OutgoingResult): { headers: Record<string, string>; body: Buffer } {
    const { contentMode } = this.#config
    const encoded =
      contentMode === 'binary'
        ? encodeHttpBinary(header, value)
        : contentMode === 'structured'
          ? encodeHttpStructured(header, value)
          : { headers: plainHeaders(header.datacontenttype), body: value }
    const headers: Record<string, string> = {}
    if (meta.headers !== undefined) addHeaders(headers, meta.headers, this.name)
    Object.assign(headers, encoded.headers)
    // Binary mode encodes the id as well where a header could not carry it.
    headers['idempotency-key'] = fieldValue.test(header.id) ? header.id : encodeURIComponent(header.id)
    if (header.traceparent !== undefined) headers['traceparent'] = header.traceparent
    if (header.tracestate !== undefined) headers['tracestate'] = header.tracestate
    addHeaders(headers, this.#config.headers, this.name)
    return { headers, body: encoded.body }
  }

  #refusal(statusCode: number, retryAfter: string | string[] | undefined, url: URL): SluiceError {
    const details: Record<string, unknown> = { sink: this.name, statusCode, origin: url.origin }
    const isTransient = statusCode >= 500 || statusCode === 429 || statusCode === 408 || statusCode === 425
    if (!isTransient) {
      const hint = statusCode >= 300 && statusCode < 400 ? '; redirects are not followed' : ''
      const message = `${url.origin} answered ${statusCode} to the sink ${this.name}${hint}`
      return new SluiceError('SLUICE_SINKS_REJECTED', message, { details })
    }
    const waitMs = retryAfterMs(typeof retryAfter === 'string' ? retryAfter : retryAfter?.[0], Date.now())
    if (waitMs !== undefined) details['retryAfterMs'] = waitMs
    const message = `${url.origin} answered ${statusCode} to the sink ${this.name}`
    return new SluiceError('SLUICE_SINKS_UNAVAILABLE', message, { details })
  }

  /** Only origins in messages: paths and queries may carry tokens. */
  #errorOf(thrown: unknown, url: URL): SluiceError {
    if (thrown instanceof SluiceError) return thrown
    const details = { sink: this.name, origin: url.origin }
    if (
      thrown instanceof Error &&
      (thrown.name === 'TimeoutError' || thrown.name === 'AbortError' || isConnectTimeout(thrown))
    ) {
      const message = `${url.origin} did not answer the sink ${this.name} within ${this.#config.timeoutMs} ms`
      return new SluiceError('SLUICE_SINKS_TIMEOUT', message, { cause: thrown, details })
    }
    const message = `${url.origin} cannot be reached by the sink ${this.name}: ${messageOf(thrown)}`
    return new SluiceError('SLUICE_SINKS_UNAVAILABLE', message, { cause: thrown, details })
  }
}

/** @throws {SluiceError} SLUICE_CONFIG_INVALID for a URL or header that is none. */
export function createHttpSink(options: HttpSinkOptions): Sink {
  addHeaders({}, options.config.headers, options.name)
  return new HttpSink(options)
}

/** Placeholders may choose a path or a query value, never the host: events come from strangers. */
function compileUrl(url: string, where: string): TopicTemplate {
  const template = compileTopicTemplate(url, where, encodeUrlPart)
  const origin = /^https?:\/\/[^/?#{}]+/.exec(url)?.[0]
  if (origin === undefined || !URL.canParse(origin) || /^https?:\/\/[^/?#]*\{/.test(url)) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `${where}: ${origin ?? 'it'} is no http(s) URL with a fixed host`)
  }
  const { username, password } = new URL(origin)
  if (username !== '' || password !== '') {
    throw new SluiceError(
      'SLUICE_CONFIG_INVALID',
      `${where}: put credentials into headers.authorization, not into the URL`,
    )
  }
  return template
}

function addHeaders(target: Record<string, string>, more: Readonly<Record<string, string>>, sink: string): void {
  for (const [name, value] of Object.entries(more)) {
    const lowerCase = name.toLowerCase()
    if (!fieldName.test(name) || ownHeaders.has(lowerCase) || typeof value !== 'string' || !fieldValue.test(value)) {
      // The value may be a secret.
      throw new SluiceError(
        'SLUICE_SINKS_HEADER',
        `the sink ${sink} cannot send the header ${JSON.stringify(name.slice(0, 100))}`,
      )
    }
    target[lowerCase] = value
  }
}

function plainHeaders(contentType: string | undefined): Record<string, string> {
  return { 'content-type': contentType ?? 'application/octet-stream' }
}

/** Reads the answer to its end, so that the connection can be used again; a long one costs the connection, not memory. */
async function drain({ body }: Dispatcher.ResponseData): Promise<void> {
  try {
    await body.dump({ limit: MAX_ANSWER_BYTES })
  } catch {
    // The status has been told already, and it alone decides: a repeat because of its text would be a duplicate.
  }
}

function isConnectTimeout(error: Error): boolean {
  return 'code' in error && (error.code === 'UND_ERR_CONNECT_TIMEOUT' || error.code === 'UND_ERR_HEADERS_TIMEOUT')
}

function checkLiteralAddress({ hostname }: URL): void {
  const address = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  if (isIP(address) !== 0 && isPrivateAddress(address)) throw addressDenied(address)
}
