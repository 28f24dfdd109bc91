import { SluiceError } from '../errors/sluice-error.ts'
import type { EventHeader } from '../events/event-header.ts'
import type { RetryPolicy } from '../functions/function-version.ts'
import type { OutgoingResult, Sink } from '../sinks/sink.ts'
import { attribute } from '../telemetry/attributes.ts'
import type { SpanFacts, Tracer } from '../telemetry/tracer.ts'
import type { Delivery } from './delivery.ts'
import type { EventRecorder } from './event-recorder.ts'
import { sentTo, type RecordedResult } from './recorded-results.ts'
import { decideRetry } from './retry-decision.ts'
import type { RouteTarget } from './route.ts'
import { setTimeout as wait } from 'node:timers/promises'

/** Events may pass this many `stream` sinks: a loop of functions ends as dead letters instead of never. */
export const maxHops = 16

export interface PublicationOptions {
  readonly trigger: string
  /** Part of the ids of results. */
  readonly uid: string
  readonly sinks: readonly Sink[]
  readonly retry: RetryPolicy
  readonly tracer: Tracer
  readonly random: () => number
  readonly recorder?: EventRecorder | undefined
}

/** A result that no attempt could deliver to a sink. */
interface Refusal {
  readonly sink: string
  readonly attempts: number
  readonly error: SluiceError
}

export interface PublicationFailure extends Refusal {
  /** All results of the invocation, with the sinks that have them: a redrive delivers the rest. */
  readonly results: readonly RecordedResult[]
}

/** Takes the results of one invocation to the trigger's sinks. A sink failure repeats the result, never the handler. */
export class Publication {
  readonly #options: PublicationOptions
  readonly #stopped = new AbortController()
  published = 0
  retries = 0

  constructor(options: PublicationOptions) {
    this.#options = options
  }

  stop(): void {
    this.#stopped.abort()
  }

  /**
   * Resolves with undefined when every sink has every result, with the failure that ends the event as a dead letter, or
   * with `revoked` when the event's partition went to another owner meanwhile; rejects only when publication was stopped.
   * @param onFailing called on the first failed attempt: from then on the key is blocked.
   */
  async publish(
    delivery: Delivery,
    results: readonly RecordedResult[],
    onFailing: () => void,
  ): Promise<PublicationFailure | 'revoked' | undefined> {
    const { sinks } = this.#options
    if (sinks.length === 0 && delivery.recorded === undefined) return undefined
    const cause = delivery.feed.reader.header(delivery.record)
    const left = [...results]
    for (let index = 0; index < results.length; index++) {
      const result = results[index] as RecordedResult
      const unknown = this.#unknownSink(result)
      if (unknown !== undefined) return { ...unknown, results: left }
      const outgoing = this.#outgoing(delivery, cause, result, index)
      const sent = [...(result.sentTo ?? [])]
      for (const sink of sinks) {
        if ((result.meta.sink ?? sink.name) !== sink.name || sent.includes(sink.name)) continue
        const refusal = await this.#deliver(sink, outgoing, delivery, onFailing)
        if (refusal === 'revoked') return refusal
        if (refusal !== undefined) return { ...refusal, results: left.with(index, sentTo(result, sent)) }
        sent.push(sink.name)
      }
      left[index] = sentTo(result, sent)
    }
    return undefined
  }

