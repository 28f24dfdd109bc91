import { Delays } from './delays.ts'
import type { EventQueue } from './event-queue.ts'
import { frameCapacity, joinCapacity } from './frame-capacity.ts'
import { KeyQueues, type Run, type WaitingEvent } from './key-queues.ts'
import type { Behaviour } from './load.ts'
import { exponential, normal } from './random.ts'
import type { SharedCores } from './shared-cores.ts'

/** The part of a cold start that is CPU time: a thread and its modules. */
const coldStartCpuMs = 35

/** The weights of one call in the service time, and of one frame in its CPU share, as in the real pool. */
const smoothing = 0.02
const frameSmoothing = 0.1

/** What counts of late, per reading. */
const recentMemory = 0.98

/** The CPU share is read at the end of a frame, but not more often than this. */
const readEveryMs = 5

/** A worker: starting → idle ⇄ busy → gone. One that shall go while it is busy finishes its frame. */
interface Worker {
  state: 'starting' | 'idle' | 'busy' | 'gone'
  shallGo: boolean
  readonly cpuQueue: Call[]
  onCpu: boolean
  inProgress: number
  /** Events that have not ended. */
  open: number
  /** Runs of its frames that have not begun. */
  pending: Run[]
  readySinceMs: number
  frameSinceMs: number
  frameCpuMs: number
  /** In which it computed or waited for a core. */
  frameActiveMs: number
}

interface Call {
  readonly run: Run
  readonly index: number
  readonly startedAtMs: number
  readonly cpuMs: number
  readonly waitMs: number
}

export interface SimulatedWorld {
  readonly queue: EventQueue
  readonly cores: SharedCores
  readonly random: () => number
  now(): number
}

/** Dispatcher and pool of one function, as a model: frames into workers, calls that compute and wait. */
export class SimulatedPool {
  readonly keys = new KeyQueues()
  /** From arrival to the start of the handler, since the last look. */
  delays = new Delays()
  /** Since the summary began. */
  allDelays = new Delays()
  onResized: () => void = () => {}
  /** Work waits and no worker is permitted. */
  onStarved: () => void = () => {}
  readonly #world: SimulatedWorld
  readonly #behaviour: Behaviour
  readonly #concurrency: number
  readonly #workers: Worker[] = []
  #permits = 0
  #running = 0
  #busy = 0
  #ready = 0
  #succeeded = 0
  #failed = 0
  #cpuMs = 0
  #handlerMs = 0
  #serviceTimeMs: number | undefined
  #cpuShare: number | undefined
  #activeShare: number | undefined
  #recentHandlerMs = 0
  #recentActiveMs = 0
  #workerMs = 0
  #downstreamFreeAtMs = 0

  constructor(behaviour: Behaviour, world: SimulatedWorld) {
    this.#behaviour = behaviour
    this.#world = world
    this.#concurrency = behaviour.concurrency ?? 8
  }

  get permits(): number {
    return this.#permits
  }

  /** Workers that have started and not gone. */
  get ready(): number {
    return this.#ready
  }

  get running(): number {
    return this.#running
  }

  get busy(): number {
    return this.#busy
  }

