import type { DispatchLogger } from '../dispatch/trigger-options.ts'

/** Lines per second and subject that are written one by one; beyond it a second is summed up in one line. */
const linesPerSecond = 10

interface Second {
  startedMs: number
  lines: number
  summed: number
}

/**
 * Shows what comes in and goes out without drowning the log: single events while there are few, one sum per second and
 * subject when there are many. Counting costs an addition per event.
 */
export class TrafficLog {
  readonly #logger: DispatchLogger
  readonly #seconds = new Map<string, Second>()
  readonly #timer: NodeJS.Timeout

  constructor(logger: DispatchLogger) {
    this.#logger = logger
    this.#timer = setInterval(() => this.#sum(), 1000)
    this.#timer.unref()
  }

  /** @param describe makes the line; called only when it is written. */
  event(subject: string, nowMs: number, describe: () => { facts: object; message: string }): void {
    let second = this.#seconds.get(subject)
    if (second === undefined) this.#seconds.set(subject, (second = { startedMs: nowMs, lines: 0, summed: 0 }))
    if (nowMs - second.startedMs >= 1000) {
      second.startedMs = nowMs
      second.lines = 0
    }
    if (second.lines >= linesPerSecond) {
      second.summed++
      return
    }
    second.lines++
    const { facts, message } = describe()
    this.#logger.info(facts, message)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#sum()
  }

  #sum(): void {
    for (const [subject, second] of this.#seconds) {
      if (second.summed === 0) continue
      this.#logger.info({}, `${subject}: ${second.summed.toLocaleString('en-US')} more in the last second`)
      second.summed = 0
    }
  }
}
