import type { FunctionVersion } from '../../src/functions/function-version.ts'
import type { Invocation, InvocationOutcome } from '../../src/workers/invocation.ts'
import type { WorkerPool, WorkerPoolStats } from '../../src/workers/worker-pool.ts'

/** What the script knows of an invocation. */
export interface Seen {
  readonly key: string
  readonly value: string
  readonly attempt: number
  readonly offset: number
  /** Version that runs it. */
  readonly version: string
}

export type Script = (seen: Seen) => InvocationOutcome | Promise<InvocationOutcome>

export const succeeded: InvocationOutcome = { kind: 'succeeded', results: [], durationMs: 0.1 }
export const failed = (message = 'no'): InvocationOutcome => ({
  kind: 'failed',
  error: { reason: 'error', name: 'Error', message },
  durationMs: 0.1,
})

/** A pool without threads: dispatch is the unit here, the real pool has its own tests and the end-to-end runs. */
export class ScriptedPool implements WorkerPool {
  readonly version: FunctionVersion
  readonly state = 'ready'
  readonly seen: Seen[] = []
  readonly frames: number[] = []
  onFree: () => void = () => undefined
  /** Called before each run of the script. */
  onSeen: (seen: Seen) => void = () => undefined
  /** Called with each frame when it is taken. */
  onFrame: (frame: readonly Invocation[]) => void = () => undefined
  #script: Script
  #running = 0
  #permits = 2
  #keys = new Set<string>()
  overlaps = 0
  /** Called before the rest of a broken run comes back. */
  beforeNotStarted: () => void = () => undefined

  constructor(version: FunctionVersion, script: Script) {
    this.version = version
    this.#script = script
  }

  get freeSlots(): number {
    return Math.max(0, this.#permits - this.#running)
  }

  /** Each frame has a worker of its own here. */
  readonly room = 0

  set script(script: Script) {
    this.#script = script
  }

  setWorkers(count: number): void {
    this.#permits = count
    this.onFree()
  }

  async run(frame: readonly Invocation[], onBegin?: () => void): Promise<void> {
    this.#running++
    onBegin?.()
    this.frames.push(frame.length)
    this.onFrame(frame)
    const runs: Invocation[][] = []
    for (const invocation of frame) {
      if (invocation.followsPrevious) runs.at(-1)?.push(invocation)
      else runs.push([invocation])
    }
    await Promise.all(runs.map(run => this.#runKey(run)))
    this.#running--
    this.onFree()
  }

  stats(): WorkerPoolStats {
    return {
      state: 'ready',
      permits: this.#permits,
      workers: this.#permits,
      busy: this.#running,
      serviceTimeMs: 0.1,
      succeeded: 0,
      failed: 0,
      coldStarts: 0,
      killed: 0,
      leaked: 0,
      cpuShare: 1,
      cpuMs: 0,
      handlerMs: 0,
      memoryMiBSeconds: 0,
      workerSeconds: 0,
    }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #runKey(run: readonly Invocation[]): Promise<void> {
    let broken = false
    for (const invocation of run) {
      if (broken) {
        this.beforeNotStarted()
        invocation.settle({ kind: 'not-started' })
        continue
      }
      const { feed, record, attempt } = invocation
      const key = feed.reader.key(record)
      if (key !== '' && this.#keys.has(key)) this.overlaps++
      this.#keys.add(key)
      const seen = {
        key,
        value: record.value?.toString() ?? '',
        attempt,
        offset: record.offset,
        version: this.version.version,
      }
      this.seen.push(seen)
      this.onSeen(seen)
      const outcome = await this.#script(seen)
      this.#keys.delete(key)
      broken = outcome.kind !== 'succeeded'
      invocation.settle(outcome)
    }
  }
}
