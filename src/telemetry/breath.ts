import { setImmediate as nextTurn } from 'node:timers/promises'

/** What long work may do in one turn of the event loop. */
const turnMs = 5

/** Lets others have their turn during long work, such as reading a hundred thousand series: events must not wait for it. */
export class Breath {
  #began = performance.now()

  /** Asked for often: a promise for each time would cost more than the work. */
  get isDue(): boolean {
    return performance.now() - this.#began >= turnMs
  }

  async take(): Promise<void> {
    await nextTurn()
    this.#began = performance.now()
  }
}
