import { join } from 'node:path'
import type { ErrorCode } from '../../errors/error-codes.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { AppendRecord, LogRecord } from '../log-record.ts'
import type {
  HeaderLog,
  HeaderRange,
  PartitionEnds,
  StartPosition,
  Subscription,
  SubscriptionHandlers,
  VisitHeader,
} from '../partition-log.ts'
import { withJitter } from '../retry-delay.ts'
import { type CommitGroup, GroupBuilder, type LogHead } from './commit-group.ts'
import type { CommittedOffsets } from './committed-offsets.ts'
import { DiskReserve } from './disk-reserve.ts'
import type { EmbeddedLogStats } from './embedded-log-stats.ts'
import { EmbeddedSubscription } from './embedded-subscription.ts'
import { GroupCommitter } from './group-committer.ts'
import { LogReader } from './log-reader.ts'
import { browseRecords, scanHeaders } from './log-scan.ts'
import { LogWriter, WriteRefused } from './log-writer.ts'
import { type EmbeddedLogOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { eventBytes, maxRecordBytes } from './record-codec.ts'
import { recoverLog, type RecoveredLog } from './recovery.ts'
import { countExpiredSegments } from './retention.ts'
import type { Segment } from './segment.ts'
import { StreamQuota } from './stream-quota.ts'
import { TailCache } from './tail-cache.ts'

/** Opens the log of one stream, or makes it; recovers what a crash left. */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const resolved = resolveOptions(options)
  const found = await recoverLog(resolved)
  const log = new EmbeddedLog(resolved, found, options.reserve ?? new DiskReserve(resolved))
  await log.begin()
  return log
}

/**
 * A stream in segment files: all partitions in one sequence of records, one sync for whatever gathered during the one
 * before. Offset commits are records of the same sequence.
 *
 *   open ── close ──▶ closing ── everything written ──▶ closed
 *     └── a write or sync failed ──▶ failed
 */
export class EmbeddedLog implements HeaderLog {
  readonly stream: string
  readonly partitionCount: number
  readonly foundUntilMs: number
  readonly #options: ResolvedOptions
  readonly #segments: Segment[]
  readonly #committed: CommittedOffsets
  readonly #found: RecoveredLog
  /** What the next record gets. */
  readonly #head: LogHead
  /** What is durable. */
  readonly #durable: LogHead
  readonly #cache: TailCache
  readonly #reader: LogReader
  readonly #builder: GroupBuilder
  readonly #writer: LogWriter
  readonly #committer: GroupCommitter
  readonly #reserve: DiskReserve
  readonly #quota: StreamQuota
  readonly #subscriptions = new Map<string, EmbeddedSubscription>()
  readonly #joining = new Set<string>()
  #state: 'open' | 'closing' | 'closed' | 'failed' = 'open'
  #failure: SluiceError | undefined
  #appended = 0
  #bytes = 0
  #knownSegments = 0
  #retentionTimer: NodeJS.Timeout | undefined
  #retaining: Promise<void> | undefined
  #closing: Promise<void> | undefined

