import { SluiceError } from '../errors/sluice-error.ts'
import type { Subscription } from '../log/partition-log.ts'
import type { AssignedWindow } from './assigned-window.ts'

/** Where the interval is 0: a log that takes no commit is not to be asked without end. */
const retryBaseMs = 100

export interface CommitSchedulerOptions {
  /** Longest time between a completion and its commit. Default 200 ms. */
  readonly intervalMs: number
  /** Completions of one partition after which a commit does not wait for the interval. */
  readonly maxEvents: number
  /** The windows in which room was made. */
  readonly onCommitted: () => void
  readonly onError: (error: SluiceError) => void
}

/** Commits the low watermarks of all assigned partitions together; one commit in flight at a time. */
export class CommitScheduler {
  readonly #options: CommitSchedulerOptions
  readonly #windows: ReadonlyMap<number, AssignedWindow>
  #subscription: Subscription | undefined
  #timer: NodeJS.Timeout | undefined
  #inFlight: Promise<void> | undefined
  #again = false
  #failures = 0

  constructor(windows: ReadonlyMap<number, AssignedWindow>, options: CommitSchedulerOptions) {
    this.#windows = windows
    this.#options = options
  }

  attach(subscription: Subscription): void {
    this.#subscription = subscription
  }

  /** A completion moved the watermark of `window`. */
  completed(window: AssignedWindow): void {
    if (window.committableEvents >= this.#options.maxEvents && this.#failures === 0) this.#start()
    else this.#timer ??= setTimeout(() => this.#start(), this.#delayMs())
  }

  /** Commits what is complete now and waits for it; for revocation, shutdown and tests. */
  async flush(): Promise<void> {
    await this.#inFlight
    this.#start()
    await this.#inFlight
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#subscription = undefined
  }

  #delayMs(): number {
    const { intervalMs } = this.#options
    if (this.#failures === 0) return intervalMs
    return Math.min((intervalMs === 0 ? retryBaseMs : intervalMs) * 2 ** Math.min(this.#failures, 6), 10_000)
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#inFlight !== undefined) {
      this.#again = true
      return
    }
    this.#inFlight = this.#commit().finally(() => {
      this.#inFlight = undefined
      if (!this.#again) return
      this.#again = false
      this.#start()
    })
  }

  async #commit(): Promise<void> {
    const subscription = this.#subscription
    if (subscription === undefined) return
    for (const [epoch, batch] of this.#due()) {
      const offsets = new Map<number, number>()
      for (const { window, offset } of batch) offsets.set(window.partition, offset)
      try {
        await subscription.commit(epoch, offsets)
        this.#failures = 0
        for (const { window, sequence, offset } of batch) window.committed(sequence, offset)
        this.#options.onCommitted()
      } catch (thrown) {
        // Nothing is lost by a commit that failed: the window stays closed to its bound and the next round repeats it.
        this.#failures++
        this.#options.onError(SluiceError.from(thrown))
        this.#timer ??= setTimeout(() => this.#start(), this.#delayMs())
        return
      }
    }
  }

  #due(): Map<number, { window: AssignedWindow; sequence: number; offset: number }[]> {
    const byEpoch = new Map<number, { window: AssignedWindow; sequence: number; offset: number }[]>()
    for (const window of this.#windows.values()) {
      const offset = window.tracker.committable
      if (!window.assigned || offset <= window.committedOffset) continue
      const entry = { window, sequence: window.tracker.oldest, offset }
      const batch = byEpoch.get(window.epoch)
      if (batch === undefined) byEpoch.set(window.epoch, [entry])
      else batch.push(entry)
    }
    return byEpoch
  }
}
