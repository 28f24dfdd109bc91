import { Fifo } from './fifo.ts'

/** An event on its way. */
export interface WaitingEvent {
  readonly arrivedAtMs: number
  /** Undefined: its own key, nothing waits for it. */
  readonly key: number | undefined
}

/** Events of one key that run one after the other; undefined key: a single event. */
export interface Run {
  readonly key: number | undefined
  readonly events: WaitingEvent[]
}

/** Waiting events in the order of their keys: at most one run of a key is in a worker. */
export class KeyQueues {
  readonly #unordered = new Fifo<WaitingEvent>()
  readonly #queues = new Map<number, Fifo<WaitingEvent>>()
  readonly #ready = new Fifo<number>()
  readonly #running = new Set<number>()
  #waiting = 0

  /** Events that wait, those included whose key is running. */
  get waiting(): number {
    return this.#waiting
  }

  get runnableKeys(): number {
    return this.#unordered.length + this.#ready.length
  }

  push(event: WaitingEvent): void {
    this.#waiting++
    const { key } = event
    if (key === undefined) return this.#unordered.push(event)
    let queue = this.#queues.get(key)
    if (queue === undefined) this.#queues.set(key, (queue = new Fifo()))
    queue.push(event)
    if (queue.length === 1 && !this.#running.has(key)) this.#ready.push(key)
  }

  /** Takes runs for a frame: at most so many events, and so many of one key. */
  take(maxEvents: number, maxPerKey: number): Run[] {
    const runs: Run[] = []
    let events = 0
    while (events < maxEvents) {
      const key = this.#ready.shift()
      if (key === undefined) {
        const event = this.#unordered.shift()
        if (event === undefined) break
        runs.push({ key: undefined, events: [event] })
        events++
        continue
      }
      const queue = this.#queues.get(key)
      const run: WaitingEvent[] = []
      while (run.length < maxPerKey && events + run.length < maxEvents) {
        const event = queue?.shift()
        if (event === undefined) break
        run.push(event)
      }
      this.#running.add(key)
      runs.push({ key, events: run })
      events += run.length
    }
    this.#waiting -= events
    return runs
  }

  /** All events of a run ended. */
  release({ key }: Run): void {
    if (key === undefined) return
    this.#running.delete(key)
    if ((this.#queues.get(key)?.length ?? 0) > 0) this.#ready.push(key)
  }
}
