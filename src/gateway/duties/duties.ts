/** Something that the gateway does from time to time. */
export interface Duty {
  start(): void
  stop(): void
}

/**
 * Duties that only one node may do, in one place: standalone it is this process, in distributed mode the owner of the
 * control topic.
 */
export class Duties {
  readonly #duties: readonly Duty[]

  constructor(duties: readonly Duty[]) {
    this.#duties = duties
  }

  start(): void {
    for (const duty of this.#duties) duty.start()
  }

  stop(): void {
    for (const duty of this.#duties) duty.stop()
  }
}
