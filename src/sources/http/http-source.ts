import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ServerResponse } from 'node:http'
import type { HttpSourceConfig } from '../../config/sections/http-source.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { eventFromHttp, type EventDefaults } from '../../events/create-event.ts'
import { compileMapping, type CompiledMapping } from '../../events/mapping.ts'
import { createSignatureVerifier, type SignatureVerifier } from '../signature.ts'
import type { ReceiveSpan, ReceiveTracer } from '../receive-tracer.ts'
import { pauseDetail, pausedError } from '../source-pause.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import type { IncomingEvent, Source, SourceState, SourceStats } from '../source.ts'
import { acceptsMediaType } from './accepted-media-types.ts'
import { createFindDeliveryId, withDedupIds, type FindDeliveryId } from './delivery-id.ts'
import { answerHandshake } from './handshake.ts'
import { pathOf, type IngestRoute, type IngestRoutes } from './ingest-routes.ts'
import type { InflightGauge } from './inflight-gauge.ts'
import { internalError, sendProblem } from './problem-answer.ts'
import { refusalReason } from './refusal-reason.ts'
import { RequestLimits } from './request-limits.ts'

/** What a sender is told once its events are taken. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer | undefined
  /** How many of the events were new and how many known before. */
  readonly accepted: number
  readonly duplicates: number
}

/** What is done with the events of one request: kept in a stream, or given to a function that answers. */
export interface EventTaker {
  /**
   * Rejects with what is to be answered instead: nothing may be promised then.
   * @param isBatch whether the sender sent a batch, be it of one event.
   * @param response closes when the sender goes away.
   */
  take(events: readonly IncomingEvent[], isBatch: boolean, response: ServerResponse): Promise<HttpAnswer>
}

export interface HttpSourceOptions {
  readonly name: string
  readonly config: HttpSourceConfig
  readonly routes: IngestRoutes
  /** Where the events go: a `StreamTaker` or a `ReplyTaker`. */
  readonly taker: EventTaker
  readonly tracer?: ReceiveTracer
  /** Told of errors that are none of ours: the sender is only told that there was one. For the log. */
  readonly onUnexpected?: (error: unknown) => void
}

/**
 * An HTTP source: one path of the listener. A request goes through admission (from its headers), signature, decoding,
 * and is answered once its events are taken.
 *
 *   stopped ──start()──▶ running ⇄ paused ──stop()──▶ stopped (the path answers 503 until `resume`, `start` or `remove`)
 */
export class HttpSource implements Source, IngestRoute {
  readonly name: string
  readonly kind = 'http'
  readonly maxBodyBytes: number
  readonly methods: readonly string[]
  readonly hasSubpaths: boolean
  readonly gauge: InflightGauge | undefined
  readonly handshake?: (request: FastifyRequest, reply: FastifyReply) => void
  readonly #config: HttpSourceConfig
  readonly #routes: IngestRoutes
  readonly #taker: EventTaker
  readonly #tracer: ReceiveTracer | undefined
  readonly #onUnexpected: ((error: unknown) => void) | undefined
  readonly #limits: RequestLimits | undefined
  readonly #verify: SignatureVerifier | undefined
  readonly #findDeliveryId: FindDeliveryId
  readonly #mapping: CompiledMapping
  readonly #defaults: EventDefaults
  #state: SourceState = 'stopped'
  #pause: PauseRecord | undefined
  #isRouted = false
  #inProgress = 0
  readonly #whenIdle: (() => void)[] = []
  #accepted = 0
  #duplicates = 0
  readonly #refused: Record<string, number> = {}

