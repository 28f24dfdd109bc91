import type { AppendRecord, LogRecord } from '../../src/log/log-record.ts'
import type { HeaderLog, HeaderRange, PartitionEnds, VisitHeader } from '../../src/log/partition-log.ts'

/** An append that waits for the test to decide how it ends. */
export interface HeldAppend {
  readonly partition: number
  readonly records: readonly AppendRecord[]
  complete(): void
  fail(error: Error): void
}

/** A log in memory whose appends a test can hold, complete out of order, and fail. */
export class MemoryLog implements HeaderLog {
  readonly stream = 'test'
  readonly partitionCount: number
  readonly partitions: LogRecord[][]
  readonly held: HeldAppend[] = []
  readonly scanned: HeaderRange[] = []
  foundUntilMs = Date.now()
  /** Hold appends until `held[i].complete()`. */
  holding = false
  nowMs = Date.now()

  constructor(partitionCount = 4) {
    this.partitionCount = partitionCount
    this.partitions = Array.from({ length: partitionCount }, () => [])
  }

  get records(): LogRecord[] {
    return this.partitions.flat()
  }

  append(partition: number, records: readonly AppendRecord[]): Promise<number> {
    const write = (): number => {
      const target = this.partitions[partition]!
      const first = target.length
      for (const record of records) {
        target.push({ ...record, offset: target.length, timestampMs: this.nowMs, headers: null })
      }
      return first
    }
    if (!this.holding) return Promise.resolve(write())
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    this.held.push({ partition, records, complete: () => resolve(write()), fail: reject })
    return promise
  }

  ends(): Promise<PartitionEnds[]> {
    return Promise.resolve(this.partitions.map(records => ({ low: 0, end: records.length })))
  }

  positionsAt(): Promise<readonly number[]> {
    return Promise.reject(new Error('not moved'))
  }

  seek(): Promise<readonly number[]> {
    return Promise.reject(new Error('not moved'))
  }

  browse(partition: number, from: number, limit: number): Promise<LogRecord[]> {
    return Promise.resolve(this.partitions[partition]!.slice(from, from + limit))
  }

  scanHeaders(range: HeaderRange, visit: VisitHeader): Promise<void> {
    this.scanned.push(range)
    for (const [partition, records] of this.partitions.entries())
      for (const { offset, timestampMs, header } of records)
        if (timestampMs >= range.sinceMs) visit(partition, offset, timestampMs, header!)
    return Promise.resolve()
  }

  subscribe(): never {
    throw new Error('not used here')
  }

  committed(): never {
    throw new Error('not used here')
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
