import type { ScopeName } from './command.ts'

/** Two, so that short sequences use them up. */
export const maxAttempts = 2

interface KnownEvent {
  readonly id: string
  readonly key: string
  /** Within its key. */
  readonly sequence: number
  isAcknowledged: boolean
  place: { readonly partition: number; readonly offset: number } | undefined
  isRunning: boolean
  /** Its handler has said that it is done. */
  isDone: boolean
  /** Attempts that failed, time-outs and those included whose worker died before it told. */
  failures: number
  /** Of the failures, those that took the worker with them. */
  deaths: number
  /**
   * How often it may still be done again: once when a process died that may not have committed it, and once when its copy
   * was parked then, which is in the log as well.
   */
  repeats: number
}

/** What the reference has to ask about the world. */
export interface World {
  isDeadLetter(id: string): boolean
  isParked(id: string): boolean
}

/**
 * What dispatch may do, as simply as it can be said: an event, its key, and whether it is complete. It knows nothing of
 * windows, lanes, frames, parking or commits; what they do must not be seen from here.
 *
 *   unknown ──append──▶ waiting ──begins, when those before it of its key are complete and nothing pauses it──▶ running
 *                          ▲                                                                        │
 *                          ├──────────── failed, its attempts not used up; or its process died ─────┤
 *                          └── the process died before it was committed ── complete ◀── done, or a dead letter
 */
export class Reference {
  readonly violations: string[] = []
  readonly #world: World
  readonly #events = new Map<string, KnownEvent>()
  readonly #keys = new Map<string, KnownEvent[]>()
  readonly #paused = new Set<ScopeName>()

  constructor(world: World) {
    this.#world = world
  }

  get events(): Iterable<KnownEvent> {
    return this.#events.values()
  }

  /** The next event of a key; from now on it may be in the log. */
  create(key: string): string {
    const known = this.#keys.get(key) ?? []
    const sequence = known.length + 1
    const event: KnownEvent = {
      ...{ id: `${key}-${sequence}`, key, sequence, place: undefined },
      ...{ isAcknowledged: false, isRunning: false, isDone: false, failures: 0, deaths: 0, repeats: 0 },
    }
    this.#events.set(event.id, event)
    this.#keys.set(key, [...known, event])
    return event.id
  }

  acknowledged(id: string, place: KnownEvent['place']): void {
    const event = this.#events.get(id)!
    event.isAcknowledged = true
    event.place = place
  }

  paused(scope: ScopeName): void {
    this.#paused.add(scope)
  }

  /** Somebody is about to take the pause back. */
  resuming(scope: ScopeName): void {
    this.#paused.delete(scope)
  }

  began(id: string, attempt: number, place: { readonly partition: number; readonly offset: number }): void {
    const event = this.#events.get(id)
    if (event === undefined) return this.#broken(`${id} began and was never sent`)
    const { key, sequence } = event
    event.place = place
    const others = this.#keys.get(key)!
    for (const other of others) {
      if (other.isRunning) this.#broken(`${id} began while ${other.id} of its key ran`)
      // What was never acknowledged may have been lost, and then holds up nobody.
      if (other.sequence < sequence && other.isAcknowledged && !this.#isComplete(other))
        this.#broken(`${id} began before ${other.id} was complete`)
      if (other.sequence > sequence && this.#isComplete(other) && other.repeats === 0 && event.repeats === 0)
        this.#broken(`${id} began after ${other.id} of its key was complete`)
    }
    if (this.#isComplete(event) && event.repeats === 0)
      this.#broken(`${id} began again after it was complete, and no process had died`)
    for (const scope of this.#paused)
      if (covers(scope, key, place.partition)) this.#broken(`${id} began while ${scope} was paused`)
    if (attempt < 1 || attempt > event.failures + 1)
      this.#broken(`${id} began with attempt ${attempt} after ${event.failures} failures`)
    // How often an event may end its worker is counted apart: once more than its attempts allow.
    if (attempt > maxAttempts + Math.min(event.deaths, 1))
      this.#broken(`${id} began with attempt ${attempt} of ${maxAttempts}`)
    event.isRunning = true
  }

  ended(id: string, how: 'done' | 'failed' | 'died'): void {
    const event = this.#events.get(id)
    if (event === undefined) return
    event.isRunning = false
    if (how === 'died') event.deaths++
    if (how !== 'done') event.failures++
    else if (this.#isComplete(event)) event.repeats--
    else event.isDone = true
  }

  /** Its worker died for another event, or its process did. */
  gone(id: string): void {
    const event = this.#events.get(id)
    if (event !== undefined) event.isRunning = false
  }

  /** The process ended. After a clean end nothing that was complete may run again. */
  processEnded(isClean: boolean): void {
    for (const event of this.#events.values()) {
      event.isRunning = false
      if (isClean) continue
      const copies = Number(this.#isComplete(event)) + Number(this.#world.isParked(event.id))
      event.repeats = Math.max(event.repeats, copies)
    }
  }

  /** A committed offset stands for everything below it. */
  committed(partition: number, offset: number): void {
    for (const event of this.#events.values()) {
      const { id, place, isAcknowledged } = event
      if (!isAcknowledged || place?.partition !== partition || place.offset >= offset) continue
      if (!this.#isComplete(event) && !this.#world.isParked(id))
        this.#broken(
          `partition ${partition} is committed up to ${offset}, past ${id} at ${place.offset}, which is not complete`,
        )
    }
  }

  /** Nothing is left to be done. */
  settled(): void {
    for (const event of this.#events.values()) {
      const { id, isAcknowledged, failures } = event
      if (isAcknowledged && !this.#isComplete(event)) this.#broken(`${id} was acknowledged and is lost`)
      if (this.#world.isDeadLetter(id) && failures < maxAttempts)
        this.#broken(`${id} is a dead letter after ${failures} failures`)
    }
  }

  #isComplete({ id, isDone }: KnownEvent): boolean {
    return isDone || this.#world.isDeadLetter(id)
  }

  #broken(what: string): void {
    this.violations.push(what)
  }
}

function covers(scope: ScopeName, key: string, partition: number): boolean {
  if (scope === 'trigger' || scope === 'version') return true
  return scope === `key ${key}` || scope === `partition ${partition}`
}
