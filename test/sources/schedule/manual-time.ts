import type { ScheduleTime } from '../../../src/sources/schedule/schedule-time.ts'

interface Waiting {
  readonly dueMs: number
  readonly wake: () => void
}

/** A clock that a test moves. Whoever waits is woken when its time has come, and the test goes on when it waits again. */
export class ManualTime implements ScheduleTime {
  #nowMs: number
  #waiting: Waiting | undefined
  #told: (() => void) | undefined
  /** Every wait that was asked for, in ms. */
  readonly waits: number[] = []

  constructor(now: string) {
    this.#nowMs = Date.parse(now)
  }

  nowMs(): number {
    return this.#nowMs
  }

  wait(delayMs: number, signal: AbortSignal): Promise<void> {
    this.waits.push(delayMs)
    return new Promise(resolve => {
      const wake = (): void => {
        this.#waiting = undefined
        resolve()
      }
      if (signal.aborted) return resolve()
      signal.addEventListener('abort', wake, { once: true })
      this.#waiting = { dueMs: this.#nowMs + delayMs, wake }
      this.#told?.()
    })
  }

  /** Resolves when the source has nothing to do but wait. */
  async idle(): Promise<void> {
    if (this.#waiting === undefined) await new Promise<void>(resolve => (this.#told = resolve))
    this.#told = undefined
  }

  /** Lets the time pass, with every waking on the way. */
  async advanceTo(time: string): Promise<void> {
    const targetMs = Date.parse(time)
    for (;;) {
      await this.idle()
      const { dueMs, wake } = this.#waiting as Waiting
      if (dueMs > targetMs) break
      this.#nowMs = dueMs
      wake()
    }
    this.#nowMs = targetMs
  }

  /** Sets the clock, as a person or a machine that slept does: timers have not moved with it. The next waking sees it. */
  async jumpTo(time: string): Promise<void> {
    await this.idle()
    this.#nowMs = Date.parse(time)
    this.#waiting?.wake()
    await this.idle()
  }
}
