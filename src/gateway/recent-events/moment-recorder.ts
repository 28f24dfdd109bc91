import { crc32 } from 'node:zlib'
import type { Burial } from '../../dispatch/dead-letters.ts'
import type { Delivery } from '../../dispatch/delivery.ts'
import type { EventRecorder } from '../../dispatch/event-recorder.ts'
import { excerptOf } from '../../dispatch/result-excerpt.ts'
import { turnTimeMs } from '../../dispatch/turn-clock.ts'
import { encodeEventHeader } from '../../events/event-header-codec.ts'
import { TokenBucket } from '../../log/token-bucket.ts'
import type { FunctionResult } from '../../sinks/function-result.ts'
import {
  maxResultBytes,
  maxResultsBytes,
  type AttemptMoment,
  type DoneMoment,
  type EventMoment,
  type KeptResult,
  type ParkedMoment,
  type SinkMoment,
} from '../../store/event-moment.ts'
import type { RecentEvents } from '../../store/recent-events.ts'
import type { InvocationOutcome } from '../../workers/invocation.ts'
import { ChunkBuilder } from './chunk-builder.ts'

/** What a process that dies loses of the index. */
const flushMs = 250
/** A larger header is kept without what the protocol knew. */
const maxHeaderBytes = 16 * 1024

type Happening = AttemptMoment | SinkMoment | ParkedMoment | DoneMoment

/**
 * Writes down what happens to events: in memory first, and some times a second to the index. Of usual events only so many
 * a second are taken, whole; the others are counted. Events that something went wrong with are all taken.
 */
export class MomentRecorder implements EventRecorder {
  readonly #index: RecentEvents
  readonly #rate: TokenBucket | undefined
  readonly #usual = new ChunkBuilder(false, () => this.#flush())
  readonly #notable = new ChunkBuilder(true, () => this.#flush())
  #timer: NodeJS.Timeout | undefined
  #leftOut = 0
  #leftOutSinceMs = 0

  /** @param maxPerSecond usual events; 0: none. */
  constructor(index: RecentEvents, maxPerSecond: number) {
    this.#index = index
    if (maxPerSecond > 0) this.#rate = new TokenBucket({ ratePerSecond: maxPerSecond }, turnTimeMs())
  }

  attempted(delivery: Delivery, outcome: InvocationOutcome): void {
    if (outcome.kind === 'not-started') return
    const { attempt, traceparent, failures } = delivery
    const isUsual = outcome.kind === 'succeeded' && failures === undefined
    if (!this.#takes(delivery, isUsual)) return
    const moment: Happening = {
      kind: 'attempt',
      attempt,
      version: delivery.ranBy,
      outcome: outcome.kind,
      durationMs: outcome.kind === 'suspect' ? 0 : outcome.durationMs,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(outcome.kind === 'succeeded'
        ? { resultCount: outcome.results.length, results: keptResults(outcome.results) }
        : {
            reason: outcome.error.reason,
            error: excerptOf(`${outcome.error.name}: ${outcome.error.message}`),
            ...{ resultCount: 0, results: [] },
          }),
    }
    this.#write(delivery, moment, isUsual)
  }

  delivered(delivery: Delivery, sink: string, attempts: number, durationMs: number, error: string | undefined): void {
    const isUsual = error === undefined && delivery.failures === undefined
    if (!this.#takes(delivery, isUsual)) return
    const problem = error === undefined ? {} : { error: excerptOf(error) }
    this.#write(delivery, { kind: 'sink', sink, attempts, durationMs, ...problem }, isUsual)
  }

  parked(delivery: Delivery): void {
    if (this.#takes(delivery, false)) this.#write(delivery, { kind: 'parked' }, false)
  }

  completed(delivery: Delivery, burial: Burial | undefined): void {
    const isUsual = burial === undefined && delivery.failures === undefined
    if (!this.#takes(delivery, isUsual)) return
    if (burial === undefined) return this.#write(delivery, { kind: 'done' }, isUsual)
    const { stage, reason, message } = burial
    this.#write(delivery, { kind: 'done', deadLetter: { stage, reason, message: excerptOf(message) } }, isUsual)
  }

  /** Gives what is collected to the index. */
  stop(): void {
    this.#flush()
  }

  /** Decides once for a usual event; whatever goes wrong with it later is taken all the same. */
  #takes(delivery: Delivery, isUsual: boolean): boolean {
    const { isIndexed } = delivery
    if (isIndexed !== undefined || !isUsual) return isIndexed === true || !isUsual
    const nowMs = turnTimeMs()
    if (this.#rate !== undefined && this.#rate.available(nowMs) > 0) {
      this.#rate.take(1, nowMs)
      return true
    }
    delivery.isIndexed = false
    this.#countLeftOut()
    this.#schedule()
    return false
  }

  #write(delivery: Delivery, happening: Happening, isUsual: boolean): void {
    const { partition, record, feed, isIndexed } = delivery
    const header = isIndexed === true ? undefined : headerOf(delivery)
    delivery.isIndexed = true
    const { offset, timestampMs: recordMs } = record
    const place = { stream: feed.stream, trigger: feed.trigger, partition, offset, recordMs, atMs: Date.now() }
    const moment: EventMoment = { ...happening, ...place, ...(header === undefined ? {} : { header }) }
    try {
      ;(isUsual ? this.#usual : this.#notable).add(moment)
    } catch {
      // Thrown into dispatch, it would be taken for a failure of the sink, and the result would go out once more.
      this.#countLeftOut()
    }
    this.#schedule()
  }

  #countLeftOut(): void {
    if (this.#leftOut++ === 0) this.#leftOutSinceMs = Date.now()
  }

  #schedule(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#flush(), flushMs)
    this.#timer.unref()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const builder of [this.#notable, this.#usual]) {
      const chunk = builder.take()
      if (chunk === undefined || this.#index.keep(chunk)) continue
      if (this.#leftOut === 0) this.#leftOutSinceMs = chunk.fromMs
      this.#leftOut += chunk.events
    }
    if (this.#leftOut === 0) return
    this.#index.keepGap({ fromMs: this.#leftOutSinceMs, toMs: Date.now(), events: this.#leftOut })
    this.#leftOut = 0
  }
}

/** The header in its home form; undefined for a record that is no event. */
function headerOf({ record, feed }: Delivery): Uint8Array | undefined {
  try {
    if (record.header !== null && record.header.length <= maxHeaderBytes) return record.header
    const { protocol, ...header } = feed.reader.header(record)
    const whole = encodeEventHeader({ ...header, ...(protocol === undefined ? {} : { protocol }) })
    return whole.length <= maxHeaderBytes ? whole : encodeEventHeader(header)
  } catch {
    return undefined
  }
}

function keptResults(results: readonly FunctionResult[]): KeptResult[] {
  const kept: KeptResult[] = []
  let room = maxResultsBytes
  for (const { contentType, meta, data } of results) {
    if (room <= 0) break
    const bytes = data.subarray(0, Math.min(maxResultBytes, room))
    room -= bytes.length + 100
    kept.push({ contentType, meta, dataBytes: data.length, crc32: crc32(data), data: bytes })
  }
  return kept
}
