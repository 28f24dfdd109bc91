import type { PauseRecord } from '../store/home-store.ts'

/**
 *   stopped ──start()──▶ running ◀──────────────▶ blocked: the store takes no dead letters or parked events, or the
 *                         │   ▲                            subscription is broken; nothing starts, nothing is dropped
 *                      pause() resume()
 *                         ▼   │
 *                     pausing ──nothing runs any more──▶ paused    (also the first state after a restart)
 *                         ▲                                │
 *                         └────── pause() ── probing ◀──probe(): the pause stays, single events run
 *
 *   While it is held and not paused it is `disabled` instead: nothing starts, and {@link TriggerGate.hold} tells when
 *   nothing runs any more.
 *   any ──stop()──▶ stopping ──drained or forced──▶ stopped
 */
export type TriggerState =
  'stopped' | 'running' | 'blocked' | 'pausing' | 'paused' | 'probing' | 'disabled' | 'stopping'

/** Parts of a trigger that can hinder it, each for itself. */
export type TriggerPart = 'store' | 'parking' | 'subscription' | 'dispatch' | 'suspects'

export interface TriggerGateOptions {
  /** Events in frames. */
  readonly running: () => number
  readonly onState: (state: TriggerState) => void
  /** A part is hindered that was not, or by something else. */
  readonly onProblem: (problem: string) => void
}

/** Whether a trigger may start anything: the state follows from who has paused, held, hindered or stopped it. */
export class TriggerGate {
  readonly #options: TriggerGateOptions
  #life: 'stopped' | 'started' | 'stopping' = 'stopped'
  #pause: PauseRecord | undefined
  #isProbing = false
  #held: string | undefined
  /** By part: one that works again says nothing about the others. */
  readonly #problems = new Map<TriggerPart, string>()
  #state: TriggerState = 'stopped'
  #waiters: (() => void)[] = []

  constructor(options: TriggerGateOptions) {
    this.#options = options
  }

  get state(): TriggerState {
    return this.#state
  }

  get pauseRecord(): PauseRecord | undefined {
    return this.#pause
  }

  /** Why it is held. */
  get heldFor(): string | undefined {
    return this.#held
  }

  get problem(): string | undefined {
    for (const problem of this.#problems.values()) return problem
    return undefined
  }

  /** The parts that are hindered. */
  get troubled(): Iterable<TriggerPart> {
    return this.#problems.keys()
  }

  get isStopped(): boolean {
    return this.#life !== 'started'
  }

  /** Whether somebody waits for a condition. */
  get isAwaited(): boolean {
    return this.#waiters.length > 0
  }

  /** The pause that it is to start with. Whoever pauses or resumes from then on has the last word, started or not. */
  preset(pause: PauseRecord | undefined): void {
    this.#pause = pause
  }

  start(): void {
    this.#life = 'started'
    this.update()
  }

  stopping(): void {
    this.#life = 'stopping'
    this.update()
  }

  stopped(): void {
    this.#life = 'stopped'
    this.update()
  }

  /** Resolves when nothing runs any more, or the pause was taken back; also during a stop, in which frames may still begin. */
  async pause(pause: PauseRecord): Promise<void> {
    // What a circuit breaker has decided comes back when it is durable: what probes meanwhile goes on.
    const isKnown = pause.failedProbes !== undefined && pause.failedProbes === this.#pause?.failedProbes
    this.#isProbing &&= isKnown
    this.#pause = pause
    this.update()
    await this.until(() => this.#pause === undefined || this.#isProbing || this.#options.running() === 0)
  }

  /** Lets events start although it is paused, until it is paused again: whoever calls bounds which. */
  probe(): void {
    this.#isProbing = true
    this.update()
  }

  resume(): void {
    this.#pause = undefined
    this.#isProbing = false
    this.update()
  }

  /** Resolves when nothing runs any more, or the hold was taken back. */
  async hold(reason: string): Promise<void> {
    this.#held = reason
    this.update()
    await this.until(() => this.#options.running() === 0 || this.#held === undefined)
  }

  release(): void {
    this.#held = undefined
    this.update()
  }

  /** Something of the trigger does not work (message), or works again. */
  setProblem(part: TriggerPart, problem: string | undefined): void {
    if (problem === undefined) this.#problems.delete(part)
    else {
      if (problem !== this.#problems.get(part)) this.#options.onProblem(problem)
      this.#problems.set(part, problem)
    }
    this.update()
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => this.#waiters.push(resolve))
  }

  /** To be called whenever something happened that the state or a waiter may depend on. */
  update(): void {
    this.#setState(this.#derived())
    if (this.#waiters.length === 0) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  #derived(): TriggerState {
    if (this.#life !== 'started') return this.#life
    if (this.#pause !== undefined && !this.#isProbing) return this.#options.running() > 0 ? 'pausing' : 'paused'
    if (this.#held !== undefined) return 'disabled'
    if (this.#problems.size > 0) return 'blocked'
    return this.#isProbing ? 'probing' : 'running'
  }

  #setState(state: TriggerState): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onState(state)
  }
}
