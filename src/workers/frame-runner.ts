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
import { chunkFlag, ResultWriter } from './result-codec.ts'
import type { WorkerLife } from './worker-life.ts'
import type { WorkerTracing } from './worker-tracing.ts'

/** What the thread does for the runner. */
export interface RunnerPorts {
  readonly surroundings: ContextSurroundings
  readonly scope: AttemptScope
  readonly globalCheck: ReturnType<typeof createGlobalCheck>
  readonly life: WorkerLife
  readonly tracing: WorkerTracing | undefined
  readonly post: (chunk: Uint8Array<ArrayBuffer>) => void
}

/** Runs the frames of one worker, one at a time, with the loaded function. */
export class FrameRunner {
  readonly writer = new ResultWriter()
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
  #execution: FrameExecution | undefined

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

  /** Resolves with the last chunk of results; earlier ones were posted. */
  async run(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array | undefined> {
    const frame = new FrameReader(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (frame.careful) this.#follow = true
    if (!this.#follow) this.#scope.beginBurst()
    this.#execution = new FrameExecution(this, frame)
    const last = await this.#execution.start()
    this.#execution = undefined
    return last
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
    if (attempt !== undefined && this.#execution !== undefined) {
      this.#execution.fail(attempt, { ...error, message: `${what}: ${error.message}` })
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
    this.#execution?.giveUp(attempt, error)
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