  /** A result for a sink that the trigger has not got would vanish: it is kept as a dead letter instead. */
  #unknownSink({ meta }: RecordedResult): Refusal | undefined {
    const { sinks, trigger } = this.#options
    const { sink } = meta
    if (sinks.length === 0) {
      const message = `trigger ${trigger} has no sinks any more that could take the recorded result`
      return { sink: sink ?? 'none', attempts: 0, error: new SluiceError('SLUICE_SINKS_UNKNOWN', message) }
    }
    if (sink === undefined || sinks.some(({ name }) => name === sink)) return undefined
    const message = `the result names the sink ${sink}, and trigger ${trigger} has ${sinks.map(({ name }) => name).join(', ')}`
    return { sink, attempts: 0, error: new SluiceError('SLUICE_SINKS_UNKNOWN', message) }
  }

  async #deliver(
    sink: Sink,
    result: OutgoingResult,
    delivery: Delivery,
    onFailing: () => void,
  ): Promise<Refusal | 'revoked' | undefined> {
    const { revoked } = delivery.lane.window
    const { tracer, retry, random, recorder } = this.#options
    if (sink.kind === 'stream' && result.header.hops > maxHops) {
      const message = `the event has passed ${maxHops} streams: functions feed each other without end; break the loop or filter by type`
      return { sink: sink.name, attempts: 0, error: new SluiceError('SLUICE_DISPATCH_HOP_LIMIT', message) }
    }
    const begunMs = performance.now()
    for (let attempt = 1; ; attempt++) {
      // The new owner runs the event again; sent from here as well, its result would come late and out of order.
      if (revoked.aborted) return 'revoked'
      // Nor does one begin after a stop: an earlier result of its key may have been given up.
      this.#stopped.signal.throwIfAborted()
      const span = tracer.enabled
        ? tracer.publish(delivery.traceparent, sink.name, publishFacts(sink, result, attempt))
        : undefined
      try {
        await sink.deliver(
          span === undefined ? result : { ...result, header: { ...result.header, traceparent: span.traceparent } },
        )
        span?.end()
        this.published++
        recorder?.delivered(delivery, sink.name, attempt, performance.now() - begunMs, undefined)
        return undefined
      } catch (thrown) {
        const error = SluiceError.from(thrown)
        span?.end(error.message)
        this.retries++
        onFailing()
        const decision = error.retryable ? decideRetry(attempt, retry, random()) : { kind: 'exhausted' as const }
        if (revoked.aborted) return 'revoked'
        if (decision.kind === 'exhausted') {
          recorder?.delivered(delivery, sink.name, attempt, performance.now() - begunMs, error.message)
          return { sink: sink.name, attempts: attempt, error }
        }
        const askedMs = error.details['retryAfterMs']
        const delayMs =
          typeof askedMs === 'number'
            ? Math.min(Math.max(askedMs, decision.delayMs), retry.maxDelayMs)
            : decision.delayMs
        await wait(delayMs, undefined, { signal: AbortSignal.any([this.#stopped.signal, revoked]) }).catch(
          () => undefined,
        )
        this.#stopped.signal.throwIfAborted()
      }
    }
  }

  /** The result as an event: a repeat of the same invocation makes the same id, so that a receiver can recognise it. */
  #outgoing(delivery: Delivery, cause: EventHeader, result: RecordedResult, index: number): OutgoingResult {
    const { meta } = result
    const key = meta.key ?? meta.partitionkey ?? cause.partitionkey
    const id = `${cause.id}.${this.#options.uid}.${index}`
    const { feed, partition, record } = delivery
    const { policy } = delivery.target as RouteTarget
    const { name } = delivery.maker as { name: string }
    const header: EventHeader = {
      id,
      source: meta.source ?? `/functions/${name}`,
      type: meta.type ?? `sluice.${name}.result`,
      ...optional('subject', meta.subject ?? cause.subject),
      time: new Date().toISOString(),
      datacontenttype: result.contentType,
      ...optional('partitionkey', key),
      ...optional('traceparent', delivery.traceparent ?? cause.traceparent),
      ...optional('tracestate', cause.tracestate),
      ...optional('extensions', meta.extensions),
      acceptedAtMs: Date.now(),
      // Ids of events are unique within their source only: the place in the log tells two of the same id apart.
      dedupId: `${feed.stream}/${partition}/${record.offset}/${id}`,
      hops: cause.hops + 1,
    }
    return { header, value: result.data, meta, cause, policy }
  }
}

function publishFacts({ kind, destination }: Sink, { header }: OutgoingResult, attempt: number): SpanFacts {
  const isHttp = kind === 'http'
  return {
    [attribute.sinkKind]: kind,
    [attribute.messagingSystem]: isHttp ? undefined : kind === 'stream' ? 'sluice' : kind,
    [attribute.messagingDestination]: isHttp ? undefined : destination,
    [attribute.serverAddress]: isHttp ? destination : undefined,
    [attribute.messagingMessageId]: header.id,
    [attribute.cloudEventId]: header.id,
    [attribute.cloudEventType]: header.type,
    [attribute.attempt]: attempt,
  }
}

function optional<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]?: V })
}
