import { BlockList, isIP, type AddressInfo, type Socket } from 'node:net'
import { fastify, type FastifyError, type FastifyInstance } from 'fastify'
import type { HttpListenerConfig } from '../../config/sections/http-listener.ts'
import { problemContentType, problemOf } from '../../errors/problem-details.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { InflightGauge } from './inflight-gauge.ts'
import { IngestRoutes, methodNotAllowed, nothingAt, pathOf } from './ingest-routes.ts'
import { internalError, sendProblem } from './problem-answer.ts'

export interface HttpListenerOptions {
  readonly config: HttpListenerConfig
  /** Whether callers are authenticated; without it only loopback may be bound unless `insecure` is set. Default false. */
  readonly hasAuthentication?: boolean
  /** First segments of paths that sources may not take. Default those of the gateway's own API. */
  readonly reservedPaths?: readonly string[]
  /** Told of errors that are none of ours: the caller is only told that there was one. For the log. */
  readonly onUnexpected?: (error: unknown) => void
}

/**
 * The one HTTP listener: sources take their paths in {@link routes}, the API registers its plugins on {@link app} before
 * `start`.
 *
 *   created ──start()──▶ listening ──stop()──▶ stopping (new: 503, accepted: finished) ──▶ closed
 */
export class HttpListener {
  readonly app: FastifyInstance
  readonly routes: IngestRoutes
  readonly gauge: InflightGauge
  readonly #config: HttpListenerConfig

  constructor({ config, reservedPaths = defaultReservedPaths, onUnexpected }: HttpListenerOptions) {
    this.#config = config
    this.gauge = new InflightGauge({ maxRequests: config.maxInflightRequests, maxBytes: config.maxInflightBytes })
    const reserved = new Set(reservedPaths)
    this.routes = new IngestRoutes(this.gauge, path => reserved.has(path.split('/', 2)[1] ?? ''))
    this.app = hardenedFastify(config)
    this.app.server.maxConnections = config.maxConnections
    this.app.server.headersTimeout = config.headersTimeoutMs
    this.app.server.maxHeadersCount = MAX_HEADERS
    this.app.server.on('checkContinue', (request, response) => {
      // A sender that asks first is answered before it sends; for a source, once it is clear that the body is wanted.
      if (this.routes.find(pathOf(request.url ?? '')) === undefined) response.writeContinue()
      this.app.server.emit('request', request, response)
    })
    this.app.setErrorHandler((thrown: FastifyError, _request, reply) => {
      const error = errorOf(thrown)
      if (error.code === 'SLUICE_INTERNAL') onUnexpected?.(thrown)
      sendProblem(reply, error)
    })
    this.app.setNotFoundHandler((request, reply) => {
      const path = pathOf(request.url)
      const allow = this.routes.allowedMethods(path)
      if (allow === undefined) sendProblem(reply, nothingAt(path))
      else sendProblem(reply, methodNotAllowed(request.method, path), { allow })
    })
    this.app.register(this.routes.plugin)
  }

  /** Where it listens, such as http://127.0.0.1:8080; undefined before `start`. */
  get url(): string | undefined {
    const address = this.app.server.address() as AddressInfo | null
    if (address === null) return undefined
    return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
  }

  get port(): number | undefined {
    return (this.app.server.address() as AddressInfo | null)?.port
  }

  /** @throws {SluiceError} SLUICE_HTTP_PORT_IN_USE, SLUICE_HTTP_LISTEN. */
  async start(): Promise<void> {
    const { host, port } = this.#config
    try {
      await this.app.listen({ host, port, backlog: 1024 })
    } catch (thrown) {
      throw listenError(thrown, host, port)
    }
  }

  /** Refuses new requests, finishes the accepted ones, closes. Idempotent. */
  async stop(): Promise<void> {
    const drained = this.routes.stop()
    const closed = this.app.close()
    await drained
    // Fastify closes what is idle once; connections that become idle after their last answer would hold it up.
    const sweep = setInterval(() => this.app.server.closeIdleConnections(), SWEEP_MS)
    try {
      await closed
    } finally {
      clearInterval(sweep)
    }
  }
}

