import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { createGrpcServer, grpcStatus } from './grpc-server.ts'
import { metricsOf, type ReceivedMetric, type ReceivedSpan, spansOf } from './received.ts'
import { metricsRequest, traceRequest } from './schemas.ts'
import { decodeMessage, type Message, type Schema } from './wire.ts'

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'
const DEFAULT_WAIT_MS = 20_000

const GRPC_SERVICES = {
  '/opentelemetry.proto.collector.trace.v1.TraceService/Export': '/v1/traces',
  '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export': '/v1/metrics',
} as const

/**
 * A real OTLP receiver (OTLP specification 1.x). By HTTP: `POST /v1/traces` and `/v1/metrics`, protobuf or JSON, plain or
 * gzip; by gRPC the same two services. Point the exporter at it with `OTEL_EXPORTER_OTLP_ENDPOINT`.
 */
export class OtlpReceiver {
  readonly #server: Server | Http2Server
  readonly #spans: ReceivedSpan[] = []
  readonly #metrics: ReceivedMetric[] = []
  /** One for each export: what it was and how it came. */
  readonly #exports: { path: string; contentType: string; encoding: string }[] = []
  readonly #checks = new Set<() => void>()
  #refusal: number | undefined
  #isSilent = false

  static async start(transport: 'http' | 'grpc' = 'http'): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver(transport)
    await new Promise<void>((resolve, reject) => {
      receiver.#server.once('error', reject)
      receiver.#server.listen(0, '127.0.0.1', resolve)
    })
    return receiver
  }

  private constructor(transport: 'http' | 'grpc') {
    this.#server =
      transport === 'grpc'
        ? createGrpcServer((path, message, encoding) => this.#answerCall(path, message, encoding))
        : createServer((request, response) => {
            this.#answer(request).then(
              ({ status, contentType, body }) => response.writeHead(status, { 'content-type': contentType }).end(body),
              (error: unknown) => response.writeHead(400).end(String(error)),
            )
          })
  }

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** All spans so far, in order of arrival. */
  spans(): readonly ReceivedSpan[] {
    return this.#spans
  }

  spansOfTrace(traceId: string): readonly ReceivedSpan[] {
    return this.#spans.filter(span => span.traceId === traceId)
  }

  /** All metrics so far; of one that is exported again and again each state in turn. */
  metrics(): readonly ReceivedMetric[] {
    return this.#metrics
  }

  exports(): readonly { path: string; contentType: string; encoding: string }[] {
    return this.#exports
  }

  /** From now on answers every export with this status (a collector in trouble); undefined ends it. */
  refuse(status: number | undefined): void {
    this.#refusal = status
  }

  /** From now on takes every export and answers none: a collector that hangs. */
  hang(): void {
    this.#isSilent = true
  }

  /** Resolves with the first truthy result of `probe`, which is asked now and after each export; rejects after `timeoutMs`. */
  waitFor<T>(probe: (receiver: this) => T | undefined | false, timeoutMs = DEFAULT_WAIT_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        let result: T | undefined | false
        try {
          result = probe(this)
        } catch (error) {
          settle()
          reject(error instanceof Error ? error : new Error(String(error)))
          return
        }
        if (!result) return
        settle()
        resolve(result)
      }
      const settle = (): void => {
        clearTimeout(timer)
        this.#checks.delete(check)
      }
      const timer = setTimeout(() => {
        settle()
        const names = this.#spans.map(span => `${span.name} (${span.traceId})`)
        reject(
          new Error(
            `not within ${timeoutMs} ms; ${this.#exports.length} exports came, spans: ${names.join(', ') || 'none'}`,
          ),
        )
      }, timeoutMs)
      this.#checks.add(check)
      check()
    })
  }

  async stop(): Promise<void> {
    if ('closeAllConnections' in this.#server) this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; contentType: string; body: string }> {
    const path = request.url ?? ''
    const encoding = request.headers['content-encoding'] ?? 'identity'
    const contentType = (request.headers['content-type'] ?? '').split(';')[0]!.trim()
    const sent = await buffer(request)
    const text = (status: number, body: string) => ({ status, contentType: 'text/plain', body })
    if (request.method !== 'POST' || !['/v1/traces', '/v1/metrics'].includes(path))
      return text(404, `nothing at ${path}`)
    if (this.#refusal !== undefined) return text(this.#refusal, 'told to refuse')
    if (contentType !== PROTOBUF && contentType !== JSON_TYPE) return text(415, `cannot read ${contentType}`)
    if (encoding !== 'identity' && encoding !== 'gzip') return text(415, `cannot unpack ${encoding}`)
    const body = encoding === 'gzip' ? await promisify(gunzip)(sent) : sent
    const decode = (schema: Schema): Message =>
      contentType === JSON_TYPE ? (JSON.parse(body.toString('utf8')) as Message) : decodeMessage(body, schema)
    this.#take(path, decode(path === '/v1/traces' ? traceRequest : metricsRequest), contentType, encoding)
    await this.#patience()
    // An empty response message means complete success; in protobuf it is no bytes at all.
    return { status: 200, contentType, body: contentType === JSON_TYPE ? '{}' : '' }
  }

  async #answerCall(service: string, message: Buffer, encoding: string): Promise<number> {
    const path = GRPC_SERVICES[service as keyof typeof GRPC_SERVICES]
    if (path === undefined) return grpcStatus.unimplemented
    if (this.#refusal !== undefined) return grpcStatus.unavailable
    this.#take(path, decodeMessage(message, path === '/v1/traces' ? traceRequest : metricsRequest), 'grpc', encoding)
    await this.#patience()
    return grpcStatus.ok
  }

  #take(path: string, message: Message, contentType: string, encoding: string): void {
    if (path === '/v1/traces') this.#spans.push(...spansOf(message))
    else this.#metrics.push(...metricsOf(message))
    this.#exports.push({ path, contentType, encoding })
    for (const check of this.#checks) check()
  }

  async #patience(): Promise<void> {
    if (this.#isSilent) await new Promise(() => {})
  }
}
