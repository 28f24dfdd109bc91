/**
 * Lets one frame run with nothing else in the whole process: when the process ends meanwhile, it is known what ended it.
 *
 *   open ──alone()──▶ closing: no frame starts ──the last one ended──▶ alone ──released──▶ closing (another waits) | open
 */
export class ProcessGate {
  readonly #listeners = new Set<() => void>()
  readonly #waiting: (() => void)[] = []
  #running = 0
  #isAlone = false

  /** Whether ordinary frames may start. */
  get isOpen(): boolean {
    return !this.#isAlone && this.#waiting.length === 0
  }

  /** An ordinary frame starts. */
  entered(): void {
    this.#running++
  }

  /** An ordinary frame has ended. */
  left(): void {
    this.#running--
    this.#admit()
  }

  /** Resolves when nothing else runs, with what ends that. */
  async alone(): Promise<() => void> {
    await new Promise<void>(resolve => {
      this.#waiting.push(resolve)
      this.#admit()
    })
    return () => {
      this.#isAlone = false
      this.#admit()
      if (this.isOpen) for (const listener of this.#listeners) listener()
    }
  }

  /** Resolves when ordinary frames may start, as one of them; with what ends that. */
  async beside(): Promise<() => void> {
    while (!this.isOpen)
      await new Promise<void>(resolve => {
        const forget = this.onOpen(() => {
          forget()
          resolve()
        })
      })
    this.entered()
    return () => this.left()
  }

  /** Calls back when ordinary frames may start again. Returns what ends that. */
  onOpen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #admit(): void {
    if (this.#isAlone || this.#running > 0) return
    const next = this.#waiting.shift()
    if (next === undefined) return
    this.#isAlone = true
    next()
  }
}
