import type { PauseBoard } from '../pauses/pause-board.ts'
import type { Duty } from './duties.ts'

/** Timers know nothing of a clock that is set, and cannot wait for longer than 2^31 ms. */
const longestWaitMs = 30_000
const retryMs = 1_000

/** Ends pauses whose time is over. */
export class PauseExpiries implements Duty {
  readonly #board: PauseBoard
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined

  constructor(board: PauseBoard, onError: (error: unknown) => void) {
    this.#board = board
    this.#onError = onError
  }

  start(): void {
    this.#board.onChange = () => this.#plan()
    this.#plan()
  }

  stop(): void {
    this.#board.onChange = () => undefined
    clearTimeout(this.#timer)
  }

  #plan(leastMs = 0): void {
    clearTimeout(this.#timer)
    const { nextExpiryMs } = this.#board
    if (nextExpiryMs === undefined) return
    const delayMs = Math.min(Math.max(nextExpiryMs - Date.now(), leastMs), longestWaitMs)
    this.#timer = setTimeout(() => void this.#run(), delayMs)
  }

  async #run(): Promise<void> {
    try {
      await this.#board.expire(Date.now())
      this.#plan()
    } catch (error) {
      this.#onError(error)
      this.#plan(retryMs)
    }
  }
}
