import type { FunctionResult } from '../sinks/function-result.ts'
import type { FrameNonce } from './frame-codec.ts'
import { firstHalf } from './batch-plan.ts'
import type { Invocation, InvocationError } from './invocation.ts'
import type { ChunkSummary, OutcomeReceiver } from './outcome-receiver.ts'
import type { PoolTally } from './pool-tally.ts'
import { decodeChunk } from './result-codec.ts'

const notStarted = Object.freeze({ kind: 'not-started' } as const)
const interrupted = Object.freeze({ kind: 'not-started', interrupted: true } as const)

/** Outcomes of the events of one frame: sees to it that each is settled exactly once, whatever the worker sends. */
export class RunningFrame implements OutcomeReceiver {
  readonly nonce: FrameNonce
  readonly careful: boolean
  /** Resolves the promise of the caller; called once, after the last event is settled. */
  readonly done: () => void
  readonly #invocations: readonly Invocation[]
  readonly #tally: PoolTally
  /** Per event: 1 settled, 2 announced as started. */
  readonly #marks: Uint8Array
  #open: number

  constructor(
    invocations: readonly Invocation[],
    options: { nonce: FrameNonce; careful: boolean; tally: PoolTally; done: () => void },
  ) {
    this.#invocations = invocations
    this.nonce = options.nonce
    this.careful = options.careful
    this.done = options.done
    this.#tally = options.tally
    this.#marks = new Uint8Array(invocations.length)
    this.#open = invocations.length
  }

  /** Events without an outcome. */
  get open(): number {
    return this.#open
  }

  /** Settles what a worker posted; undefined when it is no answer to this frame. */
  receive(chunk: unknown): ChunkSummary | undefined {
    const summary = decodeChunk(chunk, this.nonce, this)
    if (summary !== undefined) this.#tally.told(summary)
    return summary
  }

  started(index: number): void {
    if (this.#marks[index] === 0) this.#marks[index] = 2
  }

  succeeded(index: number, results: readonly FunctionResult[], durationMs: number): void {
    if (!this.#take(index)) return
    this.#tally.succeeded++
    this.#tally.ended(durationMs)
    this.#invocations[index]?.settle({ kind: 'succeeded', results, durationMs })
  }

  failed(index: number, error: InvocationError, durationMs: number): void {
    this.#failed(index, error, durationMs, error.reason === 'crash' && error.name === 'ProcessExit')
  }

  #failed(index: number, error: InvocationError, durationMs: number, endedHost: boolean): void {
    if (!this.#take(index)) return
    this.#tally.failed++
    this.#tally.ended(durationMs)
    const outcome = { kind: 'failed', error, durationMs } as const
    this.#invocations[index]?.settle(endedHost ? { ...outcome, endedHost } : outcome)
  }

  batchFailed(from: number, events: number, error: InvocationError, durationMs: number): void {
    // Numbers of a damaged worker: what is no index is no event of this frame.
    const end = Math.min(from + events, this.#marks.length)
    if (end - from < 2) return this.failed(from, error, durationMs)
    const middle = from + firstHalf(end - from)
    const first = { events: middle - from }
    const second = { events: end - middle }
    for (let index = from; index < end; index++) {
      if (!this.#take(index)) continue
      this.#tally.failed++
      this.#tally.ended(durationMs)
      const part = index < middle ? first : second
      this.#invocations[index]?.settle({ kind: 'batch-failed', error, durationMs, part })
    }
  }

  notStarted(index: number): void {
    if (this.#take(index)) this.#invocations[index]?.settle(notStarted)
  }

  interrupted(index: number): void {
    if (this.#take(index)) this.#invocations[index]?.settle(interrupted)
  }

  /** What is open goes back from a worker that is being closed: nothing is charged, and some of it may have begun. */
  giveBackRunning(): void {
    for (let index = 0; index < this.#marks.length && this.#open > 0; index++) {
      if (this.careful && this.#marks[index] === 0) this.notStarted(index)
      else this.interrupted(index)
    }
  }

  /** The frame goes back as it is: nothing is charged. */
  giveBack(): void {
    for (let index = 0; index < this.#marks.length && this.#open > 0; index++) this.notStarted(index)
  }

  /**
   * The worker has ended, or was ended, with events open. Only an event that certainly did it is charged: the one that was
   * announced as started, or the only one open (`certain`: even if the worker had run other frames before). Events that
   * had not started go back; between several that may have started it cannot be told: they are suspects.
   * @param usedMs what the worker cannot tell any more: handler time, and CPU time as far as it is known.
   */
  workerDied(
    error: InvocationError,
    usedMs: { readonly handler: number; readonly cpu: number },
    certain: boolean,
  ): void {
    this.#tally.used(usedMs.cpu, usedMs.handler)
    const open: number[] = []
    for (let index = 0; index < this.#marks.length; index++) {
      const mark = this.#marks[index]
      if (mark === 2 || (mark === 0 && !this.careful)) open.push(index)
    }
    const [only] = open
    const endedHost = error.reason === 'crash' || error.reason === 'out-of-memory'
    if (open.length === 1 && only !== undefined && (certain || this.careful))
      this.#failed(only, error, usedMs.handler, endedHost)
    else for (const index of open) this.#suspect(index, error)
    this.giveBack()
  }

  #suspect(index: number, error: InvocationError): void {
    if (this.#take(index)) this.#invocations[index]?.settle({ kind: 'suspect', error })
  }

  #take(index: number): boolean {
    const mark = this.#marks[index]
    // An index that is none comes from a damaged worker.
    if (mark === undefined || mark === 1) return false
    this.#marks[index] = 1
    this.#open--
    return true
  }
}
