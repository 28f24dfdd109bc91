import type { NetworkPolicy } from '../../config/sections/function-definition.ts'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import type { ResolvedBinding } from '../../functions/function-version.ts'
import { checkHost } from '../../sinks/check-policy.ts'
import { unrestricted, type ResultPolicy } from '../../sinks/result-policy.ts'
import type { HttpAnswer, HttpBinding, HttpPath, HttpRequest } from '../handler-types.ts'
import { BaseUrl, encodePathPart } from './base-url.ts'
import type { BindingUse, Connection } from './binding.ts'
import { compileEventTemplate, type EventTemplate } from './event-template.ts'
import { readHttpAnswer } from './http-answer.ts'
import { encodePayload } from './payload.ts'

type HttpDefinition = Extract<ResolvedBinding, { readonly type: 'http' }>

const maxRedirects = 5
/** Headers that belong to the connection. */
const connectionHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const fieldName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

// Those of Node, whatever the function does to them later.
const { fetch: send, Headers: HeaderList, AbortSignal: Signals } = globalThis

/**
 * An HTTP service with its credentials. There is nothing to open ahead: Node keeps the connections of a thread and uses
 * them again.
 */
export class HttpConnection implements Connection {
  readonly #name: string
  readonly #base: BaseUrl
  readonly #path: EventTemplate | undefined
  readonly #headers: Readonly<Record<string, string>>
  readonly #timeoutMs: number
  readonly #policy: ResultPolicy

