import type { SluiceError } from '../../../errors/sluice-error.ts'
import type { Assignment } from './assignment.ts'
import { Backoff, wait } from './backoff.ts'
import { isMembershipError, kafkaErrorOf } from './errors.ts'

export interface OffsetCommitterOptions {
  readonly group: string
  readonly assignment: Assignment
  /** Commits in the current generation, which the broker checks. */
  send(offsets: ReadonlyMap<number, number>): Promise<void>
  /** Resolves with the next generation or when the membership ends. */
  nextGeneration(): Promise<void>
  readonly timeoutMs: number
  /** Aborted when the membership ends. */
  readonly signal: AbortSignal
}

interface PendingOffset {
  readonly epoch: number
  readonly offset: number
}

interface Waiter {
  readonly deadline: number
  readonly resolve: () => void
  readonly reject: (error: SluiceError) => void
}

const RETRY_MIN_MS = 100
const RETRY_MAX_MS = 2_000

/**
 * Commits offsets of partitions that are owned now, one request at a time, everything that waits in one. Ownership is
 * looked at again before every try: what went to another member is dropped, what stayed is committed in the generation
 * that is current then. Never moves an offset backwards within an epoch.
 */
export class OffsetCommitter {
  readonly #options: OffsetCommitterOptions
  readonly #backoff = new Backoff(RETRY_MIN_MS, RETRY_MAX_MS)
  #pending = new Map<number, PendingOffset>()
  #waiters: Waiter[] = []
  #isRunning = false

  constructor(options: OffsetCommitterOptions) {
    this.#options = options
  }

  commit(epoch: number, offsets: ReadonlyMap<number, number>): Promise<void> {
    for (const [partition, offset] of offsets) this.#add(partition, { epoch, offset })
    if (this.#pending.size === 0 || this.#options.signal.aborted) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiters.push({ deadline: performance.now() + this.#options.timeoutMs, resolve, reject })
      if (this.#isRunning) return
      this.#isRunning = true
      // In a microtask, so that commits made in one go share a request.
      queueMicrotask(() => void this.#run())
    })
  }

  #add(partition: number, added: PendingOffset): void {
    if (!this.#isWorthwhile(partition, added)) return
    const before = this.#pending.get(partition)
    if (before === undefined || before.epoch !== added.epoch || before.offset < added.offset)
      this.#pending.set(partition, added)
  }

  #isWorthwhile(partition: number, { epoch, offset }: PendingOffset): boolean {
    const owned = this.#options.assignment.ownedSince(epoch, partition)
    return owned !== undefined && owned.isAnnounced && offset > owned.committed
  }

  async #run(): Promise<void> {
    const { signal } = this.#options
    while (this.#waiters.length > 0) {
      const waiters = this.#waiters.splice(0)
      const batch = [...this.#pending].filter(([partition, pending]) => this.#isWorthwhile(partition, pending))
      this.#pending = new Map()
      const error = batch.length === 0 || signal.aborted ? undefined : await this.#attempt(batch)
      if (error === undefined || signal.aborted) {
        this.#backoff.reset()
        for (const waiter of waiters) waiter.resolve()
        continue
      }
      for (const [partition, pending] of batch) this.#add(partition, pending)
      this.#waiters.unshift(...this.#rejectLate(waiters, error))
      if (this.#waiters.length === 0) break
      const waits = [wait(this.#backoff.nextMs(), signal)]
      // The request came too late for its generation; the next one shows what is still ours.
      if (isMembershipError(error)) waits.push(this.#options.nextGeneration())
      await Promise.race(waits)
    }
    this.#isRunning = false
  }

  async #attempt(batch: readonly (readonly [number, PendingOffset])[]): Promise<unknown> {
    const { assignment } = this.#options
    try {
      await this.#options.send(new Map(batch.map(([partition, { offset }]) => [partition, offset])))
    } catch (error) {
      return error ?? new Error('the commit failed without an error')
    }
    for (const [partition, { epoch, offset }] of batch) {
      const owned = assignment.ownedSince(epoch, partition)
      if (owned) owned.committed = Math.max(owned.committed, offset)
    }
    return undefined
  }

  #rejectLate(waiters: readonly Waiter[], error: unknown): Waiter[] {
    const now = performance.now()
    const reason = kafkaErrorOf(error, 'SLUICE_KAFKA_COMMIT', `commit offsets of group "${this.#options.group}"`)
    return waiters.filter(waiter => {
      if (waiter.deadline > now) return true
      waiter.reject(reason)
      return false
    })
  }
}
