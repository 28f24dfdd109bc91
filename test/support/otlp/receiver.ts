import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { metricsOf, type ReceivedMetric, type ReceivedSpan, spansOf } from './received.ts'
import { metricsRequest, traceRequest } from './schemas.ts'
import { decodeMessage, type Message, type Schema } from './wire.ts'

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'
const DEFAULT_WAIT_MS = 20_000

/**
 * A real OTLP/HTTP receiver (OTLP specification 1.x): `POST /v1/traces` and `/v1/metrics`, protobuf or JSON, plain or
 * gzip. Point the exporter at it with `OTEL_EXPORTER_OTLP_ENDPOINT`.
 */
export class OtlpReceiver {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string
  readonly #server: Server
  readonly #spans: ReceivedSpan[] = []
  readonly #metrics: ReceivedMetric[] = []
  /** One for each export: what it was and how it came. */
  readonly #exports: { path: string; contentType: string; encoding: string }[] = []
  readonly #checks = new Set<() => void>()
  #refusal: number | undefined

  static async start(): Promise<OtlpReceiver> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    return new OtlpReceiver(server)
  }

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request: IncomingMessage, response) => {
      this.#answer(request).then(
        ({ status, contentType, body }) => response.writeHead(status, { 'content-type': contentType }).end(body),
        (error: unknown) => response.writeHead(400).end(String(error)),
      )
    })
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
    this.#server.closeAllConnections()
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
    if (path === '/v1/traces') this.#spans.push(...spansOf(decode(traceRequest)))
    else this.#metrics.push(...metricsOf(decode(metricsRequest)))
    this.#exports.push({ path, contentType, encoding })
    for (const check of this.#checks) check()
    // An empty response message means complete success; in protobuf it is no bytes at all.
    return { status: 200, contentType, body: contentType === JSON_TYPE ? '{}' : '' }
  }
}