  /** @throws {SluiceError} SLUICE_CONFIG_INVALID, SLUICE_SINKS_HEADER for a definition that cannot be used. */
  constructor(name: string, definition: HttpDefinition, network: NetworkPolicy | undefined) {
    const { baseUrl, path, headers, token, timeoutMs } = definition
    this.#name = name
    this.#base = new BaseUrl(baseUrl, name)
    this.#path = path === undefined ? undefined : compileEventTemplate(path, `binding ${name}: path`, encodePathPart)
    // What a value would make impossible anyway is told at the start.
    if (this.#path !== undefined) this.#base.resolve(this.#path.sample('x'), undefined)
    this.#headers = this.#checked({ ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) })
    this.#timeoutMs = timeoutMs
    this.#policy = { ...unrestricted, network }
  }

  bind(use: BindingUse): HttpBinding {
    return new BoundHttp((request, init) => this.#send(use, request, init), this.#name)
  }

  connect(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #send<T>(use: BindingUse, { path, query }: HttpRequest, call: HttpCall<T>): Promise<T> {
    let url = this.#base.resolve(path ?? this.#path?.fill(use.event), query)
    checkHost(this.#policy, url.hostname)
    const headers = new HeaderList(this.#checked(Object.fromEntries(call.headers)))
    for (const [name, value] of Object.entries(this.#headers)) headers.set(name, value)
    const timeout = Signals.timeout(this.#timeoutMs)
    const signals = [timeout, use.signal, call.signal].filter(signal => signal !== undefined && signal !== null)
    const init: RequestInit = { ...call.init, headers, signal: Signals.any(signals), redirect: 'manual' }
    try {
      for (let redirects = 0; ; redirects++) {
        const response = await send(url, init)
        const next = redirects < maxRedirects ? this.#redirectOf(response, url, init) : undefined
        if (next === undefined) return await call.read(response)
        await response.body?.cancel()
        url = next
      }
    } catch (thrown) {
      throw this.#errorOf(thrown, timeout, signals)
    }
  }

  /** Where to go on, as browsers do it, but never with the credentials to what is not below the base URL. */
  #redirectOf({ status, headers }: Response, from: URL, init: RequestInit): URL | undefined {
    const location = headers.get('location')
    if (![301, 302, 303, 307, 308].includes(status) || location === null || !URL.canParse(location, from.href))
      return undefined
    const to = new URL(location, from)
    if (!this.#base.contains(to) || to.username !== '' || to.password !== '') return undefined
    const { method = 'GET' } = init
    const becomesGet = (status === 303 && method !== 'HEAD') || (status < 303 && method === 'POST')
    if (becomesGet) {
      init.method = 'GET'
      delete init.body
      ;(init.headers as Headers).delete('content-type')
      return to
    }
    // A stream has been read.
    return init.body instanceof ReadableStream ? undefined : to
  }

  /** @throws {SluiceError} SLUICE_SINKS_HEADER; never with a value, which may be a secret. */
  #checked(headers: Readonly<Record<string, string>>): Record<string, string> {
    const checked: Record<string, string> = {}
    for (const [name, value] of Object.entries(headers)) {
      const lowerCase = name.toLowerCase()
      if (!fieldName.test(name) || connectionHeaders.has(lowerCase) || !fieldValue.test(value)) {
        const shown = JSON.stringify(name.slice(0, 100))
        throw new SluiceError('SLUICE_SINKS_HEADER', `binding ${this.#name} cannot send the header ${shown}`)
      }
      checked[lowerCase] = value
    }
    return checked
  }

  /** Only the origin in messages: paths and queries may carry tokens. */
  #errorOf(thrown: unknown, timeout: AbortSignal, signals: readonly AbortSignal[]): unknown {
    if (thrown instanceof SluiceError) return thrown
    const where = `binding ${this.#name}: ${this.#base.origin}`
    if (timeout.aborted)
      return new SluiceError('SLUICE_SINKS_TIMEOUT', `${where} did not answer within ${this.#timeoutMs} ms`)
    // Somebody else has ended it, and knows why.
    if (signals.some(({ aborted }) => aborted)) return thrown
    return new SluiceError('SLUICE_SINKS_UNAVAILABLE', `${where} cannot be reached: ${reasonOf(thrown)}`)
  }
}

/** What the kinds of calls of a binding differ in. */
interface HttpCall<T> {
  readonly init: RequestInit
  readonly headers: Iterable<readonly [string, string]>
  readonly signal?: AbortSignal | null | undefined
  readonly read: (response: Response) => T | Promise<T>
}

type Send = <T>(request: HttpRequest, call: HttpCall<T>) => Promise<T>

/** For one attempt. */
class BoundHttp implements HttpBinding {
  readonly #send: Send
  readonly #name: string

  constructor(sender: Send, name: string) {
    this.#send = sender
    this.#name = name
    Object.freeze(this)
  }

  get(path?: HttpPath): Promise<HttpAnswer> {
    return this.request(path === undefined ? {} : { path })
  }

  post(path: HttpPath | undefined, body?: unknown): Promise<HttpAnswer> {
    return this.request({ method: 'POST', body, ...(path === undefined ? {} : { path }) })
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    const { method = 'GET', headers = {}, body } = request
    const payload = body === undefined || body === null ? undefined : encodePayload(body)
    const type: [string, string][] = payload === undefined ? [] : [['content-type', payload.contentType]]
    const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const)
    return await this.#send(request, {
      init: {
        method: method.toUpperCase(),
        ...(payload === undefined ? {} : { body: payload.data as NonNullable<RequestInit['body']> }),
      },
      headers: [...type, ...own],
      read: response => readHttpAnswer(response, this.#name),
    })
  }

  async fetch(path?: HttpPath, init: RequestInit = {}): Promise<Response> {
    const { method = 'GET', headers, body, signal } = init
    const streams = body instanceof ReadableStream ? { duplex: 'half' as const } : {}
    return await this.#send(path === undefined ? {} : { path }, {
      init: { method: method.toUpperCase(), ...(body === undefined || body === null ? {} : { body }), ...streams },
      // Without a content type `fetch` sets the one that belongs to the body.
      headers: new HeaderList(headers),
      signal,
      read: response => response,
    })
  }
}

/** The messages of `fetch` say nothing; their causes do. */
function reasonOf(thrown: unknown): string {
  const { cause } = thrown as { cause?: { code?: unknown } }
  if (cause === undefined) return messageOf(thrown)
  const message = messageOf(cause)
  return typeof cause.code === 'string' && !message.includes(cause.code) ? `${message} (${cause.code})` : message
}
