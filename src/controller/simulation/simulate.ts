import type { ScalingPolicy } from '../../functions/function-version.ts'
import { arrivalTimes } from './arrivals.ts'
import { Delays } from './delays.ts'
import { EventQueue } from './event-queue.ts'
import type { FunctionLoad, Load } from './load.ts'
import { seededRandom } from './random.ts'
import type { CreateScaler, FunctionView, Scaler } from './scaler.ts'
import { SharedCores } from './shared-cores.ts'
import { SimulatedPool, type SimulatedWorld } from './simulated-pool.ts'
import { contendedShare } from '../load-meter.ts'
import type { FunctionResult, SeriesPoint, SimulationResult } from './simulation-result.ts'
import { createSluiceScaler } from './sluice-scaler.ts'
import { WorkerTrack } from './worker-track.ts'

export interface SimulationOptions {
  /** Default 1; the same seed gives the same result. */
  readonly seed?: number
  /** Default 2. */
  readonly cores?: number
  /** For the heaps of all workers. Default 4,096. */
  readonly memoryMiB?: number
  /** Default: the controller of the gateway. */
  readonly scaler?: CreateScaler
  /** What happens before is left out of the summary: the start, when nothing is known yet. Default 0. */
  readonly measureFromMs?: number
  /** Of the series. Default: 1 s, or longer, so that there are at most 1,200. */
  readonly seriesIntervalMs?: number
}

/** Monday, 5 January 2026. */
const defaultStartMs = Date.UTC(2026, 0, 5)
const warmUpMs = 30_000

/**
 * What would happen with this policy under this load: the decisions of the gateway, in simulated time, against a model
 * of its workers. Pure and repeatable.
 *
 * @param policy one for all functions, or one by name.
 */
export function simulate(
  load: Load,
  policy: ScalingPolicy | ((name: string) => ScalingPolicy),
  options: SimulationOptions = {},
): SimulationResult {
  const { seed = 1, cores = 2, memoryMiB = 4_096, scaler: createScaler = createSluiceScaler() } = options
  const seriesIntervalMs = options.seriesIntervalMs ?? Math.max(1_000, load.durationMs / 1_200)
  let nowMs = 0
  const world: SimulatedWorld = {
    queue: new EventQueue(),
    cores: new SharedCores(cores),
    random: seededRandom(seed),
    now: () => nowMs,
  }
  const policyOf = typeof policy === 'function' ? policy : () => policy
  const scaler = createScaler(
    load.functions.map(({ name, behaviour }) => ({ name, behaviour, policy: policyOf(name) })),
    { cores, memoryMiB },
  )
  const functions = load.functions.map(
    (fn, index) => new SimulatedFunction(fn, index, policyOf(fn.name), scaler, world, load, seed),
  )

  let usedBeforeMs = 0
  const tick = (): void => {
    world.cores.advance(nowMs)
    const contended = world.cores.usedMs - usedBeforeMs > contendedShare * cores * scaler.intervalMs
    usedBeforeMs = world.cores.usedMs
    const views = functions.map(fn => ({ ...fn.view(), contended }))
    for (const [index, { workers, reason }] of scaler.decide(views).entries()) functions[index]?.resize(workers, reason)
    world.queue.plan(nowMs + scaler.intervalMs, tick)
  }
  world.queue.plan(scaler.intervalMs, tick)
  const { measureFromMs = 0 } = options
  if (measureFromMs > 0) {
    world.queue.plan(measureFromMs, () => {
      for (const fn of functions) fn.measureFromNow()
    })
  }
  const point = (): void => {
    for (const fn of functions) fn.addPoint(seriesIntervalMs)
    world.queue.plan(nowMs + seriesIntervalMs, point)
  }
  world.queue.plan(seriesIntervalMs, point)

  for (;;) {
    const computedMs = world.cores.nextMs
    const nextMs = Math.min(computedMs, world.queue.nextMs)
    if (nextMs > load.durationMs) break
    nowMs = Math.max(nowMs, nextMs)
    if (computedMs <= world.queue.nextMs) world.cores.step(nowMs)
    else world.queue.step()
  }
  nowMs = load.durationMs
  return {
    load: load.name,
    scaler: scaler.name,
    durationMs: load.durationMs,
    functions: functions.map(fn => fn.result()),
  }
}

/** One function with its arrivals, and what is noted of it. */
class SimulatedFunction {
  readonly #load: FunctionLoad
  readonly #whole: Load
  readonly #pool: SimulatedPool
  readonly #world: SimulatedWorld
  readonly #track = new WorkerTrack()
  readonly #series: SeriesPoint[] = []
  readonly #decisions: FunctionResult['decisions'][number][] = []
  #arrived = 0
  #mostWorkers = 0
  #mostLag = 0
  #before = { arrived: 0, completed: 0, cpuMs: 0 }
  /** Totals when the summary began. */
  #from = { succeeded: 0, failed: 0, cpuMs: 0, arrived: 0, workerMs: 0, decisions: 0 }

