/** What waits to be run. */
export interface VirtualTask {
  readonly kind: 'immediate' | 'timer' | 'event'
  /** Of the virtual clock, in ms. */
  readonly dueMs: number
  readonly sequence: number
  run: (() => void) | undefined
}

/** A request of another process whose answer is outstanding. */
export interface PendingCall {
  lost(): void
}

/**
 * What runs on the virtual scheduler and can die. Code that is dead never goes on: nothing that it was waiting for
 * happens any more, and what it has in memory is forgotten with it.
 *
 *   alive ──kill()──▶ dead
 */
export class VirtualProcess {
  readonly name: string
  readonly id: number
  isDead = false
  /** In the order in which they were asked for, as Node runs them. */
  immediates: VirtualTask[] = []
  /** By the time at which they are due; those of the same time in the order in which they were asked for. */
  timers: VirtualTask[] = []
  /** Completions and messages; those that are due may come in any order. */
  events: VirtualTask[] = []
  readonly calls = new Set<PendingCall>()

  constructor(name: string, id: number) {
    this.name = name
    this.id = id
  }

  add(task: VirtualTask): void {
    if (this.isDead) return
    if (task.kind === 'immediate') this.immediates.push(task)
    else insert(task.kind === 'timer' ? this.timers : this.events, task)
  }

  /** Nothing of it happens any more; whoever waits for its answers is told that they do not come. */
  kill(): void {
    this.isDead = true
    this.immediates = []
    this.timers = []
    this.events = []
    for (const call of [...this.calls]) call.lost()
    this.calls.clear()
  }

  /** When the next timer or event is due; Infinity without one. */
  get nextDueMs(): number {
    const { timers, events } = this
    while (timers.length > 0 && timers[0]!.run === undefined) timers.shift()
    return Math.min(timers[0]?.dueMs ?? Infinity, events[0]?.dueMs ?? Infinity)
  }

  /** Drops immediates that were cancelled. */
  get nextImmediate(): VirtualTask | undefined {
    const { immediates } = this
    while (immediates.length > 0 && immediates[0]!.run === undefined) immediates.shift()
    return immediates[0]
  }
}

function insert(tasks: VirtualTask[], task: VirtualTask): void {
  let at = tasks.length
  while (at > 0 && tasks[at - 1]!.dueMs > task.dueMs) at--
  tasks.splice(at, 0, task)
}
