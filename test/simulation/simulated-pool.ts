import type { FunctionVersion } from '../../src/functions/function-version.ts'
import type { FunctionResult } from '../../src/sinks/function-result.ts'
import type { Invocation, InvocationError, InvocationOutcome } from '../../src/workers/invocation.ts'
import type { WorkerPool, WorkerPoolState, WorkerPoolStats } from '../../src/workers/worker-pool.ts'
import type { Try } from './handler-plan.ts'

/** What a function under test does to the world, and what the world tells it. */
export interface HandlerSurroundings {
  /** A promise holds the handler until somebody decides. */
  begin(trigger: string, id: string, attempt: number, place: Place): Try | Promise<Try>
  /** The worker died while a handler had it. */
  gone?(trigger: string, id: string): void
  /** A try ended by itself. */
  ended(
    trigger: string,
    run: { id: string; key: string; attempt: number; startUs: number; outcome: 'done' | 'failed' },
  ): void
  resultsOf(trigger: string, id: string): readonly FunctionResult[]
  /** Permits were set; the bounds are looked at. */
  permitted(version: FunctionVersion, workers: number): void
  nowUs(): number
  sleep(ms: number): Promise<void>
  coldStartMs(): number
}

/** Where an event stands in its stream. */
export interface Place {
  readonly partition: number
  readonly offset: number
}

/** A worker with the frame that it has. */
interface Worker {
  readonly unsettled: Set<Invocation>
  readonly inHand: Set<Invocation>
  readonly died: PromiseWithResolvers<void>
  isDead: boolean
}

/**
 * A pool whose workers are made of virtual time. They fail as real ones do: handlers throw, never end, and end their
 * worker; a worker may die after it has done something and before it told.
 */
export class SimulatedPool implements WorkerPool {
  readonly version: FunctionVersion
  onFree: () => void = () => undefined
  readonly #around: HandlerSurroundings
  readonly #workers = new Set<Worker>()
  #state: WorkerPoolState = 'ready'
  #permits = 0
  #warm = 0
  #succeeded = 0
  #failed = 0
  #killed = 0
  #handlerMs = 0
  #serviceTimeMs: number | undefined
  #idle: (() => void)[] = []

  constructor(version: FunctionVersion, around: HandlerSurroundings) {
    this.version = version
    this.#around = around
  }

  get state(): WorkerPoolState {
    return this.#state
  }

  get freeSlots(): number {
    return this.#state === 'ready' ? Math.max(0, this.#permits - this.#workers.size) : 0
  }

  /** Each frame has a worker of its own here. */
  readonly room = 0

  setWorkers(count: number): void {
    this.#around.permitted(this.version, count)
    this.#permits = count
    this.#warm = Math.min(this.#warm, count)
    this.onFree()
  }

