/**
 * Ends the task it was given to as its `signal`, and with it the thread that runs the task. It is the event emitter that
 * Piscina takes in place of an AbortSignal, without what a signal costs per task. It serves one task at a time.
 */
export class KillSwitch {
  #listener: (() => void) | undefined

  once(_name: 'abort', listener: () => void): void {
    this.#listener = listener
  }

  off(_name: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined
  }

  /** What Piscina calls; its types name `off`. */
  removeListener(name: 'abort', listener: () => void): void {
    this.off(name, listener)
  }

  /** Does nothing when no task is running. */
  pull(): void {
    const listener = this.#listener
    this.#listener = undefined
    listener?.()
  }
}
