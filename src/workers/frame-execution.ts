import { Attempt } from './attempt.ts'
import { batchEnd, type BatchFacts } from './batch-plan.ts'
import { failedItems } from './batch-report.ts'
import { HandlerContext } from './context.ts'
import { HandlerEvent } from './event-object.ts'
import type { FrameReader } from './frame-codec.ts'
import type { FrameRunner } from './frame-runner.ts'
import { describeThrown, invocationError } from './invocation-error.ts'
import type { InvocationError } from './invocation.ts'
import { chunkFlag, resultStatus, type ResultWriter } from './result-codec.ts'
import { ResultProblem, type EncodedResult } from './result-encoding.ts'

/** Results wait at most this long for company before the next event starts. */
const flushIntervalMs = 2
/** From the abort signal to the end of the worker. */
const abortGraceMs = 25

const now = performance.now.bind(performance)
const { setTimeout: startTimer, clearTimeout: stopTimer, setImmediate: soon, clearImmediate: notSoon } = globalThis
const { apply } = Reflect
const promiseThen = Promise.prototype.then
const resolvePromise = Promise.resolve.bind(Promise) as (value: unknown) => Promise<unknown>

/**
 * The work on one frame.
 *
 *   running ──every event has its outcome──▶ finished
 *      └──an attempt is over its time, or the process ends──▶ given up (the worker is ended by the host)
 */
export class FrameExecution {
  readonly #runner: FrameRunner
  readonly #frame: FrameReader
  readonly #writer: ResultWriter
  readonly #batch: BatchFacts | undefined
  readonly #active = new Set<Attempt>()
  readonly #startedAt = now()
  #state: 'running' | 'finished' | 'given up' = 'running'
  /** First event of the next run. */
  #next = 0
  #pumping = false
  #clock = this.#startedAt
  #flushedAt = this.#startedAt
  #flushSoon: NodeJS.Immediate | undefined
  #deadline: NodeJS.Timeout | undefined

  /** @param writer of its own until it is finished. */
  constructor(runner: FrameRunner, frame: FrameReader, writer: ResultWriter) {
    this.#runner = runner
    this.#frame = frame
    this.#writer = writer
    if (runner.batch !== undefined) {
      const { maxEvents, maxBytes = Infinity } = runner.batch
      this.#batch = {
        ...{ count: frame.count, maxEvents, maxBytes },
        byteLength: index => frame.valueByteLength(frame.head(index)),
        startsBatch: index => frame.startsBatch(frame.head(index)),
      }
    }
    writer.begin(frame.nonce)
    runner.cpu.frameBegan(this.#startedAt)
  }

  /** Tells the runner when it is finished, which may be before this returns; never, when the frame is given up. */
  start(): void {
    this.#pump()
  }