  get counters() {
    return { succeeded: this.#succeeded, failed: this.#failed, cpuMs: this.#cpuMs, handlerMs: this.#handlerMs }
  }

  get serviceTimeMs(): number | undefined {
    return this.#serviceTimeMs
  }

  /** Time that workers lived, from the permission to start until they were gone, in ms. */
  get workerMs(): number {
    const now = this.#world.now()
    return this.#workerMs + this.#workers.reduce((sum, { readySinceMs }) => sum + now - readySinceMs, 0)
  }

  arrive(event: WaitingEvent): void {
    this.keys.push(event)
    this.#dispatch()
  }

  setWorkers(permits: number): void {
    this.#permits = permits
    const staying = (): Worker[] => this.#workers.filter(worker => !worker.shallGo)
    for (const worker of this.#workers) if (worker.shallGo && staying().length < permits) worker.shallGo = false
    while (staying().length < permits) this.#start()
    const leaving = staying().sort((a, b) => rank(a) - rank(b))
    for (const worker of leaving.slice(0, Math.max(0, leaving.length - permits))) {
      worker.shallGo = true
      if (worker.state === 'idle' || worker.state === 'starting') this.#gone(worker)
    }
    this.#dispatch()
  }

  #start(): void {
    const { queue, cores } = this.#world
    const now = this.#world.now()
    const worker: Worker = {
      state: 'starting',
      shallGo: false,
      cpuQueue: [],
      onCpu: false,
      inProgress: 0,
      open: 0,
      pending: [],
      readySinceMs: now,
      frameSinceMs: 0,
      frameCpuMs: 0,
      frameActiveMs: 0,
    }
    this.#workers.push(worker)
    const coldStartMs = this.#behaviour.coldStartMs ?? 50
    const cpuMs = Math.min(coldStartMs, coldStartCpuMs)
    cores.run(now, cpuMs, () =>
      queue.plan(this.#world.now() + coldStartMs - cpuMs, () => {
        if (worker.state !== 'starting') return
        worker.state = 'idle'
        this.#ready++
        this.onResized()
        this.#dispatch()
      }),
    )
  }

