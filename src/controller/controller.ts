import type { WorkerPool } from '../workers/worker-pool.ts'
import type { LagSource } from './lag.ts'
import { decideWorkers, initialScalingState, type ScalingSample, type ScalingState } from './scaling-decision.ts'

/** A decision that changed the number of workers, kept to be shown. */
export interface ScalingEvent {
  readonly atMs: number
  readonly function: string
  readonly version: string
  readonly from: number
  readonly to: number
  readonly reason: string
}

export interface ControllerOptions {
  /** Default 500 ms. */
  readonly intervalMs: number
  readonly cores: number
  readonly onDecision: (event: ScalingEvent) => void
}

interface Controlled {
  readonly pool: WorkerPool
  readonly lag: LagSource
  state: ScalingState
  arrivalsPerS: number
  receivedBefore: number
  sampledAtMs: number
  reason: string
  sampling: boolean
  removed: boolean
}

/** Decisions that are kept. */
const keptEvents = 1_000

/** Weight of the newest tick in the smoothed arrival rate. */
const arrivalWeight = 0.3

/** Samples, decides, applies; never consumes. The decision itself is the pure function in scaling-decision.ts. */
export class Controller {
  readonly #options: ControllerOptions
  readonly #versions: Controlled[] = []
  readonly #events: ScalingEvent[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(options: ControllerOptions) {
    this.#options = options
  }

  add(pool: WorkerPool, lag: LagSource): void {
    this.#versions.push({
      pool,
      lag,
      state: initialScalingState,
      arrivalsPerS: 0,
      receivedBefore: lag.received,
      sampledAtMs: performance.now(),
      reason: 'not sampled yet',
      sampling: false,
      removed: false,
    })
    this.#apply(pool, pool.version.scaling.minWorkers, 'the warm minimum')
  }

  /** Forgets a pool; it is never touched again, also not by a tick that is under way. */
  remove(pool: WorkerPool): void {
    const index = this.#versions.findIndex(controlled => controlled.pool === pool)
    const [removed] = index === -1 ? [] : this.#versions.splice(index, 1)
    if (removed !== undefined) removed.removed = true
  }

  start(): void {
    this.#timer = setInterval(() => {
      // A copy: what a decision reaches may remove a pool.
      for (const controlled of [...this.#versions]) void this.#tick(controlled)
    }, this.#options.intervalMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** From zero to one: called on the dispatch path when work waits and no worker is permitted. */
  wake(pool: WorkerPool): void {
    if (!this.#versions.some(controlled => controlled.pool === pool)) return
    if (pool.stats().permits > 0) return
    this.#apply(pool, Math.max(1, pool.version.scaling.minWorkers), '0→1: the first event waits')
  }

  /** The latest decisions, newest first. */
  events(): readonly ScalingEvent[] {
    return this.#events.toReversed()
  }

  /** What was decided last for each version, changed or not. */
  reasons(): readonly {
    readonly function: string
    readonly version: string
    readonly workers: number
    readonly reason: string
  }[] {
    return this.#versions.map(({ pool, reason }) => {
      const { name, version } = pool.version
      return { function: name, version, workers: pool.stats().permits, reason }
    })
  }

  async #tick(controlled: Controlled): Promise<void> {
    if (controlled.sampling || controlled.removed) return
    controlled.sampling = true
    try {
      const notTaken = await controlled.lag.notTaken().catch(() => undefined)
      if (controlled.removed) return
      const sample = this.#sample(controlled, notTaken)
      const decision = decideWorkers(sample, controlled.pool.version.scaling, controlled.state)
      controlled.state = decision.state
      controlled.reason = decision.reason
      this.#apply(controlled.pool, decision.desired, decision.reason)
    } catch (error) {
      // One version that cannot be sized must not stop the others, nor the process; the next tick tries again.
      controlled.reason = `hold: ${String(error)}`
    } finally {
      controlled.sampling = false
    }
  }

  #sample(controlled: Controlled, notTaken: number | undefined): ScalingSample {
    const { pool, lag } = controlled
    const nowMs = performance.now()
    const elapsedS = Math.max((nowMs - controlled.sampledAtMs) / 1000, 0.001)
    const { received } = lag
    const perS = Math.max(0, received - controlled.receivedBefore) / elapsedS
    controlled.arrivalsPerS += (perS - controlled.arrivalsPerS) * arrivalWeight
    controlled.receivedBefore = received
    controlled.sampledAtMs = nowMs
    const stats = pool.stats()
    return {
      nowMs,
      workers: stats.permits,
      // A frame that waits for a worker to start is in no worker: taken for idle, it would lose the permit it waits for.
      busy: Math.max(stats.busy, lag.running > 0 ? 1 : 0),
      backlog: notTaken === undefined ? undefined : notTaken + lag.runnable,
      runnableKeys: lag.runnableKeys,
      arrivalsPerS: controlled.arrivalsPerS,
      serviceTimeMs: stats.serviceTimeMs,
      cpuShare: stats.cpuShare,
      concurrency: pool.version.concurrency,
      cores: this.#options.cores,
    }
  }

  #apply(pool: WorkerPool, desired: number, reason: string): void {
    const from = pool.stats().permits
    if (from === desired) return
    pool.setWorkers(desired)
    const event = {
      atMs: Date.now(),
      function: pool.version.name,
      version: pool.version.version,
      from,
      to: desired,
      reason,
    }
    this.#events.push(event)
    if (this.#events.length > keptEvents) this.#events.shift()
    this.#options.onDecision(event)
  }
}
