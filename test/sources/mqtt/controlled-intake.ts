import { SluiceError } from '../../../src/errors/sluice-error.ts'
import type { ErrorCode } from '../../../src/errors/error-codes.ts'
import type { Acceptance, IncomingEvent, StreamIntake } from '../../../src/sources/source.ts'

/** An intake whose log takes, refuses or keeps waiting, as the test says; deduplicates as the real one does. */
export class ControlledIntake implements StreamIntake {
  readonly stream = 'telemetry'
  /** What is "durable", in order. */
  readonly events: IncomingEvent[] = []
  readonly batchSizes: number[] = []
  mode: 'take' | 'hold' | 'refuse' = 'take'
  refuseWith: ErrorCode = 'SLUICE_LOG_FULL'
  /** Rejects what it says true to, for good. */
  isBad: (event: IncomingEvent) => boolean = () => false
  calls = 0
  #held: (() => void)[] = []
  readonly #ids = new Map<string, number>()
  readonly #waiters = new Set<() => void>()

  get values(): string[] {
    return this.events.map(event => event.value.toString())
  }

  async accept(events: readonly IncomingEvent[]): Promise<readonly Acceptance[]> {
    this.calls += 1
    this.#notify()
    if (this.mode === 'refuse') throw new SluiceError(this.refuseWith, 'there is no room')
    if (this.mode === 'hold') await new Promise<void>(resolve => this.#held.push(resolve))
    if (events.some(this.isBad)) throw new SluiceError('SLUICE_EVENTS_TOO_LARGE', 'the event is too large')
    this.batchSizes.push(events.length)
    const acceptances = events.map(event => {
      const { dedupId } = event.header
      const known = dedupId === undefined ? undefined : this.#ids.get(dedupId)
      if (known !== undefined) return { partition: 0, offset: known, duplicate: true }
      const offset = this.events.push(event) - 1
      if (dedupId !== undefined) this.#ids.set(dedupId, offset)
      return { partition: 0, offset, duplicate: false }
    })
    this.#notify()
    return acceptances
  }

  /** Ends holding: what waits is taken, and what comes. */
  release(): void {
    this.mode = 'take'
    const held = this.#held
    this.#held = []
    for (const resolve of held) resolve()
  }

  /** Resolves when the condition holds; looked at after every call and every append. */
  until(condition: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        if (!condition()) return
        this.#waiters.delete(check)
        resolve()
      }
      this.#waiters.add(check)
      check()
    })
  }

  #notify(): void {
    for (const check of [...this.#waiters]) check()
  }
}
