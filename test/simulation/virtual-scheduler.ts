import type { Random } from '../chaos/random.ts'
import { TraceHash } from './trace-hash.ts'
import { VirtualProcess, type VirtualTask } from './virtual-process.ts'

/** The real one, whatever stands in its place while a simulation runs. */
const realImmediate = setImmediate

/** Between the request or answer of a process that died and the other end's knowledge of it. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

export interface SchedulerOptions {
  readonly random: Random
  /** Share of the steps in front of which everything stands still for a while, as in a long collection of garbage. */
  readonly stallShare?: number
}

/** The wall clock at the beginning of every simulation. */
const epochMs = 1_700_000_000_000
const longestStallMs = 1_500
/** Events of one process of which the next one is chosen. */
const choices = 6

/**
 * Runs everything that would wait for a timer, for the event loop or for a device, one task at a time, in an order that
 * follows from the seed and that Node might have chosen as well: immediates of a process in their order, timers by their
 * time, completions in any order, and none of the three before the others. When nothing is due, time jumps. Between two
 * tasks everything that promises have set off is done.
 */
export class VirtualScheduler {
  readonly trace = new TraceHash()
  /** Where the senders, the operator and the far ends live: it never dies. */
  readonly world: VirtualProcess
  /** Where devices complete what a process has asked for, whether it lives or not. */
  readonly kernel: VirtualProcess
  /** Whose code runs now: what it asks for dies with it. */
  current: VirtualProcess
  /** Tasks that threw: a process would have died of them. */
  readonly uncaught: unknown[] = []
  readonly #random: Random
  readonly #stallShare: number
  #processes: VirtualProcess[] = []
  #nowMs = 0
  #sequence = 0
  #nextId = 0
  /** By how much the wall clock was set. */
  wallOffsetMs = 0

  constructor({ random, stallShare = 0 }: SchedulerOptions) {
    this.#random = random
    this.#stallShare = stallShare
    this.world = this.start('world')
    this.kernel = this.start('kernel')
    this.current = this.world
  }

  /** Monotonic, in ms since the beginning. */
  get nowMs(): number {
    return this.#nowMs
  }

  get wallMs(): number {
    return Math.floor(epochMs + this.#nowMs + this.wallOffsetMs)
  }

  get nowUs(): number {
    return Math.round(this.#nowMs * 1_000)
  }

  start(name: string): VirtualProcess {
    const process = new VirtualProcess(name, this.#nextId++)
    this.#processes = [...this.#processes.filter(({ isDead }) => !isDead), process]
    return process
  }

  immediate(run: () => void): VirtualTask {
    return this.#add(this.current, 'immediate', this.#nowMs, run)
  }

  timer(delayMs: number, run: () => void): VirtualTask {
    // Node makes 1 of anything below it.
    return this.#add(this.current, 'timer', this.#nowMs + Math.max(1, delayMs), run)
  }

  /** Something reaches a process after a while; a dead one, never. */
  post(process: VirtualProcess, delayMs: number, run: () => void): void {
    this.#add(process, 'event', this.#nowMs + delayMs, run)
  }

  /** A pause of the process that runs now. */
  sleep(delayMs: number): Promise<void> {
    return new Promise(resolve => void this.timer(delayMs, resolve))
  }

  /**
   * Asks a process to do something and waits for its answer, each of which is on its way for up to `latencyMs`.
   * @throws {ConnectionLost} when the process died first: whether it was done is not known.
   */
  call<T>(process: VirtualProcess, work: () => Promise<T>, latencyMs = 1): Promise<T> {
    const caller = this.current
    const onItsWay = (settle: () => void): void => this.post(caller, this.#random() * latencyMs, settle)
    return new Promise<T>((resolve, reject) => {
      const lost = (): void => onItsWay(() => reject(new ConnectionLost(`${process.name} died`)))
      if (process.isDead) return lost()
      const call = { lost }
      const answered = (settle: () => void): void => {
        process.calls.delete(call)
        onItsWay(settle)
      }
      process.calls.add(call)
      this.post(process, this.#random() * latencyMs, () => {
        work().then(
          value => answered(() => resolve(value)),
          (error: Error) => answered(() => reject(error)),
        )
      })
    })
  }

  /** Runs tasks until the condition holds. Resolves with whether it does: not when nothing is left or time is up. */
  run(isOver: () => boolean, limitMs = Infinity): Promise<boolean> {
    return new Promise(resolve => {
      const step = (): void => {
        if (isOver()) return resolve(true)
        const task = this.#nowMs > limitMs ? undefined : this.#choose()
        if (task === undefined) return resolve(false)
        this.#execute(task)
        // Everything that promises have set off is done before the next real turn.
        realImmediate(step)
      }
      realImmediate(step)
    })
  }

  /** Runs until a promise of the world is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settled = promise.finally(() => (isSettled = true))
    settled.catch(() => undefined)
    if (!(await this.run(() => isSettled))) throw new Error('nothing is left that could settle what is waited for')
    return settled
  }

  #add(process: VirtualProcess, kind: VirtualTask['kind'], dueMs: number, run: () => void): VirtualTask {
    const task: VirtualTask = { kind, dueMs, sequence: this.#sequence++, run }
    process.add(task)
    return task
  }

  #execute(task: VirtualTask): void {
    const { run } = task
    task.run = undefined
    this.trace.number(task.sequence)
    try {
      run?.()
    } catch (error) {
      this.uncaught.push(error)
    }
  }

  #choose(): VirtualTask | undefined {
    const random = this.#random
    if (this.#stallShare > 0 && random.chance(this.#stallShare)) this.#nowMs += random() * longestStallMs
    // What a task takes; also what makes two moments differ.
    this.#nowMs += random() * 0.02
    for (;;) {
      const chosen = this.#chooseDue()
      if (chosen !== undefined) return chosen
      let next = Infinity
      for (const process of this.#processes) if (!process.isDead) next = Math.min(next, process.nextDueMs)
      if (next === Infinity) return undefined
      this.#nowMs = Math.max(this.#nowMs, next)
    }
  }

  /** One of what may be next; each process has an immediate, a timer and some events to choose from. */
  #chooseDue(): VirtualTask | undefined {
    const due: { process: VirtualProcess; tasks: VirtualTask[]; at: number }[] = []
    for (const process of this.#processes) {
      if (process.isDead) continue
      if (process.nextImmediate !== undefined) due.push({ process, tasks: process.immediates, at: 0 })
      const { timers, events } = process
      if (process.nextDueMs <= this.#nowMs && timers.length > 0 && timers[0]!.dueMs <= this.#nowMs)
        due.push({ process, tasks: timers, at: 0 })
      for (let at = 0; at < choices && at < events.length && events[at]!.dueMs <= this.#nowMs; at++)
        due.push({ process, tasks: events, at })
    }
    if (due.length === 0) return undefined
    const { process, tasks, at } = due[due.length === 1 ? 0 : this.#random.below(due.length)]!
    this.current = process
    return tasks.splice(at, 1)[0]
  }
}
