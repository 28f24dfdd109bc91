import { SluiceError } from '../../errors/sluice-error.ts'
import type { EventProblem } from '../../events/event-reader.ts'
import type { ReceiveSpan, ReceiveTracer } from '../receive-tracer.ts'
import type { IncomingEvent, StreamIntake } from '../source.ts'
import type { TokenBucketOptions } from '../../log/token-bucket.ts'
import { IntakeLane } from './intake-lane.ts'
import type { DeadLetterPublication, Publication, PublicationDecoder } from './publication.ts'

export interface PublicationFeedOptions {
  /** Name of the source. */
  readonly source: string
  readonly intake: StreamIntake
  readonly decode: PublicationDecoder
  /** What happens to a publication that cannot become an event; `refuse` settles it with its error. */
  readonly invalid: 'dead-letter' | 'refuse' | 'skip'
  /** Must be durable when it resolves. */
  readonly deadLetter: DeadLetterPublication
  readonly maxHeldBytes: number
  readonly rate?: TokenBucketOptions | undefined
  readonly tracer?: ReceiveTracer | undefined
  /** Told when the log begins to refuse, and with undefined when it takes events again. */
  readonly stalled: (error: SluiceError | undefined) => void
}

/** Counts since the start of the process. */
export interface FeedCounts {
  accepted: number
  duplicates: number
  deadLettered: number
  readonly refused: Record<string, number>
}

const firstRetryMs = 100
const lastRetryMs = 2_000

/** The way of one source from a PUBLISH to the durable event; the same behind both kinds of broker. */
export class PublicationFeed {
  readonly counts: FeedCounts = { accepted: 0, duplicates: 0, deadLettered: 0, refused: {} }
  readonly #options: PublicationFeedOptions
  readonly #lane: IntakeLane
  readonly #deadLetters = new Set<Promise<void>>()

  constructor(options: PublicationFeedOptions) {
    this.#options = options
    this.#lane = new IntakeLane(options.intake, options)
  }

  /** Why the log refuses at the moment; undefined while it takes events. */
  get refusal(): SluiceError | undefined {
    return this.#lane.refusal
  }

  get heldBytes(): number {
    return this.#lane.heldBytes
  }

  /**
   * Takes a publication. Synchronous up to its place in the order of the stream: calls in the order of arrival.
   * @param owner the connection it came on, for {@link abandon}.
   * @param limitMs how long an acknowledgement may be withheld.
   * @param done without an error: acknowledge it, it is durable (or dropped by policy). With one: never acknowledge it.
   */
  take(
    publication: Publication,
    owner: object | undefined,
    limitMs: number,
    done: (error: SluiceError | undefined) => void,
  ): void {
    const span = this.#options.tracer?.receive(senderTraceparent(publication), {
      system: 'mqtt',
      destination: publication.topic,
      source: this.#options.source,
      bodyBytes: publication.payload.length,
    })
    let event: IncomingEvent
    try {
      const acceptedAtMs = Date.now()
      const context = span === undefined ? { acceptedAtMs } : { acceptedAtMs, traceparent: span.traceparent }
      event = this.#options.decode(publication, context)
    } catch (thrown) {
      this.#invalid(SluiceError.from(thrown, 'SLUICE_EVENTS_INVALID'), publication, limitMs, span, done)
      return
    }
    this.#lane.push(event, owner, limitMs, (error, duplicate) => {
      if (error !== undefined && isEventAtFault(error)) {
        this.#invalid(error, publication, limitMs, span, done)
        return
      }
      if (error !== undefined) this.refused(reasonOf(error))
      else if (duplicate) this.counts.duplicates += 1
      else this.counts.accepted += 1
      span?.end(error !== undefined ? 'failed' : duplicate ? 'duplicate' : 'accepted')
      done(error)
    })
  }

  /** The connection is gone without acknowledgements: what still waits is forgotten, its client sends it again. */
  abandon(owner: object): void {
    this.#lane.abandon(owner)
  }

  refused(reason: string): void {
    this.counts.refused[reason] = (this.counts.refused[reason] ?? 0) + 1
  }

  /** Resolves when every publication taken is settled. */
  async drain(): Promise<void> {
    await this.#lane.drain()
    await Promise.all(this.#deadLetters)
  }

  #invalid(
    error: SluiceError,
    publication: Publication,
    limitMs: number,
    span: ReceiveSpan | undefined,
    done: (error: SluiceError | undefined) => void,
  ): void {
    if (this.#options.invalid !== 'dead-letter') {
      this.refused('invalid')
      span?.end('refused')
      done(this.#options.invalid === 'refuse' ? error : undefined)
      return
    }
    const settled = this.#keep(problemOf(error), publication, performance.now() + limitMs).then(failure => {
      this.#deadLetters.delete(settled)
      if (failure === undefined) this.counts.deadLettered += 1
      else this.refused('dead-letter-failed')
      span?.end(failure === undefined ? 'dead-letter' : 'failed')
      done(failure)
    })
    this.#deadLetters.add(settled)
  }

  /** Tries until it is durable or the time is over; never rejects. */
  async #keep(problem: EventProblem, publication: Publication, deadlineMs: number): Promise<SluiceError | undefined> {
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(retryMs * 2, lastRetryMs)) {
      try {
        const kept = await withDeadline(this.#options.deadLetter(problem, publication), deadlineMs)
        if (kept) return undefined
        return new SluiceError(
          'SLUICE_MQTT_HOLD_EXPIRED',
          `the dead letter could not be kept in time: ${problem.message}`,
        )
      } catch (thrown) {
        const leftMs = deadlineMs - performance.now()
        if (leftMs <= 0) return SluiceError.from(thrown, 'SLUICE_MQTT_HOLD_EXPIRED')
        await new Promise(resolve => setTimeout(resolve, Math.min(retryMs, leftMs)))
      }
    }
  }
}

/** The MQTT 5 user property (https://w3c.github.io/trace-context-mqtt/); one that is there twice counts as none. */
function senderTraceparent(publication: Publication): string | undefined {
  const value = publication.properties?.userProperties?.['traceparent']
  return typeof value === 'string' ? value : undefined
}

function problemOf(error: SluiceError): EventProblem {
  return { reason: error.code === 'SLUICE_EVENTS_MAPPING' ? 'mapping' : 'invalid-cloudevent', message: error.message }
}

/** The log will never take this event, such as one that is too large: a sender that repeats it would repeat it for ever. */
function isEventAtFault(error: SluiceError): boolean {
  return !error.retryable && error.status < 500
}

function reasonOf(error: SluiceError): string {
  switch (error.code) {
    case 'SLUICE_LOG_FULL':
    case 'SLUICE_MQTT_HOLD_EXPIRED':
    case 'SLUICE_MQTT_OVERLOADED':
      return 'full'
    case 'SLUICE_EVENTS_TOO_LARGE':
      return 'too-large'
    default:
      return 'unavailable'
  }
}

/** False when the deadline passed first; the promise goes on and its failure is nobody's concern then. */
async function withDeadline(promise: Promise<void>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), Math.max(0, deadlineMs - performance.now()))
  })
  try {
    return await Promise.race([promise.then(() => true), deadline])
  } finally {
    clearTimeout(timer)
  }
}
