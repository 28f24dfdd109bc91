const defaultFirstDelayMs = 1_000
const maxDelayMs = 60_000

/** When the next worker is tried after one could not be started: later each time, up to a minute. */
export class StartBackoff {
  readonly #firstDelayMs: number
  readonly #onDue: () => void
  #failures = 0
  #timer: NodeJS.Timeout | undefined

  constructor(onDue: () => void, firstDelayMs = defaultFirstDelayMs) {
    this.#firstDelayMs = firstDelayMs
    this.#onDue = onDue
  }

  /** Nothing is to be started before {@link onDue}. */
  get isWaiting(): boolean {
    return this.#timer !== undefined
  }

  failed(): void {
    const delayMs = Math.min(this.#firstDelayMs * 2 ** this.#failures, maxDelayMs)
    this.#failures++
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#onDue()
    }, delayMs).unref()
  }

  succeeded(): void {
    this.#failures = 0
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