  /** Says that the frame was taken, unless its end has said so already. */
  acknowledge(): void {
    if (this.#state === 'running') this.#runner.post(this.#chunk(0))
  }

  has({ frame }: Attempt): boolean {
    return frame === this.#frame
  }

  /** An attempt failed from outside of its promise: an uncaught error or an unhandled rejection of its own. */
  fail(attempt: Attempt, error: InvocationError): void {
    if (!this.#active.has(attempt)) return
    this.#settle(attempt, error, undefined)
  }

  /**
   * The worker is about to end because of `culprit`, or of something else. What was running innocently and what did not
   * start goes back uncharged; everything known is posted.
   * @param flags with `end` when nothing more is posted: the thread may be ended in the middle of what it does then.
   */
  giveUp(culprit: Attempt | undefined, error: InvocationError, flags: number): void {
    if (this.#state !== 'running') return
    const writer = this.#writer
    if (culprit !== undefined && !culprit.done) {
      this.#active.delete(culprit)
      culprit.done = true
      const durationMs = now() - culprit.startedAt
      writer.called(durationMs)
      this.#failWhole(culprit, durationMs, error)
      this.#skip(culprit.to, this.#endOfRun(culprit.to))
    }
    for (const attempt of this.#active) {
      for (let index = attempt.from; index < attempt.to; index++) writer.status(index, resultStatus.interrupted, 0)
      this.#skip(attempt.to, this.#endOfRun(attempt.to))
      attempt.done = true
    }
    this.#skip(this.#next, this.#frame.count)
    this.#setState('given up')
    this.#runner.post(this.#chunk(chunkFlag.final | flags))
  }

  #setState(state: 'finished' | 'given up'): void {
    this.#state = state
    if (this.#flushSoon !== undefined) notSoon(this.#flushSoon)
    if (this.#deadline !== undefined) stopTimer(this.#deadline)
    this.#flushSoon = undefined
    this.#deadline = undefined
  }

  #pump(): void {
    // A run that ends at once must not start the next one from inside: the stack would grow with the frame.
    if (this.#pumping) return
    this.#pumping = true
    const { count } = this.#frame
    while (this.#state === 'running' && this.#next < count && this.#active.size < this.#runner.concurrency) {
      const from = this.#next
      const end = this.#endOfRun(from + 1)
      this.#next = end
      this.#runFrom(from, end)
    }
    this.#pumping = false
    if (this.#state === 'running' && this.#next >= count && this.#active.size === 0) this.#finish()
  }

  /** Runs the events of one run, which ends before `end`, until the first that fails or is asynchronous. */
  #runFrom(from: number, end: number): void {
    let index = from
    while (index < end && this.#state === 'running') {
      const to = this.#batch === undefined ? index + 1 : batchEnd(index, this.#batch)
      const next = this.#startAttempt(index, to)
      if (next === undefined) return
      index = next
    }
  }

  /** Where the run goes on: behind the attempt, or at its end after a failure; undefined when it has to be waited for. */
  #startAttempt(from: number, to: number): number | undefined {
    const runner = this.#runner
    const writer = this.#writer
    if (this.#clock - this.#flushedAt > flushIntervalMs) this.#flush()
    if (this.#frame.careful) {
      for (let index = from; index < to; index++) writer.status(index, resultStatus.started, 0)
      this.#flush()
    }
    const attempt = new Attempt(this.#frame, from, to, this.#clock, runner)
    let returned: unknown
    try {
      returned = runner.batch === undefined ? this.#callOne(attempt) : this.#callBatch(attempt)
      if (isThenable(returned)) {
        this.#wait(attempt, returned)
        return undefined
      }
    } catch (thrown) {
      return this.#settleNow(attempt, this.#errorOf(thrown), undefined)
    }
    runner.sawSynchronous()
    return this.#settleNow(attempt, undefined, returned)
  }

  #callOne(attempt: Attempt): unknown {
    const event = new HandlerEvent(this.#frame, attempt.head)
    return this.#runner.call(attempt, event, new HandlerContext(attempt, event, this.#runner.surroundings))
  }

  #callBatch(attempt: Attempt): unknown {
    const events: HandlerEvent[] = []
    for (let index = attempt.from; index < attempt.to; index++)
      events.push(new HandlerEvent(this.#frame, this.#frame.head(index)))
    const first = events[0] as HandlerEvent
    return this.#runner.call(attempt, events, new HandlerContext(attempt, first, this.#runner.surroundings))
  }

  #wait(attempt: Attempt, thenable: unknown): void {
    this.#runner.sawAsynchronous(attempt)
    this.#active.add(attempt)
    this.#armDeadline(attempt)
    void apply(promiseThen, resolvePromise(thenable), [
      (value: unknown) => this.#settle(attempt, undefined, value),
      (thrown: unknown) => this.#settle(attempt, this.#errorOf(thrown), undefined),
    ])
  }

  /** An asynchronous attempt has ended. */
  #settle(attempt: Attempt, error: InvocationError | undefined, value: unknown): void {
    if (attempt.done || this.#state !== 'running') return
    this.#active.delete(attempt)
    const next = this.#settleNow(attempt, error, value)
    const end = this.#endOfRun(attempt.to)
    if (next < end) this.#runFrom(next, end)
    this.#pump()
    if (this.#state !== 'running') return
    if (this.#clock - this.#flushedAt > flushIntervalMs) this.#flush()
    // Promises that settle in the same turn of the loop share one message.
    else this.#flushSoon ??= soon(() => this.#flush())
  }

  #settleNow(attempt: Attempt, error: InvocationError | undefined, value: unknown): number {
    const ended = now()
    const durationMs = ended - attempt.startedAt
    this.#clock = ended
    const writer = this.#writer
    writer.called(durationMs)
    let problem = error
    let failed: ReadonlySet<number> | undefined
    let only: EncodedResult | undefined
    if (problem === undefined) {
      try {
        if (this.#runner.batch !== undefined) failed = failedItems(value, this.#ids(attempt))
        else only = attempt.addLast(value)
      } catch (thrown) {
        problem = this.#errorOf(thrown)
      }
    }
    attempt.done = true
    if (problem !== undefined) {
      this.#failWhole(attempt, durationMs, problem)
      const end = this.#endOfRun(attempt.to)
      this.#skip(attempt.to, end)
      if (this.#frame.careful) this.#flush()
      return end
    }
    const next =
      this.#runner.batch === undefined
        ? this.#succeed(attempt, durationMs, only)
        : this.#succeedBatch(attempt, durationMs, failed)
    if (this.#frame.careful) this.#flush()
    return next
  }

  /** The call failed. Of a batch that is to be halved nobody is charged: who did it is still to be found. */
  #failWhole({ from, to }: Attempt, durationMs: number, error: InvocationError): void {
    const writer = this.#writer
    const events = to - from
    if (events > 1 && this.#runner.batch?.onError !== 'retry')
      return writer.batchFailure(from, events, durationMs / events, error)
    for (let index = from; index < to; index++) writer.failure(index, durationMs / events, error)
  }

  /** `only` is the returned result of an attempt that emitted nothing. */
  #succeed(attempt: Attempt, durationMs: number, only: EncodedResult | undefined): number {
    const writer = this.#writer
    if (only !== undefined) writer.result(attempt.from, durationMs, only)
    else if (attempt.results.length === 0) writer.status(attempt.from, resultStatus.none, durationMs)
    else writer.results(attempt.from, durationMs, attempt.results)
    return attempt.to
  }

  /** What a batch emitted goes with its first event that succeeded. An item behind a failed one of its key runs again. */
  #succeedBatch(attempt: Attempt, durationMs: number, failed: ReadonlySet<number> | undefined): number {
    const writer = this.#writer
    const shareMs = durationMs / (attempt.to - attempt.from)
    let { results } = attempt
    let blocked = false
    for (let index = attempt.from; index < attempt.to; index++) {
      if (!this.#frame.followsPrevious(this.#frame.head(index))) blocked = false
      if (failed?.has(index - attempt.from) === true) {
        writer.failure(
          index,
          shareMs,
          invocationError('error', 'BatchItemFailure', 'the handler reported the item as failed'),
        )
        blocked = true
      } else if (blocked) {
        // It runs again, but the handler has had it.
        writer.status(index, resultStatus.interrupted, 0)
      } else if (results.length > 0) {
        writer.results(index, shareMs, results)
        results = []
      } else {
        writer.status(index, resultStatus.none, shareMs)
      }
    }
    if (!blocked) return attempt.to
    let next = attempt.to
    while (next < this.#frame.count && this.#frame.followsPrevious(this.#frame.head(next))) next++
    this.#skip(attempt.to, next)
    return next
  }

  #ids(attempt: Attempt): string[] {
    const ids: string[] = []
    for (let index = attempt.from; index < attempt.to; index++)
      ids.push(new HandlerEvent(this.#frame, this.#frame.head(index)).id)
    return ids
  }

  /** The end of the run that the event at `index` belongs to when it follows its previous one. */
  #endOfRun(index: number): number {
    const { count } = this.#frame
    // Batches take events of all keys and run one after the other.
    if (this.#runner.batch !== undefined) return count
    let end = index
    while (end < count && this.#frame.followsPrevious(this.#frame.head(end))) end++
    return end
  }

  #skip(from: number, to: number): void {
    for (let index = from; index < to; index++) this.#writer.status(index, resultStatus.notStarted, 0)
  }

  #armDeadline(attempt: Attempt): void {
    if (this.#deadline !== undefined) return
    const waitMs = attempt.startedAt + this.#runner.timeoutMs - now()
    this.#deadline = startTimer(() => this.#checkDeadlines(), Math.max(1, waitMs))
  }

  /** The set is in order of starting and all attempts have the same time, so the first is the next to be late. */
  #checkDeadlines(): void {
    this.#deadline = undefined
    const [oldest] = this.#active
    if (oldest === undefined || this.#state !== 'running') return
    const overMs = now() - oldest.startedAt - this.#runner.timeoutMs
    if (overMs < 0) {
      this.#armDeadline(oldest)
      return
    }
    if (!oldest.timedOut) oldest.timeOut()
    if (overMs >= abortGraceMs) {
      const message = `the invocation took longer than ${this.#runner.timeoutMs} ms`
      this.#runner.giveUp(oldest, invocationError('timeout', 'TimeoutError', message))
      return
    }
    this.#deadline = startTimer(() => this.#checkDeadlines(), abortGraceMs - overMs + 1)
  }

  #flush(): void {
    this.#flushedAt = this.#clock = now()
    if (this.#flushSoon !== undefined) notSoon(this.#flushSoon)
    this.#flushSoon = undefined
    if (this.#state === 'running' && this.#writer.count > 0) this.#runner.post(this.#chunk(0))
  }

  #finish(): void {
    this.#setState('finished')
    this.#runner.finished(this, this.#chunk(chunkFlag.final | this.#runner.lifeFlags()), this.#writer)
  }

  #chunk(flags: number): Uint8Array<ArrayBuffer> {
    const { surroundings, taken } = this.#runner
    if ((flags & chunkFlag.final) === 0) {
      // Who gets the outcome has the lines of the invocation already.
      surroundings.logs.flush()
      return this.#writer.take(flags, taken)
    }
    this.#runner.flushRecords()
    return this.#writer.take(flags, taken, this.#runner.cpu.frameEnded(now()))
  }

  #errorOf(thrown: unknown): InvocationError {
    const { mask } = this.#runner.surroundings
    try {
      // The check itself runs user code when a proxy was thrown.
      if (thrown instanceof ResultProblem)
        return invocationError(thrown.reason, thrown.name, thrown.message, undefined, mask)
    } catch {
      // Then it is described as anything else.
    }
    return describeThrown('error', thrown, mask)
  }
}

/** @throws what a hostile `then` getter throws. */
function isThenable(value: unknown): boolean {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false
  return typeof (value as { then?: unknown }).then === 'function'
}