  /** @throws {SluiceError} SLUICE_CONFIG_INVALID for a mapping or secret that cannot be used. */
  constructor({ name, config, routes, taker, tracer, onUnexpected }: HttpSourceOptions) {
    this.name = name
    this.maxBodyBytes = config.maxBodyBytes
    this.methods = config.reply?.methods ?? ['POST']
    this.hasSubpaths = config.reply?.subpaths ?? false
    this.#config = config
    this.#routes = routes
    this.#taker = taker
    this.#tracer = tracer
    this.#onUnexpected = onUnexpected
    this.#limits = config.limits === undefined ? undefined : new RequestLimits(name, config.limits, routes.gauge)
    this.gauge = this.#limits?.gauge
    this.#verify = config.verify === undefined ? undefined : createSignatureVerifier(config.verify)
    this.#findDeliveryId = createFindDeliveryId(config)
    this.#mapping = compileMapping(config.mapping ?? {}, 'http')
    this.#defaults = {
      source: `/sources/${name}`,
      type: 'sluice.http.request',
      dedupCloudEvents: config.deduplicate === 'event',
      maxBatchEvents: config.maxBatchEvents,
    }
    if (config.allowedOrigins.length > 0) {
      this.handshake = (request, reply) => answerHandshake(request, reply, config.allowedOrigins)
    }
  }

  get state(): SourceState {
    return this.#state === 'running' && this.#pause !== undefined ? 'paused' : this.#state
  }

  /** @throws {SluiceError} SLUICE_HTTP_PATH_TAKEN. */
  async start(): Promise<void> {
    if (!this.#isRouted) this.#routes.add(this.#config.path, this)
    this.#isRouted = true
    this.#setState('running')
  }

  /** Refuses new requests with 503, so that senders try again, and resolves when the accepted ones are answered. */
  async stop(): Promise<void> {
    this.#setState('stopped')
    await this.#idle()
  }

  /** Refuses new requests with 503, and resolves when the accepted ones are answered. */
  async pause(pause: PauseRecord): Promise<void> {
    this.#pause = pause
    await this.#idle()
  }

  resume(): Promise<void> {
    this.#pause = undefined
    return Promise.resolve()
  }

  /** Gives the path up: it answers 404 from now on. */
  async remove(): Promise<void> {
    await this.stop()
    if (this.#isRouted) this.#routes.remove(this.#config.path)
    this.#isRouted = false
  }

  stats(): SourceStats {
    return {
      state: this.state,
      accepted: this.#accepted,
      duplicates: this.#duplicates,
      refused: { ...this.#refused },
      ...(this.#pause === undefined ? {} : { detail: pauseDetail(this.#pause) }),
    }
  }

  admit(request: FastifyRequest): SluiceError | undefined {
    if (this.state !== 'running') return this.#refusal()
    return acceptsMediaType(this.#config.accept, request.headers['content-type']) ?? this.#limits?.admit()
  }

  async handle(request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<void> {
    this.#inProgress++
    let span: ReceiveSpan | undefined
    try {
      // It may have been stopped or paused while the body came in, and its stream may be closing already.
      if (this.state !== 'running') throw this.#refusal()
      const verifiedId = this.#verified(request, body)
      let events = this.#decode(request, body)
      this.#limits?.charge(events.length)
      events = withDedupIds(events, this.name, this.#findDeliveryId(request, body, verifiedId))
      if (this.#tracer !== undefined) {
        span = this.#tracer.receive(events[0]?.header.traceparent, {
          system: 'http',
          destination: this.#config.path,
          source: this.name,
          bodyBytes: body.length,
        })
        if (span !== undefined) events = withTraceparent(events, span.traceparent)
      }
      const isBatch = events.length !== 1 || batchTypes.test(request.headers['content-type'] ?? '')
      const answer = await this.#taker.take(events, isBatch, reply.raw)
      this.#accepted += answer.accepted
      this.#duplicates += answer.duplicates
      span?.end(answer.accepted === 0 && answer.duplicates > 0 ? 'duplicate' : 'accepted')
      sendAnswer(reply, answer)
    } catch (thrown) {
      span?.end('failed')
      if (!(thrown instanceof SluiceError)) this.#onUnexpected?.(thrown)
      const error = thrown instanceof SluiceError ? thrown : internalError(thrown)
      this.onRefused(error)
      sendProblem(reply, error)
    } finally {
      this.#inProgress--
      if (this.#inProgress === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
    }
  }

  onRefused(error: SluiceError): void {
    const reason = refusalReason(error.code)
    this.#refused[reason] = (this.#refused[reason] ?? 0) + 1
  }

  /** The delivery id that the signature vouches for. @throws {SluiceError} SLUICE_HTTP_SIGNATURE. */
  #verified(request: FastifyRequest, body: Buffer): string | undefined {
    if (this.#verify === undefined) return undefined
    const verdict = this.#verify(request.headers, body, Date.now())
    if (!verdict.valid) throw new SluiceError('SLUICE_HTTP_SIGNATURE', verdict.problem)
    return verdict.deliveryId
  }

  #decode(request: FastifyRequest, body: Buffer): readonly IncomingEvent[] {
    const url = request.raw.url!
    const path = pathOf(url)
    const query = url.length === path.length ? '' : url.slice(path.length + 1)
    const input = { method: request.method, path, query, headers: request.headers, body }
    return eventFromHttp(input, this.#mapping, this.#defaults)
  }

  async #idle(): Promise<void> {
    if (this.#inProgress > 0) await new Promise<void>(resolve => this.#whenIdle.push(resolve))
  }

  #refusal(): SluiceError {
    if (this.#pause !== undefined && this.#state === 'running')
      return pausedError('SLUICE_HTTP_SOURCE_PAUSED', this.name, this.#pause, Date.now())
    return new SluiceError('SLUICE_HTTP_STOPPING', `the source ${this.name} is stopped; send this again later`)
  }

  #setState(state: SourceState): void {
    this.#state = state
  }
}

/**
 * Sends text past Fastify, which has neither hooks nor serializers for these paths and would look for them, and for a
 * charset, with each answer.
 */
function sendAnswer(reply: FastifyReply, { status, headers, body }: HttpAnswer): void {
  if (typeof body !== 'string') {
    reply.code(status).headers(headers).send(body)
    return
  }
  reply.hijack()
  const bytes = Buffer.byteLength(body)
  reply.raw.writeHead(status, { ...headers, 'content-length': bytes })
  // A byte per character is ASCII, which Node writes faster when it is told so.
  reply.raw.end(body, bytes === body.length ? 'latin1' : 'utf8')
}

const batchTypes = /batch|ndjson|jsonl/i

/** Puts the receive span where the sender's context was; an event that brought its own context keeps it. */
function withTraceparent(events: readonly IncomingEvent[], traceparent: string): readonly IncomingEvent[] {
  const parent = events[0]?.header.traceparent
  return events.map(event =>
    event.header.traceparent === parent ? { header: { ...event.header, traceparent }, value: event.value } : event,
  )
}
