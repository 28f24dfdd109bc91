import { SluiceError } from '../errors/sluice-error.ts'
import type { WorkerPool } from '../workers/worker-pool.ts'
import type { Delivery } from './delivery.ts'
import { chooseFrameSize } from './frame-size.ts'
import type { DirectInvocation } from './direct-invocation.ts'
import type { TriggerDispatch } from './trigger-dispatch.ts'

export interface VersionDispatchOptions {
  readonly pool: WorkerPool
  /** Direct invocations that may wait; beyond it they are refused with SLUICE_DISPATCH_OVERLOADED. Default 1,024. */
  readonly maxWaitingInvocations: number
  /** Work waits and the pool has no permit: scaling from zero happens on the dispatch path, without waiting for a tick. */
  readonly onStarved: () => void
}

/** Feeds one worker pool: frames from the triggers of its version in turn, and direct invocations within their share. */
export class VersionDispatch {
  readonly pool: WorkerPool
  readonly triggers: TriggerDispatch[] = []
  readonly #options: VersionDispatchOptions
  readonly #direct: DirectInvocation[] = []
  #directFrames = 0
  /** Direct invocations in frames. */
  #directRunning = 0
  #wasDirect = false
  #turn = 0
  #scheduled = false
  #stopping = false

  constructor(options: VersionDispatchOptions) {
    this.#options = options
    this.pool = options.pool
    this.pool.onFree = () => this.schedule()
  }

  attach(trigger: TriggerDispatch): void {
    this.triggers.push(trigger)
    trigger.onRunnable = () => this.schedule()
  }

  /** Events and direct invocations that could start now. */
  get runnable(): number {
    let events = this.#direct.length
    for (const trigger of this.triggers) events += trigger.runnable
    return events
  }

  get runnableKeys(): number {
    let keys = this.#direct.length
    for (const trigger of this.triggers) keys += trigger.runnableKeys
    return keys
  }

  /** Events and direct invocations that the pool has and that are not settled; it may still be starting their worker. */
  get running(): number {
    let events = this.#directRunning
    for (const trigger of this.triggers) events += trigger.running
    return events
  }

  /** Fills free workers once the current burst of arrivals is in, so that a burst makes few frames instead of many. */
  schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  /** @throws {SluiceError} SLUICE_DISPATCH_OVERLOADED when too many wait, SLUICE_DISPATCH_STOPPED while stopping. */
  invoke(invocation: DirectInvocation): void {
    const { name } = this.pool.version
    if (this.#stopping) throw new SluiceError('SLUICE_DISPATCH_STOPPED', `function ${name} is stopping`)
    if (this.#direct.length >= this.#options.maxWaitingInvocations) {
      throw new SluiceError(
        'SLUICE_DISPATCH_OVERLOADED',
        `${this.#direct.length} invocations of function ${name} wait already; try again later`,
      )
    }
    this.#direct.push(invocation)
    this.schedule()
  }

  /** Refuses direct invocations; what waits is settled as not started. */
  stop(): void {
    this.#stopping = true
    for (const invocation of this.#direct.splice(0)) invocation.settle({ kind: 'not-started' })
  }

  #pump(): void {
    const { pool } = this
    while (pool.freeSlots > 0) {
      if (this.#runDirect()) continue
      const frame = this.#triggerFrame()
      if (frame === undefined) return
      void pool.run(frame).then(() => this.schedule())
    }
    if (this.runnable > 0 && pool.stats().permits === 0) this.#options.onStarved()
  }

  /** Direct invocations may hold half of the workers while events wait as well; of a single worker every other turn. */
  #runDirect(): boolean {
    const waiting = this.#direct.length
    if (waiting === 0) return false
    const { permits } = this.pool.stats()
    const share = Math.max(1, Math.floor(permits / 2))
    const isTheirTurn = this.#directFrames >= share || (share >= permits && this.#wasDirect)
    if (isTheirTurn && this.triggers.some(trigger => trigger.runnable > 0)) return false
    const frame = this.#direct.splice(0, this.#size(waiting).maxEvents)
    this.#wasDirect = true
    this.#directFrames++
    this.#directRunning += frame.length
    void this.pool.run(frame).then(() => {
      this.#directFrames--
      this.#directRunning -= frame.length
      this.schedule()
    })
    return true
  }

  #triggerFrame(): readonly Delivery[] | undefined {
    this.#wasDirect = false
    const frame: Delivery[] = []
    const { length } = this.triggers
    for (let i = 0; i < length && frame.length === 0; i++) {
      const trigger = this.triggers[this.#turn++ % length] as TriggerDispatch
      const { runnable } = trigger
      if (runnable > 0) trigger.take(this.#size(runnable), frame)
    }
    return frame.length === 0 ? undefined : frame
  }

  #size(runnable: number) {
    const { serviceTimeMs, cpuShare } = this.pool.stats()
    const { concurrency } = this.pool.version
    return chooseFrameSize({ serviceTimeMs, cpuShare, concurrency, runnable, freeSlots: this.pool.freeSlots })
  }
}