  constructor(
    load: FunctionLoad,
    index: number,
    policy: ScalingPolicy,
    scaler: Scaler,
    world: SimulatedWorld,
    whole: Load,
    seed: number,
  ) {
    this.#load = load
    this.#whole = whole
    this.#world = world
    this.#pool = new SimulatedPool(load.behaviour, world)
    this.#pool.onResized = () => {
      this.#mostWorkers = Math.max(this.#mostWorkers, this.#pool.ready)
      this.#track.note(world.now(), this.#pool.ready)
    }
    this.#pool.onStarved = () => {
      const woken = scaler.wake?.(index)
      if (woken !== undefined) this.resize(woken.workers, woken.reason)
    }
    if (policy.minWorkers > 0) this.resize(policy.minWorkers, 'the warm minimum')
    // Arrivals have a generator of their own, so that every scaler gets the same ones.
    this.#planArrivals(seededRandom(seed * 7_919 + index))
  }

  view(): Omit<FunctionView, 'contended'> {
    const pool = this.#pool
    const nowMs = this.#world.now()
    const isUnknown = this.#load.lagUnknown?.some(([from, to]) => nowMs >= from && nowMs < to) ?? false
    return {
      nowMs,
      wallMs: (this.#whole.startedAtMs ?? defaultStartMs) + nowMs,
      desired: pool.permits,
      ready: pool.ready,
      busy: pool.busy,
      running: pool.running,
      waiting: isUnknown ? undefined : pool.keys.waiting,
      runnableKeys: pool.keys.runnableKeys,
      serviceTimeMs: pool.serviceTimeMs,
      ...pool.counters,
    }
  }

  measureFromNow(): void {
    const pool = this.#pool
    pool.allDelays = new Delays()
    this.#from = {
      ...pool.counters,
      arrived: this.#arrived,
      workerMs: pool.workerMs,
      decisions: this.#decisions.length,
    }
    this.#mostWorkers = pool.ready
    this.#mostLag = pool.keys.waiting
  }

  resize(workers: number, reason: string): void {
    const from = this.#pool.permits
    if (workers === from) return
    this.#decisions.push({ atMs: this.#world.now(), from, to: workers, reason })
    this.#pool.setWorkers(workers)
  }

  addPoint(intervalMs: number): void {
    const pool = this.#pool
    const { succeeded, failed, cpuMs } = pool.counters
    const before = this.#before
    this.#before = { arrived: this.#arrived, completed: succeeded + failed, cpuMs }
    this.#series.push({
      atMs: this.#world.now(),
      arrivalsPerS: ((this.#arrived - before.arrived) / intervalMs) * 1000,
      completedPerS: ((succeeded + failed - before.completed) / intervalMs) * 1000,
      desired: pool.permits,
      workers: pool.ready,
      lag: pool.keys.waiting,
      p99DelayMs: pool.delays.percentileMs(0.99),
      cores: (cpuMs - before.cpuMs) / intervalMs,
    })
    pool.delays = new Delays()
  }

  result(): FunctionResult {
    const pool = this.#pool
    const from = this.#from
    const { succeeded, failed, cpuMs } = pool.counters
    const workerSeconds = (pool.workerMs - from.workerMs) / 1000
    const [first, second] = this.#load.changesAtMs ?? []
    const change = first === undefined ? undefined : this.#track.answer(first, second ?? this.#whole.durationMs)
    const decisions = this.#decisions.slice(from.decisions)
    return {
      name: this.#load.name,
      series: this.#series,
      decisions: this.#decisions,
      summary: {
        arrived: this.#arrived - from.arrived,
        succeeded: succeeded - from.succeeded,
        failed: failed - from.failed,
        resizes: decisions.length,
        resizesAfter30S: decisions.filter(({ atMs }) => atMs > warmUpMs).length,
        mostWorkers: this.#mostWorkers,
        workerSeconds,
        gibSeconds: (workerSeconds * (this.#load.behaviour.memoryMiB ?? 128)) / 1_024,
        cpuSeconds: (cpuMs - from.cpuMs) / 1000,
        p50DelayMs: pool.allDelays.percentileMs(0.5),
        p99DelayMs: pool.allDelays.percentileMs(0.99),
        longestDelayMs: pool.allDelays.longestMs,
        mostLag: this.#mostLag,
        lagAtEnd: pool.keys.waiting,
        ...(change === undefined ? {} : { change }),
      },
    }
  }

  #planArrivals(random: () => number): void {
    const times = arrivalTimes(this.#load, this.#whole.durationMs, random)
    const { keys, hotKeyShare = 0 } = this.#load.behaviour
    const keyOf = (): number | undefined => {
      if (keys === undefined) return undefined
      return random() < hotKeyShare ? 0 : Math.floor(random() * keys)
    }
    const planNext = (): void => {
      const next = times.next()
      if (next.done === true) return
      this.#world.queue.plan(next.value, () => {
        this.#arrived++
        this.#pool.arrive({ arrivedAtMs: next.value, key: keyOf() })
        if (this.#pool.keys.waiting > this.#mostLag) this.#mostLag = this.#pool.keys.waiting
        planNext()
      })
    }
    planNext()
  }
}