  /** Use {@link openEmbeddedLog}. */
  constructor(options: ResolvedOptions, found: RecoveredLog, reserve: DiskReserve) {
    this.#options = options
    this.#found = found
    this.stream = options.stream
    this.partitionCount = options.partitionCount
    this.foundUntilMs = found.untilMs
    this.#segments = found.segments
    this.#committed = found.committed
    this.#durable = { ends: [...found.ends], sequence: found.sequence }
    this.#head = { ends: [...found.ends], sequence: found.sequence }
    this.#builder = new GroupBuilder(0, this.#head)
    this.#writer = new LogWriter(options, this.#segments, () => ({
      createdMs: options.nowMs(),
      ends: [...this.#durable.ends],
      groups: this.#committed.snapshot(),
    }))
    this.#cache = new TailCache(options.tailCacheBytes)
    this.#reader = new LogReader(options, this.#segments, this.#cache)
    this.#reserve = reserve
    this.#quota = new StreamQuota(options, { ...found, groups: () => this.groups, ends: this.#durable.ends })
    this.#committer = new GroupCommitter(
      this.#builder,
      this.#writer,
      {
        taken: () => [...this.#head.ends],
        durable: (group, position, ends) => this.#onDurable(group, position, ends),
        synced: options.onSynced,
        rolledBack: () => this.#rollBack(),
        failed: error => this.#fail(error),
      },
      options.monotonicMs,
    )
  }

  /** Makes the log ready for use; called once by {@link openEmbeddedLog}. */
  async begin(): Promise<void> {
    try {
      await this.#writer.open(this.#head.sequence)
    } catch (error) {
      throw error instanceof WriteRefused ? error.error : error
    }
    const { start, bytes, marker } = this.#segments.at(-1)!
    this.#reader.advance(start + bytes)
    this.#builder.marker = marker
    this.#measure()
    await this.#reserve.check()
    await this.applyRetention()
    if (this.#options.retentionIntervalMs > 0) {
      this.#retentionTimer = setInterval(() => void this.applyRetention(), this.#options.retentionIntervalMs).unref()
    }
  }

  append(partition: number, records: readonly AppendRecord[]): Promise<number> {
    if (records.length === 1) return this.#appendOne(partition, records[0]!)
    let bytes = 0
    let largest = 0
    for (const record of records) {
      const length = eventBytes(record)
      bytes += length
      if (length > largest) largest = length
    }
    const refusal = this.#refusalOf(partition, bytes, largest)
    if (refusal !== undefined) return Promise.reject(refusal)
    const first = this.#head.ends[partition]!
    // Durable at once, as far as there is anything.
    if (records.length === 0) return Promise.resolve(first)
    const nowMs = this.#options.nowMs()
    for (const record of records) this.#builder.addEvent(partition, record, eventBytes(record), nowMs)
    this.#committer.wake()
    return this.#builder.wait(first)
  }

  #appendOne(partition: number, record: AppendRecord): Promise<number> {
    const length = eventBytes(record)
    const refusal = this.#refusalOf(partition, length, length)
    if (refusal !== undefined) return Promise.reject(refusal)
    const offset = this.#head.ends[partition]!
    this.#builder.addEvent(partition, record, length, this.#options.nowMs())
    this.#committer.wake()
    return this.#builder.wait(offset)
  }

  async subscribe(group: string, start: StartPosition, handlers: SubscriptionHandlers): Promise<Subscription> {
    this.#assertOpen()
    if (this.#subscriptions.has(group) || this.#joining.has(group))
      throw this.#error('SLUICE_LOG_UNAVAILABLE', `group ${group} has a subscription already; close it first`)
    this.#joining.add(group)
    try {
      const positions = await this.#startPositions(group, start)
      // The subscription is itself a record: its start is a written position, and its sequence is an epoch that no
      // later subscription of any process shares.
      const epoch = await this.#commit(group, [...positions.entries()])
      this.#assertOpen()
      const subscription = new EmbeddedSubscription(
        {
          reader: this.#reader,
          ends: this.#durable.ends,
          low: partition => this.#low(partition),
          commit: (name, offsets) => this.#commit(name, offsets),
          left: ended => {
            if (this.#subscriptions.get(ended.group) === ended) this.#subscriptions.delete(ended.group)
          },
        },
        group,
        epoch,
        positions.map((position, partition) => ({ partition, position })),
        handlers,
      )
      this.#subscriptions.set(group, subscription)
      setImmediate(() => subscription.start())
      return subscription
    } finally {
      this.#joining.delete(group)
    }
  }

  ends(): Promise<readonly PartitionEnds[]> {
    return Promise.resolve(this.#durable.ends.map((end, partition) => ({ low: this.#low(partition), end })))
  }

  committed(group: string): Promise<ReadonlyMap<number, number>> {
    return Promise.resolve(this.#committed.of(group))
  }

  /** Groups that hold records: those that ever subscribed and those that are configured. */
  get groups(): readonly string[] {
    return [...new Set([...this.#committed.names, ...this.#options.groups])]
  }

  /** Drops a group of an earlier configuration, so that it holds no records any more. Durable when it resolves. */
  async forgetGroup(group: string): Promise<void> {
    await this.seek(group, null)
    await this.applyRetention()
  }

  /** Null drops all places of the group. */
  async seek(group: string, offsets: ReadonlyMap<number, number> | null): Promise<readonly number[]> {
    if (this.#subscriptions.has(group) || this.#joining.has(group))
      throw this.#error('SLUICE_LOG_UNAVAILABLE', `group ${group} is subscribed; close it first`)
    await this.#commit(group, offsets && [...offsets])
    return []
  }

  async browse(partition: number, from: number, limit: number): Promise<readonly LogRecord[]> {
    this.#assertOpen()
    const end = this.#durable.ends[partition]
    if (end === undefined) throw this.#noPartition(partition)
    return browseRecords(this.#reader, partition, Math.max(from, this.#low(partition)), end, limit)
  }

  async scanHeaders(range: HeaderRange, visit: VisitHeader): Promise<void> {
    this.#assertOpen()
    const { ends } = this.#durable
    await scanHeaders(this.#options, this.#segments, ends, this.#reader.end, range, visit)
  }

  stats(): EmbeddedLogStats {
    const { syncs, lastSyncMs, totalSyncMs } = this.#committer.stats
    return {
      bytes: this.#bytes,
      segments: this.#segments.length,
      oldestSegmentMs: this.#segments[0]?.createdMs ?? 0,
      appended: this.#appended,
      syncs,
      lastSyncMs,
      averageSyncMs: syncs === 0 ? 0 : totalSyncMs / syncs,
      waiting: this.#committer.waiting,
      waitingBytes: this.#committer.waitingBytes,
      damaged: this.#found.damaged + this.#reader.damaged,
      truncatedBytes: this.#found.truncatedBytes,
      cachedBytes: this.#cache.bytes,
    }
  }

  /** Deletes the segments that nobody needs and the policy lets go; runs by itself too. */
  async applyRetention(): Promise<void> {
    this.#retaining ??= this.#deleteExpired().finally(() => (this.#retaining = undefined))
    return this.#retaining
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#state === 'open') this.#setState('closing')
    clearInterval(this.#retentionTimer)
    for (const subscription of [...this.#subscriptions.values()]) subscription.end()
    await this.#committer.drain()
    await this.#retaining
    await this.#writer.close()
    this.#setState('closed')
  }

  /** Why an append cannot be taken now. */
  #refusalOf(partition: number, bytes: number, largest: number): SluiceError | undefined {
    if (this.#state !== 'open') return this.#closedError()
    if (this.#head.ends[partition] === undefined) return this.#noPartition(partition)
    if (largest > maxRecordBytes)
      return this.#error('SLUICE_LOG_RECORD_TOO_LARGE', `a record of ${largest} bytes is above ${maxRecordBytes}`)
    const { waitingBytes } = this.#committer
    const { maxWaitingBytes } = this.#options
    const overQuota = this.#quota.refusalOf(bytes, this.#bytes + waitingBytes)
    if (overQuota !== undefined) return overQuota
    // A single append may be larger than the bound; it then waits alone.
    if (waitingBytes > 0 && waitingBytes + bytes > maxWaitingBytes) {
      const details = { retryAfterMs: withJitter(0, Math.random()) }
      return this.#error('SLUICE_LOG_FULL', `${waitingBytes} bytes wait for the disk; try again shortly`, details)
    }
    return this.#reserve.refusalOf(`stream ${this.stream}`)
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw this.#closedError()
  }

  #closedError(): SluiceError {
    return this.#failure ?? this.#error('SLUICE_LOG_CLOSED', 'the log is closed')
  }

  #noPartition(partition: number): SluiceError {
    const message = `there is no partition ${partition}; there are ${this.partitionCount}`
    return this.#error('SLUICE_LOG_OUT_OF_RANGE', message)
  }

  #error(code: ErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}): SluiceError {
    return new SluiceError(code, `stream ${this.stream}: ${message}`, { details: { stream: this.stream, ...details } })
  }

  #setState(state: 'closing' | 'closed' | 'failed'): void {
    this.#state = state
  }

  async #commit(group: string, offsets: readonly (readonly [number, number])[] | null): Promise<number> {
    this.#assertOpen()
    const sequence = this.#builder.addCommit({ group, offsets })
    this.#committer.wake()
    return this.#builder.wait(sequence)
  }

  #onDurable(group: CommitGroup, position: number, ends: readonly number[]): void {
    for (const [partition, end] of ends.entries()) {
      this.#appended += end - this.#durable.ends[partition]!
      this.#durable.ends[partition] = end
    }
    this.#durable.sequence = group.sequence + group.records
    let start = position
    for (const { block, from, to } of group.parts) {
      this.#cache.add(block, from, to, start)
      start += to - from
    }
    this.#reader.advance(start)
    for (const commit of group.commits) this.#committed.apply(commit)
    this.#measure()
    this.#reserve.wrote(group.bytes)
    if (group.commits.length > 0) this.#quota.progressed(this.#bytes)
    for (const subscription of this.#subscriptions.values()) subscription.wake()
    const hasRolled = this.#segments.length !== this.#knownSegments
    this.#builder.marker = this.#segments.at(-1)!.marker
    this.#knownSegments = this.#segments.length
    if ((hasRolled || group.commits.length > 0) && this.#countExpired() > 0) void this.applyRetention()
  }

  /** Nothing since the last durable group exists: its offsets are given again. */
  #rollBack(): void {
    this.#head.sequence = this.#durable.sequence
    for (const [partition, end] of this.#durable.ends.entries()) this.#head.ends[partition] = end
    this.#reserve.failed()
  }

  #fail(error: SluiceError): void {
    this.#failure = error
    this.#setState('failed')
    clearInterval(this.#retentionTimer)
    for (const subscription of [...this.#subscriptions.values()]) subscription.fail(error)
    this.#options.onFatal(error)
  }

  async positionsAt(start: StartPosition): Promise<number[]> {
    const ends = [...this.#durable.ends]
    if (start === 'latest') return ends
    if (start === 'earliest') return ends.map((_, partition) => this.#low(partition))
    if ('timestampMs' in start) return this.#reader.offsetsAt(start.timestampMs, ends)
    return ends.map((end, partition) => Math.min(Math.max(start.offset, this.#low(partition)), end))
  }

  async #startPositions(group: string, start: StartPosition): Promise<number[]> {
    const committed = this.#committed.of(group)
    // A partition that was added since: its first records came after the group began.
    const starts = await this.positionsAt(committed.size > 0 ? 'earliest' : start)
    return starts.map((offset, partition) => committed.get(partition) ?? offset)
  }

  async #deleteExpired(): Promise<void> {
    const { files, directory } = this.#options
    const count = this.#state === 'open' ? this.#countExpired() : 0
    if (count === 0) return
    // Readers see the shorter list first and take a file that is gone for what it is.
    const expired = this.#segments.splice(0, count)
    this.#measure()
    try {
      for (const { name } of expired) await files.remove(join(directory, name))
      await files.syncDirectory(directory)
    } catch {
      // What could not be deleted is found again at the next start; keeping it loses nothing.
    }
  }

  #countExpired(): number {
    return countExpiredSegments(this.#segments, this.groups, this.#committed, this.#options, this.#options.nowMs())
  }

  #low(partition: number): number {
    return this.#segments[0]?.offsets[partition] ?? 0
  }

  #measure(): void {
    this.#bytes = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0)
  }
}