/** @throws {SluiceError} SLUICE_HTTP_INSECURE when it would be open to the network without authentication. */
export function createHttpListener(options: HttpListenerOptions): HttpListener {
  const { host, insecure } = options.config
  if (!isLoopback(host) && !insecure && options.hasAuthentication !== true) {
    throw new SluiceError(
      'SLUICE_HTTP_INSECURE',
      `http.host ${host} would open the gateway to the network without authentication; ` +
        'bind 127.0.0.1, or set http.insecure to true if something in front of it keeps strangers out',
    )
  }
  return new HttpListener(options)
}

const defaultReservedPaths = ['v1', 'healthz', 'readyz', 'metrics', 'dashboard']
const MAX_HEADERS = 100
const SWEEP_MS = 20
/** Longer than any answer may take (the longest `reply.timeoutMs` is 300 s): only a dead peer is silent for so long. */
const SILENT_CONNECTION_MS = 320_000

function hardenedFastify(config: HttpListenerConfig): FastifyInstance {
  return fastify({
    logger: false,
    bodyLimit: 1024 * 1024,
    requestTimeout: config.requestTimeoutMs,
    connectionTimeout: SILENT_CONNECTION_MS,
    keepAliveTimeout: config.keepAliveTimeoutMs,
    maxRequestsPerSocket: 10_000,
    forceCloseConnections: 'idle',
    // The sources answer 503 with Retry-After themselves while the listener stops.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    trustProxy: config.trustProxy.length === 0 ? false : config.trustProxy,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    routerOptions: { maxParamLength: 128 },
    http: {
      maxHeaderSize: config.maxHeaderBytes,
      // How often Node looks for late headers and bodies; its 30 s would make the limits up to 30 s longer.
      connectionsCheckingInterval: 1000,
      insecureHTTPParser: false,
    },
    frameworkErrors: (error, _request, reply) => sendProblem(reply, errorOf(error)),
    clientErrorHandler: answerClientError,
  })
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host === 'localhost'
  return loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

function listenError(cause: unknown, host: string, port: number): SluiceError {
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    return new SluiceError(
      'SLUICE_HTTP_PORT_IN_USE',
      `port ${port} on ${host} is in use by another process; stop it or set http.port`,
      { cause, details: { host, port } },
    )
  }
  return new SluiceError('SLUICE_HTTP_LISTEN', `cannot listen on ${host}:${port}: ${message}`, {
    cause,
    details: { host, port },
  })
}

/** Fastify's own errors in our table; anything unexpected keeps its message inside. */
function errorOf(error: FastifyError): SluiceError {
  if (error instanceof SluiceError) return error
  switch (error.statusCode) {
    case 400:
      return new SluiceError('SLUICE_HTTP_MALFORMED', error.message, { cause: error })
    case 413:
      return new SluiceError('SLUICE_HTTP_BODY_TOO_LARGE', error.message, { cause: error })
    case 415:
      return new SluiceError('SLUICE_HTTP_CONTENT_TYPE', error.message, { cause: error })
    default:
      return internalError(error)
  }
}

/** Answers what Node's parser refused or what took too long: there is no request object, only the socket. */
function answerClientError(cause: NodeJS.ErrnoException, socket: Socket): void {
  if (cause.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const error =
    cause.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new SluiceError('SLUICE_HTTP_TIMEOUT', 'the request did not arrive in time')
      : cause.code === 'HPE_HEADER_OVERFLOW'
        ? new SluiceError('SLUICE_HTTP_HEADERS_TOO_LARGE', 'the headers of the request are too large')
        : new SluiceError('SLUICE_HTTP_MALFORMED', 'the request is not valid HTTP/1.1')
  const body = JSON.stringify(problemOf(error))
  socket.end(
    `HTTP/1.1 ${error.status} ${reasonPhrases[error.status] ?? 'Bad Request'}\r\nContent-Type: ${problemContentType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

const reasonPhrases: Readonly<Record<number, string>> = {
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}