  async run(frame: readonly Invocation[]): Promise<void> {
    const worker: Worker = {
      unsettled: new Set(frame),
      inHand: new Set(),
      died: Promise.withResolvers<void>(),
      isDead: false,
    }
    const isCold = this.#warm <= this.#workers.size
    this.#workers.add(worker)
    if (isCold) {
      await Promise.race([this.#around.sleep(this.#around.coldStartMs()), worker.died.promise])
      this.#warm++
    }
    if (!worker.isDead) await Promise.race([this.#runAll(worker, frame), worker.died.promise])
    if (worker.isDead) this.#warm = Math.max(0, this.#warm - 1)
    for (const invocation of [...worker.unsettled]) this.#settle(worker, invocation, { kind: 'not-started' })
    this.#workers.delete(worker)
    if (this.#workers.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
    this.onFree()
  }

  stats(): WorkerPoolStats {
    return {
      state: this.#state,
      permits: this.#permits,
      workers: Math.max(this.#warm, this.#workers.size),
      busy: this.#workers.size,
      serviceTimeMs: this.#serviceTimeMs,
      succeeded: this.#succeeded,
      failed: this.#failed,
      coldStarts: 0,
      killed: this.#killed,
      leaked: 0,
      cpuShare: 0.2,
      cpuMs: this.#handlerMs / 5,
      handlerMs: this.#handlerMs,
      memoryMiBSeconds: 0,
      workerSeconds: 0,
    }
  }

  async close(drainMs: number): Promise<void> {
    this.#state = 'draining'
    if (this.#workers.size > 0) {
      const idle = new Promise<void>(resolve => this.#idle.push(resolve))
      await Promise.race([idle, this.#around.sleep(drainMs)])
    }
    for (const worker of [...this.#workers]) this.#end(worker)
    this.#state = 'closed'
  }

  async #runAll(worker: Worker, frame: readonly Invocation[]): Promise<void> {
    const runs: Invocation[][] = []
    for (const invocation of frame) {
      if (invocation.followsPrevious) runs.at(-1)!.push(invocation)
      else runs.push([invocation])
    }
    const runNext = async (): Promise<void> => {
      for (let run = runs.shift(); run !== undefined && !worker.isDead; run = runs.shift())
        await this.#runKey(worker, run)
    }
    await Promise.all(Array.from({ length: this.version.concurrency }, runNext))
  }

  async #runKey(worker: Worker, run: readonly Invocation[]): Promise<void> {
    for (const invocation of run) {
      if (worker.isDead || !(await this.#runOne(worker, invocation))) return
    }
  }

  /** Resolves with whether the run goes on. */
  async #runOne(worker: Worker, invocation: Invocation): Promise<boolean> {
    const { feed, record, attempt } = invocation
    const around = this.#around
    const id = record.value?.toString() ?? ''
    const startUs = around.nowUs()
    const place = { partition: invocation.partition, offset: record.offset }
    const plan = around.begin(feed.trigger, id, attempt, place)
    worker.inHand.add(invocation)
    const { act, tookMs, isUntold } = plan instanceof Promise ? await plan : plan
    if (worker.isDead) return false
    await around.sleep(tookMs)
    if (worker.isDead) return false
    if (act === 'loop') {
      await around.sleep(Math.max(0, this.version.timeoutMs - tookMs))
      if (!worker.isDead) this.#die(worker, invocation, 'timeout')
      return false
    }
    if (act === 'crash') {
      this.#die(worker, invocation, 'crash')
      return false
    }
    const isDone = act === 'done'
    if (isDone && isUntold) {
      this.#die(worker, invocation, 'crash')
      return false
    }
    around.ended(feed.trigger, {
      ...{ id, key: feed.reader.key(record), attempt, startUs },
      outcome: isDone ? 'done' : 'failed',
    })
    this.#handlerMs += tookMs
    this.#serviceTimeMs = (this.#serviceTimeMs ?? tookMs) * 0.8 + tookMs * 0.2
    const results = isDone ? around.resultsOf(feed.trigger, id) : []
    this.#settle(
      worker,
      invocation,
      isDone
        ? { kind: 'succeeded', results, durationMs: tookMs }
        : { kind: 'failed', error: errorOf('error'), durationMs: tookMs },
    )
    return isDone
  }

  /** The worker ends because of one event: which one it was is known of a time-out only. */
  #die(worker: Worker, culprit: Invocation, reason: 'timeout' | 'crash'): void {
    this.#killed++
    const error = errorOf(reason)
    for (const invocation of [...worker.inHand]) {
      this.#around.gone?.(invocation.feed.trigger, invocation.record.value?.toString() ?? '')
      if (reason === 'crash') this.#settle(worker, invocation, { kind: 'suspect', error })
      else if (invocation === culprit)
        this.#settle(worker, invocation, { kind: 'failed', error, durationMs: this.version.timeoutMs })
    }
    this.#end(worker)
  }

  #end(worker: Worker): void {
    worker.isDead = true
    worker.died.resolve()
  }

  #settle(worker: Worker, invocation: Invocation, outcome: InvocationOutcome): void {
    worker.inHand.delete(invocation)
    if (!worker.unsettled.delete(invocation)) return
    if (outcome.kind === 'succeeded') this.#succeeded++
    if (outcome.kind === 'failed') this.#failed++
    invocation.settle(outcome)
  }
}

function errorOf(reason: InvocationError['reason']): InvocationError {
  return { reason, name: 'Error', message: reason }
}
