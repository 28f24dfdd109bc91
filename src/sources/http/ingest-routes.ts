import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { InflightGauge } from './inflight-gauge.ts'
import { refuseUnread } from './problem-answer.ts'
import { bodyTooLarge, readBody } from './request-body.ts'

/** One path that takes events. */
export interface IngestRoute {
  readonly maxBodyBytes: number
  /** Methods that are taken, beside OPTIONS of a handshake. */
  readonly methods: readonly string[]
  /** Whether it takes everything below its path as well. */
  readonly hasSubpaths: boolean
  /** Counts what is in progress for the source and the listener; absent: only the listener's counts. */
  readonly gauge?: InflightGauge | undefined
  /** Looks at the request before its body is read; an error refuses it without reading. */
  admit(request: FastifyRequest): SluiceError | undefined
  /** Answers a request whose body is complete. Resolves once the answer is handed over; never rejects. */
  handle(request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<void>
  /** The CloudEvents webhook handshake; absent: OPTIONS is not allowed. */
  handshake?(request: FastifyRequest, reply: FastifyReply): void
  /** Told when a request is refused on its way to `handle`. */
  onRefused(error: SluiceError): void
}

/**
 * The paths of HTTP sources, looked up as they are, or by the nearest one above that takes what is below it: sources come
 * and go while the listener runs, which routes of Fastify cannot, and a path that a user has chosen never becomes a
 * pattern.
 */
export class IngestRoutes {
  readonly #routes = new Map<string, IngestRoute>()
  /** Of the listener. */
  readonly gauge: InflightGauge
  /** Where a browser is sent that asks for `/`, if no source has that path. */
  home: string | undefined
  readonly #isReserved: (path: string) => boolean
  /** Most gateways have none: then a path is looked up once. */
  #withSubpaths = 0
  #stopping = false
  readonly #whenIdle: (() => void)[] = []

  /** @param isReserved whether a path belongs to the API, so that a source there would never be reached. */
  constructor(gauge: InflightGauge, isReserved: (path: string) => boolean) {
    this.gauge = gauge
    this.#isReserved = isReserved
  }

  /** @throws {SluiceError} SLUICE_HTTP_PATH_TAKEN. */
  add(path: string, route: IngestRoute): void {
    if (this.#routes.has(path) || this.#isReserved(path)) {
      const owner = this.#routes.has(path) ? 'another source' : 'the gateway itself'
      throw new SluiceError('SLUICE_HTTP_PATH_TAKEN', `the path ${path} is used by ${owner}; choose another`)
    }
    this.#routes.set(path, route)
    if (route.hasSubpaths) this.#withSubpaths++
  }

  remove(path: string): void {
    if (this.#routes.get(path)?.hasSubpaths === true) this.#withSubpaths--
    this.#routes.delete(path)
  }

  find(path: string): IngestRoute | undefined {
    const route = this.#routes.get(path)
    if (route !== undefined || this.#withSubpaths === 0) return route
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const above = this.#routes.get(path.slice(0, end))
      if (above?.hasSubpaths === true) return above
    }
    return undefined
  }

  /** The methods of a path for an `Allow` header; undefined when no source has the path. */
  allowedMethods(path: string): string | undefined {
    const route = this.find(path)
    if (route === undefined) return undefined
    return (route.handshake === undefined ? route.methods : ['OPTIONS', ...route.methods]).join(', ')
  }

  /** Refuses every request from now on and resolves when the accepted ones are answered. */
  stop(): Promise<void> {
    this.#stopping = true
    if (this.gauge.requests === 0) return Promise.resolve()
    return new Promise(resolve => this.#whenIdle.push(resolve))
  }

  /**
   * Everything happens in the first hook, before Fastify would look at the body: its parsers, whose differences to
   * validation were a row of CVEs, never see an event, and what is refused is not read.
   */
  readonly plugin = (app: FastifyInstance, _options: object, registered: () => void): void => {
    app.addHook('onRequest', (request, reply) => this.#receive(request, reply))
    // Reached by nobody: the hook answers.
    const handler = (): void => undefined
    for (const url of ['/', '/*']) app.route({ method: [...takenMethods], url, handler })
    registered()
  }

  #receive(request: FastifyRequest, reply: FastifyReply): void {
    const path = pathOf(request.raw.url!)
    const route = this.find(path)
    if (route === undefined) {
      if (path === '/' && request.method === 'GET' && this.home !== undefined) return void reply.redirect(this.home)
      return refuseUnread(request, reply, nothingAt(path))
    }
    if (request.method !== 'OPTIONS' && !route.methods.includes(request.method)) {
      const allow = this.allowedMethods(path)!
      return refuseUnread(request, reply, methodNotAllowed(request.method, path), { allow })
    }
    if (request.method === 'OPTIONS') {
      if (route.handshake !== undefined) return route.handshake(request, reply)
      return refuseUnread(request, reply, methodNotAllowed('OPTIONS', path), { allow: this.allowedMethods(path)! })
    }
    const refusal = this.#refusal(request, route)
    if (refusal !== undefined) {
      route.onRefused(refusal)
      return refuseUnread(request, reply, refusal)
    }
    const gauge = route.gauge ?? this.gauge
    gauge.begin()
    readBody(request.raw, route.maxBodyBytes, gauge, (error, body) => {
      if (error !== undefined) {
        this.#release(gauge, 0)
        route.onRefused(error)
        // Nobody is there any more to be answered.
        if (error.code === 'SLUICE_HTTP_ABORTED') reply.hijack()
        else refuseUnread(request, reply, error)
        return
      }
      if (this.#stopping) reply.raw.setHeader('connection', 'close')
      const release = (): void => this.#release(gauge, body.length)
      route.handle(request, reply, body).then(release, release)
    })
    if (request.headers.expect !== undefined) reply.raw.writeContinue()
  }

  /** What can be told from the headers alone. */
  #refusal(request: FastifyRequest, route: IngestRoute): SluiceError | undefined {
    if (this.#stopping) return stopping()
    const { headers } = request
    const length = headers['content-length']
    const promised = length === undefined ? 0 : Number(length)
    if (promised > route.maxBodyBytes) return bodyTooLarge(route.maxBodyBytes)
    const overfull = (route.gauge ?? this.gauge).refusalOf(promised)
    if (overfull !== undefined) return overfull
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') {
      const message = 'compressed bodies are not taken; send the body without Content-Encoding'
      return new SluiceError('SLUICE_HTTP_CONTENT_ENCODING', message)
    }
    return route.admit(request)
  }

  #release(gauge: InflightGauge, bytes: number): void {
    gauge.end(bytes)
    if (this.gauge.requests === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }
}

/** Methods that sources may take; others are answered by the listener. */
const takenMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** The path as the sender wrote it: not decoded, so that no two spellings reach the same source. */
export function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

export function nothingAt(path: string): SluiceError {
  return new SluiceError('SLUICE_HTTP_NOT_FOUND', `no source has the path ${shorten(path)}`)
}

export function methodNotAllowed(method: string, path: string): SluiceError {
  return new SluiceError('SLUICE_HTTP_METHOD_NOT_ALLOWED', `${shorten(path)} does not take ${method}`)
}

export function stopping(): SluiceError {
  return new SluiceError('SLUICE_HTTP_STOPPING', 'the gateway is stopping; send this again in a moment', {
    details: { retryAfterMs: 2000 },
  })
}

function shorten(path: string): string {
  return path.length <= 200 ? path : `${path.slice(0, 200)}…`
}