  #gone(worker: Worker): void {
    if (worker.state !== 'starting') this.#ready--
    worker.state = 'gone'
    this.#workerMs += this.#world.now() - worker.readySinceMs
    this.#workers.splice(this.#workers.indexOf(worker), 1)
    this.onResized()
  }

  #dispatch(): void {
    const { keys } = this
    if (keys.runnableKeys === 0) return
    if (this.#permits === 0) this.onStarved()
    if (this.#busy < this.#ready)
      for (const worker of this.#workers) if (worker.state === 'idle' && keys.runnableKeys > 0) this.#frame(worker)
    while (keys.runnableKeys > 0 && this.#join());
  }

  /** Events begin in the busy worker with most room. False when there is none that they may join. */
  #join(): boolean {
    const [roomiest] = this.#workers
      .filter(({ state, shallGo }) => state === 'busy' && !shallGo)
      .sort((a, b) => a.open - b.open)
    if (roomiest === undefined) return false
    const events = joinCapacity({
      serviceTimeMs: this.#serviceTimeMs,
      ...{ handlerMs: this.#recentHandlerMs, activeMs: this.#recentActiveMs, activeShare: this.#activeShare ?? 1 },
      ...{ concurrency: this.#concurrency, open: roomiest.open },
    })
    return events > 0 && this.#hand(roomiest, this.keys.take(events, 1))
  }

  #hand(worker: Worker, runs: readonly Run[]): boolean {
    worker.pending.push(...runs)
    for (const { events } of runs) worker.open += events.length
    this.#fill(worker)
    return runs.length > 0
  }

  #frame(worker: Worker): void {
    const { maxEvents, maxPerKey } = frameCapacity({
      serviceTimeMs: this.#serviceTimeMs,
      cpuShare: this.#cpuShare ?? 1,
      concurrency: this.#concurrency,
      runnable: this.keys.waiting,
      freeSlots: this.#ready - this.#busy,
    })
    const runs = this.keys.take(maxEvents, maxPerKey)
    if (runs.length === 0) return
    worker.state = 'busy'
    worker.frameSinceMs = this.#world.now()
    worker.frameCpuMs = 0
    worker.frameActiveMs = 0
    this.#busy++
    this.#hand(worker, runs)
  }

  #fill(worker: Worker): void {
    while (worker.inProgress < this.#concurrency) {
      const run = worker.pending.shift()
      if (run === undefined) return
      worker.inProgress++
      this.#call(worker, run, 0)
    }
  }

  #call(worker: Worker, run: Run, index: number): void {
    const event = run.events[index] as WaitingEvent
    const now = this.#world.now()
    this.#running++
    this.delays.add(now - event.arrivedAtMs)
    this.allDelays.add(now - event.arrivedAtMs)
    const { serviceTimeMs, cpuTimeMs } = this.#behaviour
    const mean = typeof serviceTimeMs === 'number' ? serviceTimeMs : serviceTimeMs(now)
    const factor = this.#factor()
    const cpuMs = Math.min(cpuTimeMs ?? mean, mean) * factor
    worker.cpuQueue.push({ run, index, startedAtMs: now, cpuMs, waitMs: Math.max(0, mean * factor - cpuMs) })
    if (!worker.onCpu) this.#compute(worker)
  }

  /** A thread computes one call after the other. */
  #compute(worker: Worker): void {
    const call = worker.cpuQueue.shift()
    worker.onCpu = call !== undefined
    if (call === undefined) return
    const { cores, queue } = this.#world
    const sinceMs = this.#world.now()
    cores.run(sinceMs, call.cpuMs, () => {
      this.#cpuMs += call.cpuMs
      worker.frameCpuMs += call.cpuMs
      const now = this.#world.now()
      worker.frameActiveMs += now - sinceMs
      const waitMs = this.#downstream(now, call.waitMs)
      if (waitMs > 0) queue.plan(now + waitMs, () => this.#end(worker, call))
      else this.#end(worker, call)
      this.#compute(worker)
    })
  }

  #end(worker: Worker, call: Call): void {
    const now = this.#world.now()
    const durationMs = now - call.startedAtMs
    const { failureShare = 0 } = this.#behaviour
    const fails = typeof failureShare === 'number' ? failureShare : failureShare(now)
    if (fails > 0 && this.#world.random() < fails) this.#failed++
    else this.#succeeded++
    this.#handlerMs += durationMs
    this.#recentHandlerMs += durationMs
    this.#running--
    worker.open--
    const mean = this.#serviceTimeMs
    this.#serviceTimeMs = mean === undefined ? durationMs : mean + (durationMs - mean) * smoothing
    if (call.index + 1 < call.run.events.length) return this.#call(worker, call.run, call.index + 1)
    worker.inProgress--
    this.keys.release(call.run)
    this.#fill(worker)
    if (worker.inProgress === 0) this.#ended(worker)
    else {
      if (now - worker.frameSinceMs >= readEveryMs) this.#readCpu(worker)
      this.#dispatch()
    }
  }

  #ended(worker: Worker): void {
    this.#busy--
    worker.state = 'idle'
    this.#readCpu(worker)
    if (worker.shallGo) this.#gone(worker)
    this.#dispatch()
  }

  #readCpu(worker: Worker): void {
    const now = this.#world.now()
    const busyMs = Math.max(now - worker.frameSinceMs, 0.001)
    this.#cpuShare = smoothed(this.#cpuShare, worker.frameCpuMs / busyMs)
    this.#activeShare = smoothed(this.#activeShare, worker.frameActiveMs / busyMs)
    this.#recentHandlerMs *= recentMemory
    this.#recentActiveMs = (this.#recentActiveMs + worker.frameActiveMs) * recentMemory
    worker.frameSinceMs = now
    worker.frameCpuMs = 0
    worker.frameActiveMs = 0
  }

  /** What the function calls takes so many calls per second and lets the others wait. */
  #downstream(now: number, waitMs: number): number {
    const { downstreamPerS } = this.#behaviour
    if (downstreamPerS === undefined) return waitMs
    this.#downstreamFreeAtMs = Math.max(this.#downstreamFreeAtMs, now) + 1000 / downstreamPerS
    return Math.max(waitMs, this.#downstreamFreeAtMs - now)
  }

  /** Around 1. */
  #factor(): number {
    const { variation = { coefficient: 0.3 } } = this.#behaviour
    if (variation === 'constant') return 1
    if (variation === 'exponential') return exponential(this.#world.random)
    const variance = Math.log(1 + variation.coefficient ** 2)
    return Math.exp(normal(this.#world.random) * Math.sqrt(variance) - variance / 2)
  }
}

function smoothed(mean: number | undefined, share: number): number {
  const bounded = Math.min(1, share)
  return mean === undefined ? bounded : mean + (bounded - mean) * frameSmoothing
}

/** Those that do nothing go first. */
function rank({ state }: Worker): number {
  return state === 'starting' ? 0 : state === 'idle' ? 1 : 2
}
