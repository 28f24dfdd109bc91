import type { SluiceError } from '../../src/errors/sluice-error.ts'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import type { LogRecord } from '../../src/log/log-record.ts'
import type { PartitionLog, Subscription, SubscriptionHandlers } from '../../src/log/partition-log.ts'

/** A log that hands out partitions and takes them back as a Kafka group does, when the test says so. */
export class ScriptedLog implements PartitionLog {
  readonly stream = 's'
  readonly partitionCount = 1
  readonly paused = new Set<number>()
  /** How often it was asked to hand out nothing more. */
  pauses = 0
  readonly commits: { readonly epoch: number; readonly offset: number }[] = []
  /** May hold a commit back, or refuse it. */
  beforeCommit: () => Promise<void> = () => Promise.resolve()
  #handlers!: SubscriptionHandlers
  #epoch = 0
  #records: LogRecord[] = []
  #next = 0

  /** Puts records behind the others and hands out what may be. */
  add(...events: readonly (readonly [key: string, value: string])[]): void {
    for (const [key, value] of events) {
      const header = { id: value, source: '/t', type: 't', acceptedAtMs: 1, hops: 0, partitionkey: key }
      this.#records.push({
        offset: this.#records.length,
        timestampMs: Date.now(),
        key: Buffer.from(key),
        value: Buffer.from(value),
        header: encodeEventHeader(header),
        headers: null,
      })
    }
    this.#handOut()
  }

  get handedOut(): number {
    return this.#next
  }

  assign(): void {
    this.#epoch++
    const position = this.commits.at(-1)?.offset ?? 0
    this.#next = position
    this.#handlers.assigned(this.#epoch, [{ partition: 0, position }])
    this.#handOut()
  }

  revoke(): void {
    this.#handlers.revoked(this.#epoch, [0])
  }

  fail(error: SluiceError): void {
    this.#handlers.fatal(error)
  }

  subscribe(_group: string, _start: unknown, handlers: SubscriptionHandlers): Promise<Subscription> {
    this.#handlers = handlers
    return Promise.resolve({
      pause: partitions => {
        this.pauses += partitions.length
        for (const partition of partitions) this.paused.add(partition)
      },
      resume: partitions => {
        for (const partition of partitions) this.paused.delete(partition)
        this.#handOut()
      },
      commit: async (epoch, offsets) => {
        await this.beforeCommit()
        if (epoch === this.#epoch) this.commits.push({ epoch, offset: offsets.get(0) ?? 0 })
      },
      close: () => Promise.resolve(),
    })
  }

  append(): Promise<number> {
    return Promise.reject(new Error('not written'))
  }

  ends(): Promise<{ low: number; end: number }[]> {
    return Promise.resolve([{ low: 0, end: this.#records.length }])
  }

  committed(): Promise<ReadonlyMap<number, number>> {
    return Promise.resolve(new Map())
  }

  positionsAt(): Promise<readonly number[]> {
    return Promise.reject(new Error('not moved'))
  }

  seek(): Promise<readonly number[]> {
    return Promise.reject(new Error('not moved'))
  }

  browse(): Promise<readonly LogRecord[]> {
    return Promise.resolve([])
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #handOut(): void {
    while (this.#epoch > 0 && this.#next < this.#records.length && !this.paused.has(0)) {
      const record = this.#records[this.#next++] as LogRecord
      this.#handlers.records(this.#epoch, 0, [record])
    }
  }
}
