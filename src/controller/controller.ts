import { constrainedMemory } from 'node:process'
import { totalmem } from 'node:os'
import type { WorkerPool } from '../workers/worker-pool.ts'
import { fairShares, type Claim, type Machine } from './fair-shares.ts'
import type { LagSource } from './lag.ts'
import { contendedShare, initialLoadState, measureLoad, type LoadState } from './load-meter.ts'
import {
  decideWorkers,
  initialScalingState,
  type ScalingDecision,
  type ScalingSample,
  type ScalingState,
} from './scaling-decision.ts'
import { inputsOf, ScalingHistory, type ScalingEvent, type ScalingInputs } from './scaling-history.ts'
import type { Limit } from './scaling-sample.ts'
import { wantedNodes, type WantedNodes } from './wanted-nodes.ts'
import { warmMinimum } from './warm-window.ts'

export interface ControllerOptions {
  /** Default 500 ms. */
  readonly intervalMs: number
  readonly cores: number
  /** For the heaps of all workers together. Default: three quarters of what the process may have. */
  readonly memoryMiB?: number
  readonly onDecision: (event: ScalingEvent) => void
}

/** What was decided last for a version, changed or not. */
export interface ScalingStatus {
  readonly pool: WorkerPool
  readonly reason: string
  /** Events taken in since the version began to be used. */
  readonly received: number
  /** Undefined: not sampled yet. */
  readonly inputs: ScalingInputs | undefined
}

interface Controlled {
  readonly pool: WorkerPool
  readonly lag: LagSource
  inputs: ScalingInputs | undefined
  state: ScalingState
  load: LoadState
  claim: Claim
  reason: string
  sampling: boolean
  removed: boolean
}

/** A lag that takes longer to tell is unknown. */
const lagTimeoutMs = 5_000

/** Samples, decides, applies; never consumes. The decisions are pure functions: scaling-decision.ts, fair-shares.ts. */
export class Controller {
  /** Of the last hour. */
  readonly history = new ScalingHistory()
  readonly machine: Machine
  readonly #options: ControllerOptions
  readonly #versions: Controlled[] = []
  #timer: NodeJS.Timeout | undefined
  #cpu = process.cpuUsage()
  #cpuAtMs = performance.now()
  #contended = false
  /** What the others leave to each, for the tick that is under way. */
  #limits: ReadonlyMap<Controlled, Limit | undefined> | undefined

  constructor(options: ControllerOptions) {
    this.#options = options
    this.machine = { cores: options.cores, memoryMiB: options.memoryMiB ?? memoryForWorkers() }
  }

