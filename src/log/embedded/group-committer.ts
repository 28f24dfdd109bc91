import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import type { CommitGroup, GroupBuilder, GroupWaiter } from './commit-group.ts'
import { type LogWriter, WriteRefused } from './log-writer.ts'

type CommitterState = 'idle' | 'scheduled' | 'flushing' | 'failed'

export interface CommitterHooks {
  /** Called when a group is taken for writing; what it returns comes back in `durable`. */
  taken(): readonly number[]
  /** The group is on disk, from `position` on. Called before its waiters are told. */
  durable(group: CommitGroup, position: number, ends: readonly number[]): void
  /** A group was written and synced, in so much time. */
  synced?(durationMs: number): void
  /** Nothing since the last durable group was kept. */
  rolledBack(): void
  failed(error: SluiceError): void
}

export interface CommitterStats {
  syncs: number
  lastSyncMs: number
  totalSyncMs: number
}

/**
 * Group commit without a timer: while one group is written and synced the next one gathers.
 *
 *   idle ── append ──▶ scheduled ── end of the turn ──▶ flushing ── synced, more waits ──▶ scheduled
 *     ▲                                                    │ synced, nothing waits ──▶ idle
 *     └────────────────────────────────────────────────────┘ write or sync failed ──▶ failed (for good)
 */
export class GroupCommitter {
  readonly #builder: GroupBuilder
  readonly #writer: LogWriter
  readonly #hooks: CommitterHooks
  readonly #monotonicMs: () => number
  readonly stats: CommitterStats = { syncs: 0, lastSyncMs: 0, totalSyncMs: 0 }
  #state: CommitterState = 'idle'
  #inFlight = 0
  #inFlightBytes = 0
  /** What a sync costs however little it writes: the shortest of late, slowly forgotten. */
  #fixedSyncMs = Infinity
  /** How long it takes, per waiter, until those who were told have appended again. */
  #settleMs = 0
  #drained: (() => void)[] = []

  constructor(builder: GroupBuilder, writer: LogWriter, hooks: CommitterHooks, monotonicMs: () => number) {
    this.#builder = builder
    this.#writer = writer
    this.#hooks = hooks
    this.#monotonicMs = monotonicMs
  }

  get waiting(): number {
    return this.#inFlight + this.#builder.waiting
  }

  get waitingBytes(): number {
    return this.#inFlightBytes + this.#builder.bytes
  }

  /** Has what was added to the builder written soon: at the end of this turn of the event loop, or after the running flush. */
  wake(): void {
    if (this.#state !== 'idle') return
    this.#setState('scheduled')
    setImmediate(this.#flush)
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    if (this.#state === 'idle' || this.#state === 'failed') return
    await new Promise<void>(resolve => this.#drained.push(resolve))
  }

  #setState(state: CommitterState): void {
    if (this.#state === 'failed') return
    this.#state = state
    if (state !== 'idle' && state !== 'failed') return
    for (const resolve of this.#drained.splice(0)) resolve()
  }

  readonly #flush = (): void => {
    if (this.#state !== 'scheduled') return
    const ends = this.#hooks.taken()
    const group = this.#builder.take()
    if (group === undefined) return this.#setState('idle')
    this.#setState('flushing')
    this.#inFlight = group.waiters.length
    this.#inFlightBytes = group.bytes
    const startedMs = this.#monotonicMs()
    this.#writer.write(group).then(
      position => this.#written(group, position, ends, this.#monotonicMs() - startedMs),
      (error: unknown) => this.#refuse(group, error),
    )
  }

  #written(group: CommitGroup, position: number, ends: readonly number[], syncMs: number): void {
    this.stats.syncs += 1
    this.stats.lastSyncMs = syncMs
    this.stats.totalSyncMs += syncMs
    this.#hooks.synced?.(syncMs)
    this.#fixedSyncMs = Math.min(syncMs, this.#fixedSyncMs * 1.02)
    this.#inFlight = 0
    this.#inFlightBytes = 0
    this.#setState('scheduled')
    this.#hooks.durable(group, position, ends)
    const { waiters } = group
    const count = waiters.length
    // Two syncs of half the bytes cost one fixed part more, and hide the time in which those who were told append again:
    // if that time is the longer one, the disk works on half of them meanwhile; if not, all of them share the next sync.
    const isOverlapped = this.#fixedSyncMs < this.#settleMs * (count + this.#builder.waiting)
    const half = isOverlapped && this.#builder.waiting === 0 ? count >> 1 : count
    if (isOverlapped && this.#builder.waiting > 0) this.#flush()
    const startedMs = this.#monotonicMs()
    settle(waiters, 0, half)
    setImmediate(() => {
      if (half > 0) this.#settleMs += ((this.#monotonicMs() - startedMs) / half - this.#settleMs) / 8
      this.#flush()
      settle(waiters, half, count)
    })
  }

  #refuse(group: CommitGroup, error: unknown): void {
    this.#inFlight = 0
    this.#inFlightBytes = 0
    const refused = error instanceof WriteRefused
    const reason = refused
      ? error.error
      : new SluiceError('SLUICE_LOG_WRITE_FAILED', `the log failed and takes no more: ${messageOf(error)}`, {
          cause: error,
        })
    this.#setState(refused ? 'scheduled' : 'failed')
    // What gathered meanwhile builds upon offsets that do not exist now.
    const later = this.#builder.take()
    this.#hooks.rolledBack()
    if (!refused) this.#hooks.failed(reason)
    for (const waiter of group.waiters) waiter.reject(reason)
    for (const waiter of later?.waiters ?? []) waiter.reject(reason)
    if (refused) setImmediate(this.#flush)
  }
}

function settle(waiters: readonly GroupWaiter[], from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const waiter = waiters[i]!
    waiter.resolve(waiter.value)
  }
}
