import { types } from 'node:util'
import type { BatchOptions } from '../functions/function-version.ts'
import type { Attempt } from './attempt.ts'
import type { AttemptScope, Handler } from './attempt-scope.ts'
import type { ContextSurroundings } from './context.ts'
import { CpuMeter } from './cpu-meter.ts'
import { FrameReader } from './frame-codec.ts'
import { FrameExecution } from './frame-execution.ts'
import type { createGlobalCheck } from './global-guard.ts'
import type { LoadedFunction } from './handler-loader.ts'
import { describeThrown, invocationError } from './invocation-error.ts'
import type { InvocationError } from './invocation.ts'
import { chunkFlag, ResultWriter } from './result-codec.ts'
import type { WorkerLife } from './worker-life.ts'
import type { JoinRequest } from './worker-settings.ts'
import type { WorkerTracing } from './worker-tracing.ts'

/** For the next frames: each has a buffer. */
const keptWriters = 8

/** What the thread does for the runner. */
export interface RunnerPorts {
  readonly surroundings: ContextSurroundings
  readonly scope: AttemptScope
  readonly globalCheck: ReturnType<typeof createGlobalCheck>
  readonly life: WorkerLife
  readonly tracing: WorkerTracing | undefined
  readonly post: (chunk: Uint8Array<ArrayBuffer>) => void
}

/**
 * Runs the frames of one worker with the loaded function. A session begins with one frame; others join while it runs, and
 * it ends with the last of them.
 */
export class FrameRunner {
  readonly cpu = new CpuMeter()
  readonly surroundings: ContextSurroundings
  readonly post: (chunk: Uint8Array<ArrayBuffer>) => void
  readonly timeoutMs: number
  readonly concurrency: number
  readonly maxResultBytes: number
  /** How a batch handler is called; undefined for one event per call. */
  readonly batch: BatchOptions | undefined
  readonly #function: LoadedFunction
  readonly #scope: AttemptScope
  readonly #tracing: WorkerTracing | undefined
  readonly #globalCheck: ReturnType<typeof createGlobalCheck>
  #follow = true
  /** Whether any call ever went on after it had returned. */
  #isAsynchronous: boolean
  readonly #life: WorkerLife
  #isExpiring = false
  #recycle = false
  /** Of the present session, or of the last one. */
  #session = 0
  #taken = 0
  readonly #executions = new Set<FrameExecution>()
  readonly #early: JoinRequest[] = []
  #last: Uint8Array | undefined
  #resolve: ((last: Uint8Array | undefined) => void) | undefined
  /** Those that no frame uses now. */
  readonly #writers: ResultWriter[] = []

  constructor(loaded: LoadedFunction, ports: RunnerPorts) {
    const { settings } = ports.surroundings
    this.#function = loaded
    this.#isAsynchronous = types.isAsyncFunction(loaded.handler)
    this.#scope = ports.scope
    this.#tracing = ports.tracing
    this.#globalCheck = ports.globalCheck
    this.#life = ports.life
    this.surroundings = ports.surroundings
    this.post = ports.post
    this.timeoutMs = settings.timeoutMs
    this.concurrency = settings.concurrency
    this.maxResultBytes = settings.maxResultBytes
    this.batch = settings.batch
  }

  /** Frames of the session up to now. */
  get taken(): number {
    return this.#taken
  }

