import type { AppendRecord, LogRecord } from '../../src/log/log-record.ts'
import type {
  AssignedPartition,
  PartitionLog,
  PositionAnomaly,
  StartPosition,
  Subscription,
} from '../../src/log/partition-log.ts'

/** A record as plain data: handed-out buffers are views that end with the call, so the collector copies. */
export interface CollectedRecord {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: string | null
  readonly value: string
  readonly header: string
}

const hex = (bytes: Buffer | null): string | null => (bytes === null ? null : bytes.toString('hex'))
const text = (bytes: Buffer | null): string => (bytes === null ? '<null>' : bytes.toString('latin1'))

/** A subscriber that keeps what it is told and lets a test await it. */
export class RecordCollector {
  readonly records: CollectedRecord[] = []
  readonly assignments: { readonly epoch: number; readonly partitions: readonly AssignedPartition[] }[] = []
  readonly anomalies: PositionAnomaly[] = []
  readonly errors: Error[] = []
  readonly owned = new Map<number, { epoch: number; position: number }>()
  /** Rule breaks seen on the way: calls for partitions that are not owned or are paused, offsets out of order. */
  readonly violations: string[] = []
  subscription!: Subscription
  #calls = 0
  #appending = false
  readonly #paused = new Set<number>()
  #waiters: { readonly ready: () => boolean; readonly resolve: () => void }[] = []

  static async subscribe(log: PartitionLog, group: string, start: StartPosition): Promise<RecordCollector> {
    const collector = new RecordCollector()
    collector.subscription = await log.subscribe(group, start, {
      assigned: (epoch, partitions) => {
        collector.#called()
        collector.assignments.push({ epoch, partitions })
        for (const { partition, position } of partitions) collector.owned.set(partition, { epoch, position })
        collector.#wake()
      },
      revoked: (_epoch, partitions) => {
        collector.#called()
        for (const partition of partitions) collector.owned.delete(partition)
        collector.#wake()
      },
      records: (epoch, partition, records) => collector.#take(epoch, partition, records),
      anomaly: anomaly => {
        collector.#called()
        collector.anomalies.push(anomaly)
        collector.#wake()
      },
      fatal: error => {
        collector.#called()
        collector.errors.push(error)
        collector.#wake()
      },
    })
    await collector.until(() => collector.owned.size === log.partitionCount)
    return collector
  }

  /** Number of handler calls so far. */
  get calls(): number {
    return this.#calls
  }

  /** Runs a call into the log; a `records` call made inside its stack is a violation. */
  guard<T>(call: () => T): T {
    this.#appending = true
    try {
      return call()
    } finally {
      this.#appending = false
    }
  }

  pause(...partitions: number[]): void {
    this.subscription.pause(partitions)
    for (const partition of partitions) this.#paused.add(partition)
  }

  resume(...partitions: number[]): void {
    for (const partition of partitions) this.#paused.delete(partition)
    this.subscription.resume(partitions)
  }

  /** Commits under the epoch the partition was assigned with. */
  async commit(partition: number, offset: number): Promise<void> {
    await this.subscription.commit(this.owned.get(partition)!.epoch, new Map([[partition, offset]]))
  }

  async until(ready: () => boolean): Promise<void> {
    if (ready()) return
    await new Promise<void>(resolve => this.#waiters.push({ ready, resolve }))
  }

  async count(records: number): Promise<readonly CollectedRecord[]> {
    await this.until(() => this.records.length >= records)
    return this.records
  }

  of(partition: number): readonly CollectedRecord[] {
    return this.records.filter(record => record.partition === partition)
  }

  values(partition: number): readonly string[] {
    return this.of(partition).map(record => record.value)
  }

  #called(): void {
    this.#calls += 1
    if (this.#appending) this.violations.push('a handler was called inside the stack of a call into the log')
  }

  #take(epoch: number, partition: number, records: readonly LogRecord[]): void {
    this.#called()
    const owned = this.owned.get(partition)
    if (records.length === 0) this.violations.push('records was called with nothing')
    if (owned === undefined || owned.epoch !== epoch) this.violations.push(`partition ${partition} is not owned`)
    if (this.#paused.has(partition)) this.violations.push(`partition ${partition} is paused`)
    for (const record of records) {
      if (owned !== undefined) {
        if (record.offset < owned.position)
          this.violations.push(`offset ${record.offset} came again after ${owned.position} of ${partition}`)
        owned.position = record.offset + 1
      }
      this.records.push({
        partition,
        offset: record.offset,
        timestampMs: record.timestampMs,
        key: hex(record.key),
        value: text(record.value),
        header: text(record.header),
      })
    }
    this.#wake()
  }

  #wake(): void {
    this.#waiters = this.#waiters.filter(waiter => {
      const ready = waiter.ready()
      if (ready) waiter.resolve()
      return !ready
    })
  }
}

/** A record from text; what a test does not name is something harmless. */
export function recordOf(value: string, options: { key?: Buffer | null; header?: Buffer } = {}): AppendRecord {
  return {
    key: options.key ?? null,
    header: options.header ?? Buffer.from('h'),
    value: Buffer.from(value, 'latin1'),
  }
}

/** `prefix0 … prefix<count-1>`. */
export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`)
}

/** {@link numbered} as records. */
export function recordsOf(prefix: string, count: number): AppendRecord[] {
  return numbered(prefix, count).map(value => recordOf(value))
}