  add(pool: WorkerPool, lag: LagSource): void {
    const warm = warmMinimum(pool.version.scaling, Date.now())
    this.#versions.push({
      pool,
      lag,
      state: initialScalingState,
      load: initialLoadState,
      claim: claimOf(pool, { workers: warm, cores: 0, coresPerWorker: 1 }),
      reason: 'not sampled yet',
      inputs: undefined,
      sampling: false,
      removed: false,
    })
    this.#apply(pool, warm, 'the warm minimum')
  }

  /** Forgets a pool; it is never touched again, also not by a tick that is under way. */
  remove(pool: WorkerPool): void {
    const index = this.#versions.findIndex(controlled => controlled.pool === pool)
    const [removed] = index === -1 ? [] : this.#versions.splice(index, 1)
    if (removed !== undefined) removed.removed = true
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#lookAtCores()
      this.#limits = undefined
      // A copy: what a decision reaches may remove a pool.
      for (const controlled of [...this.#versions]) void this.#tick(controlled)
    }, this.#options.intervalMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /**
   * From zero to one: called on the dispatch path when work waits and no worker is permitted. What does not exceed
   * `activationLagThreshold` in memory waits for the next tick, which knows the whole lag.
   */
  wake(pool: WorkerPool): void {
    const controlled = this.#versions.find(version => version.pool === pool)
    if (controlled === undefined || pool.stats().permits > 0) return
    const { scaling } = pool.version
    const active = scaling.activationLagThreshold ?? 0
    if (active > 0 && controlled.lag.runnable <= active) return
    this.#apply(pool, Math.max(1, warmMinimum(scaling, Date.now())), '0→1: the first event waits')
  }

  /** All versions that it sizes. */
  statuses(): readonly ScalingStatus[] {
    return this.#versions.map(({ pool, reason, inputs, lag }) => ({ pool, reason, inputs, received: lag.received }))
  }

  /** How many machines such as this one the load would fill; undefined while the lag of some version is not known. */
  wantedNodes(): WantedNodes | undefined {
    if (this.#versions.some(({ inputs }) => inputs?.waiting === undefined)) return undefined
    return wantedNodes(
      this.#versions.map(({ claim }) => claim),
      this.machine,
    )
  }

  #lookAtCores(): void {
    const now = performance.now()
    const { user, system } = process.cpuUsage(this.#cpu)
    this.#contended = (user + system) / 1000 > contendedShare * this.#options.cores * (now - this.#cpuAtMs)
    this.#cpu = process.cpuUsage()
    this.#cpuAtMs = now
  }

  async #tick(controlled: Controlled): Promise<void> {
    if (controlled.sampling || controlled.removed) return
    controlled.sampling = true
    try {
      const notTaken = await withinTime(controlled.lag.notTaken(), lagTimeoutMs)
      if (controlled.removed) return
      const sample = this.#sample(controlled, notTaken)
      controlled.inputs = inputsOf(sample)
      const decision = decideWorkers(sample, controlled.pool.version.scaling, controlled.state)
      controlled.state = decision.state
      controlled.reason = decision.reason
      controlled.claim = claimOf(controlled.pool, decision.claim)
      this.#apply(controlled.pool, decision.desired, decision.reason, controlled.inputs)
      this.#observe(controlled.pool, controlled.inputs)
    } catch (error) {
      // One version that cannot be sized must not stop the others, nor the process; the next tick tries again.
      controlled.reason = `hold: ${String(error)}`
    } finally {
      controlled.sampling = false
    }
  }

  #sample(controlled: Controlled, notTaken: number | undefined): ScalingSample {
    const { pool, lag } = controlled
    const stats = pool.stats()
    const { runnable, running } = lag
    const backlog = notTaken === undefined ? undefined : notTaken + runnable
    const nowMs = performance.now()
    const { succeeded, failed, cpuMs, handlerMs } = stats
    const inSystem = backlog === undefined ? undefined : backlog + running
    const reading = { nowMs, succeeded, failed, cpuMs, handlerMs, inSystem, contended: this.#contended }
    const { load, state } = measureLoad(reading, controlled.load)
    controlled.load = state
    return {
      nowMs,
      wallMs: Date.now(),
      workers: stats.permits,
      ready: Math.min(stats.permits, stats.state === 'starting' ? 0 : stats.workers),
      // A frame that waits for a worker to start is in no worker: taken for idle, it would lose the permit it waits for.
      busy: Math.max(stats.busy, running > 0 ? 1 : 0),
      running,
      backlog,
      runnableKeys: lag.runnableKeys,
      ...load,
      serviceTimeMs: stats.serviceTimeMs,
      // Batches run one after the other.
      concurrency: pool.version.batch === undefined ? pool.version.concurrency : 1,
      cores: this.#options.cores,
      contended: this.#contended,
      limit: this.#limitOf(controlled),
      calls: lag.calls,
      limitedBy: lag.limitedBy,
      cannotStart: stats.state === 'quarantined' ? (stats.problem ?? 'it is in quarantine') : undefined,
    }
  }

  /**
   * Once a tick for all, because the share of one version takes the claims of all. Those that begin to grow in the same tick
   * do not see each other yet: they may exceed what there is until the next one.
   */
  #limitOf(controlled: Controlled): Limit | undefined {
    if (this.#limits === undefined) {
      const limits = fairShares(
        this.#versions.map(({ claim }) => claim),
        this.machine,
      )
      this.#limits = new Map(this.#versions.map((version, index) => [version, limits[index]]))
    }
    return this.#limits.get(controlled)
  }

  #apply(pool: WorkerPool, desired: number, reason: string, inputs?: ScalingInputs): void {
    const from = pool.stats().permits
    if (from === desired) return
    pool.setWorkers(desired)
    const { name, version } = pool.version
    const event: ScalingEvent = {
      ...{ atMs: Date.now(), function: name, version, from, to: desired, reason },
      ...(inputs === undefined ? {} : { inputs }),
    }
    this.history.decided(event)
    this.#options.onDecision(event)
  }

  #observe(pool: WorkerPool, { busy, waiting, arrivalsPerS, completedPerS }: ScalingInputs): void {
    const { name, version } = pool.version
    const workers = pool.stats().permits
    this.history.observed(name, version, { atMs: Date.now(), workers, busy, waiting, arrivalsPerS, completedPerS })
  }
}

function claimOf({ version }: WorkerPool, claim: ScalingDecision['claim']): Claim {
  const { scaling, memoryMiB } = version
  return {
    ...claim,
    memoryMiBPerWorker: memoryMiB,
    weight: scaling.weight ?? 1,
    minWorkers: scaling.minWorkers,
    maxWorkers: scaling.maxWorkers,
  }
}

/** Three quarters of the memory of the machine, or of the container. */
function memoryForWorkers(): number {
  const constrained = constrainedMemory()
  const bytes = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  return Math.floor((bytes * 0.75) / 2 ** 20)
}

/** Undefined when it fails or takes longer. */
async function withinTime(answer: Promise<number | undefined>, limitMs: number): Promise<number | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>(resolve => (timer = setTimeout(() => resolve(undefined), limitMs).unref()))
  try {
    return await Promise.race([answer, late])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