  /** A session: resolves with the last chunk of results of the frame that ended last; all others were posted. */
  async run(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array | undefined> {
    this.#session++
    this.#taken = 0
    this.#last = undefined
    this.#begin(bytes)
    for (const early of this.#early.splice(0)) this.join(early)
    // The frames of synchronous functions have ended by now.
    if (this.#executions.size === 0) return this.#last
    return new Promise(resolve => (this.#resolve = resolve))
  }

  /**
   * A frame comes to those that run. One for a session that is over is not taken, and its last chunk has said so. It comes
   * by another port than sessions do, and may be here before the one that it is for.
   */
  join(request: JoinRequest): void {
    if (request.session > this.#session) this.#early.push(request)
    else if (request.session === this.#session && this.#executions.size > 0) this.#begin(request.frame).acknowledge()
  }

  #begin(bytes: Uint8Array<ArrayBuffer>): FrameExecution {
    const frame = new FrameReader(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#taken++
    if (frame.careful) this.#follow = true
    if (!this.#follow) this.#scope.beginBurst()
    const execution = new FrameExecution(this, frame, this.#writers.pop() ?? new ResultWriter())
    this.#executions.add(execution)
    execution.start()
    return execution
  }

  finished(execution: FrameExecution, last: Uint8Array<ArrayBuffer>, writer: ResultWriter): void {
    this.#executions.delete(execution)
    if (this.#writers.length < keptWriters) this.#writers.push(writer)
    if (this.#executions.size > 0) return this.post(last)
    this.#last = last
    this.#resolve?.(last)
    this.#resolve = undefined
  }

  /** The thread is about to be ended because of `culprit`, or of something that nobody can be charged for. */
  giveUp(culprit: Attempt | undefined, error: InvocationError): void {
    const isGuilty = (execution: FrameExecution) => culprit !== undefined && execution.has(culprit)
    const inOrder = [...this.#executions].sort((a, b) => Number(isGuilty(a)) - Number(isGuilty(b)))
    for (const [index, execution] of inOrder.entries()) {
      const flags = index === inOrder.length - 1 ? chunkFlag.end : 0
      execution.giveUp(isGuilty(execution) ? culprit : undefined, error, flags)
    }
    // What was told is all that was taken: a frame that joins now must not begin.
    this.#executions.clear()
  }

  call(attempt: Attempt, event: unknown, context: unknown): unknown {
    const { handler } = this.#function
    this.#life.called()
    if (this.#tracing !== undefined && this.batch !== undefined) return this.#callTraced(attempt, event, context)
    const traceparent = this.#tracing === undefined ? undefined : attempt.frame.traceparent(attempt.head)
    if (traceparent === undefined || this.#tracing === undefined) {
      return this.#scope.call(attempt, this.#follow, handler, event, context)
    }
    const tracing = this.#tracing
    const traced: Handler = (...both) => tracing.run(traceparent, () => handler(...both))
    return this.#scope.call(attempt, this.#follow, traced, event, context)
  }

  #callTraced(attempt: Attempt, events: unknown, context: unknown): unknown {
    const { frame, from, to, head } = attempt
    const { handler } = this.#function
    const traceparents: string[] = []
    for (let index = from; index < to; index++) {
      const traceparent = frame.traceparent(frame.head(index))
      if (traceparent !== undefined) traceparents.push(traceparent)
    }
    if (traceparents.length === 0) return this.#scope.call(attempt, this.#follow, handler, events, context)
    const batch = {
      ...{ stream: frame.feed(head).stream, events: to - from, traceparents },
      mode: this.batch?.trace ?? ('links' as const),
    }
    const traced: Handler = (...both) => (this.#tracing as WorkerTracing).runBatch(batch, () => handler(...both))
    return this.#scope.call(attempt, this.#follow, traced, events, context)
  }

  sawSynchronous(): void {
    if (!this.#follow || this.#isAsynchronous) return
    this.#follow = false
    this.#scope.beginBurst()
  }

  sawAsynchronous(attempt: Attempt): void {
    this.#isAsynchronous = true
    if (this.#follow) return
    this.#follow = true
    this.#scope.giveBurstTo(attempt)
  }

  /** An error that nobody caught: of a running attempt, then that fails; or of something late, then nobody is charged. */
  uncaught(thrown: unknown, what: string): void {
    this.#recycle = true
    const attempt = this.#scope.culprit()
    const error = describeThrown('crash', thrown, this.surroundings.mask)
    if (attempt !== undefined && this.#executions.size > 0) {
      const failure = { ...error, message: `${what}: ${error.message}` }
      for (const execution of this.#executions) execution.fail(attempt, failure)
      return
    }
    this.surroundings.logs.log('error', `${what} outside of an invocation: ${error.name}: ${error.message}`, {
      stack: error.stack,
    })
    this.surroundings.logs.flush()
  }

  /** `process.exit` was called; the caller ends the thread right after. */
  exiting(code: unknown): void {
    const attempt = this.#scope.culprit()
    if (attempt === undefined) {
      this.surroundings.logs.log('error', `process.exit(${String(code)}) was called outside of an invocation`)
    }
    this.flushRecords()
    const error = invocationError('crash', 'ProcessExit', `the handler called process.exit(${String(code)})`)
    this.giveUp(attempt, error)
  }

  /** Whether the worker has to be replaced after this frame, or should be when its successor is there. */
  lifeFlags(): number {
    if (this.#mustRecycle()) return chunkFlag.recycle
    const { end } = this.#life
    if (end === undefined) return 0
    if (!this.#isExpiring) this.surroundings.logs.log('info', `the worker is replaced: ${end}`)
    this.#isExpiring = true
    return chunkFlag.expire
  }

  #mustRecycle(): boolean {
    const changed = this.#globalCheck()
    if (changed !== undefined && !this.#recycle) {
      this.surroundings.logs.log('warn', `the function changed ${changed}; its worker is replaced`)
      this.surroundings.logs.flush()
    }
    return changed !== undefined || this.#recycle
  }

  flushRecords(): void {
    this.surroundings.metrics.flush()
    this.surroundings.logs.flushAll()
    this.#tracing?.flush()
  }
}
