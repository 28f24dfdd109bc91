import { parseTraceparent } from '../events/traceparent.ts'
import { HandlerEvent } from './event-object.ts'
import type { FrameReader } from './frame-codec.ts'
import type { EmitOptions } from './handler-types.ts'
import type { LogOrigin } from './log-capture.ts'
import { byteLengthOf, encodeResult, tooLarge, type EncodedResult } from './result-encoding.ts'

const noResults: readonly EncodedResult[] = []

/** What is the same for all attempts of a worker. */
export interface AttemptLimits {
  readonly timeoutMs: number
  readonly maxResultBytes: number
}

/** One handler call in its worker: of one event, or of a batch of events. */
export class Attempt implements LogOrigin {
  readonly frame: FrameReader
  /** Index of the (first) event in its frame, and of the first one behind. */
  readonly from: number
  readonly to: number
  readonly startedAt: number
  readonly #limits: AttemptLimits
  loggedBytes = 0
  /** Settled, or given up: whatever it does now is late. */
  done = false
  timedOut = false
  #controller: AbortController | undefined
  #results: EncodedResult[] | undefined
  #eventTrace: string | undefined

  constructor(frame: FrameReader, from: number, to: number, startedAt: number, limits: AttemptLimits) {
    this.frame = frame
    this.from = from
    this.to = to
    this.startedAt = startedAt
    this.#limits = limits
  }

  /** Position of the (first) event in the frame's bytes. */
  get head(): number {
    return this.frame.head(this.from)
  }

  /** The same for the same attempt of the same event, wherever and whenever it is asked for. */
  get invocationId(): string {
    const { frame, head } = this
    const given = frame.invocationId(head)
    if (given !== undefined) return given
    return `${frame.feed(head).stream}/${frame.partition(head)}/${frame.offset(head)}#${frame.attempt(head)}`
  }

  get trigger(): string {
    return this.frame.feed(this.head).trigger
  }

  /** Of the span that it runs in; without tracing that of the event, if its sender gave it one. */
  get traceId(): string | undefined {
    return this.frame.traceparent(this.head)?.slice(3, 35) ?? (this.#eventTrace ??= this.#traceOfEvent())
  }

  /** Until it is ended, in ms; negative afterwards. Not of the wall clock, which may jump while it runs. */
  get remainingMs(): number {
    return this.startedAt + this.#limits.timeoutMs - performance.now()
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal
  }

  /** Tells the handler that its time is over. */
  timeOut(): void {
    this.timedOut = true
    this.#controller?.abort(
      new DOMException(`the invocation took longer than ${this.#limits.timeoutMs} ms`, 'TimeoutError'),
    )
  }

  get results(): readonly EncodedResult[] {
    return this.#results ?? noResults
  }

  /** @throws {ResultProblem} when the value has no encoding, or all results together are over the limit. */
  add(value: unknown, options?: EmitOptions): void {
    const result = encodeResult(value, this.#limits.maxResultBytes, options)
    if (result !== undefined) this.#keep(result)
  }

  /**
   * Adds what the handler returned. A result that stays the only one is handed back instead of being kept: most are.
   * @throws {ResultProblem} as `add` does.
   */
  addLast(value: unknown): EncodedResult | undefined {
    const result = encodeResult(value, this.#limits.maxResultBytes)
    // Looked at only now: a `toJSON` may have emitted something.
    if (result === undefined || this.#results === undefined) return result
    this.#keep(result)
    return undefined
  }

  #traceOfEvent(): string | undefined {
    const { traceparent } = new HandlerEvent(this.frame, this.head)
    return traceparent === undefined ? undefined : parseTraceparent(traceparent)?.traceId
  }

  #keep(result: EncodedResult): void {
    // Of several results only the sum is bounded; the first one has been checked.
    if (this.#results !== undefined) this.#checkSum(result)
    const results = (this.#results ??= [])
    results.push(result)
  }

  #checkSum(next: EncodedResult): void {
    let bytes = byteLengthOf(next, 0)
    for (const result of this.#results ?? []) bytes += byteLengthOf(result, 0)
    if (bytes > this.#limits.maxResultBytes) throw tooLarge(bytes, this.#limits.maxResultBytes)
  }
}
