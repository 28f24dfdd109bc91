import { SluiceError } from '../errors/sluice-error.ts'
import { encodeEventHeader, encodeFromTemplate } from '../events/event-header-codec.ts'
import type { AppendRecord } from '../log/log-record.ts'
import type { HeaderLog, PartitionLog } from '../log/partition-log.ts'
import { partitionFor } from '../log/partitioner.ts'
import { DeduplicationIndex, type DeduplicationOptions, type FirstAcceptance } from './deduplication-index.ts'
import { rebuildIndex } from './recent-ids.ts'
import type { Acceptance, IncomingEvent, StreamIntake } from './source.ts'

export interface StreamIntakeOptions {
  readonly log: HeaderLog
  /** Absent: `dedupId` is kept in the header but nothing is remembered. */
  readonly dedupe?: DeduplicationOptions
}

export interface RebuildableIntake extends StreamIntake {
  /**
   * Reads the ids of the last window from the log, so that a delivery that was accepted before a restart is still known.
   * To be awaited before the first `accept`; does nothing without `dedupe`.
   * @throws {SluiceError} what the log throws on reading.
   */
  rebuild(): Promise<void>
}

export function createStreamIntake(options: StreamIntakeOptions): RebuildableIntake {
  return options.dedupe === undefined
    ? new PlainIntake(options.log)
    : new DeduplicatingIntake(options.log, options.dedupe)
}

/** One partition's share of an `accept`: which events, and their records. */
interface PartitionShare {
  readonly indexes: number[]
  readonly records: AppendRecord[]
}

/** Encodes, partitions and appends. */
class PlainIntake implements RebuildableIntake {
  readonly stream: string
  readonly #log: PartitionLog
  readonly #nextPartition: () => number

  constructor(log: PartitionLog) {
    this.stream = log.stream
    this.#log = log
    let next = 0
    this.#nextPartition = () => {
      const partition = next
      next = (next + 1) % log.partitionCount
      return partition
    }
  }

  async rebuild(): Promise<void> {}

  accept(events: readonly IncomingEvent[]): Promise<readonly Acceptance[]> {
    if (events.length === 1) return this.#acceptOne(events[0]!)
    return this.acceptMany(events)
  }

  #acceptOne(event: IncomingEvent): Promise<readonly Acceptance[]> {
    let record: AppendRecord
    let partition: number
    try {
      record = toRecord(event)
      partition = partitionFor(record.key, this.#log.partitionCount, this.#nextPartition)
    } catch (thrown) {
      return Promise.reject(SluiceError.from(thrown))
    }
    return this.#log.append(partition, [record]).then(offset => [{ partition, offset, duplicate: false }])
  }

  /**
   * One append per partition touched. When one of them fails, the others may be durable: the call as a whole fails, and
   * `onDurable` has told which of its events are kept.
   */
  async acceptMany(
    events: readonly IncomingEvent[],
    onDurable?: (index: number, acceptance: Acceptance) => void,
  ): Promise<readonly Acceptance[]> {
    const acceptances = new Array<Acceptance>(events.length)
    const appends: Promise<void>[] = []
    for (const [partition, share] of this.#share(events)) {
      const { indexes } = share
      const settle = (first: number): void => {
        for (let i = 0; i < indexes.length; i++) {
          const index = indexes[i]!
          const acceptance = { partition, offset: first + i, duplicate: false }
          acceptances[index] = acceptance
          onDurable?.(index, acceptance)
        }
      }
      appends.push(this.#log.append(partition, share.records).then(settle))
    }
    await allSettledOrThrow(appends)
    return acceptances
  }

  /** Events without a key of one call stay together: one append instead of as many as there are partitions. */
  #share(events: readonly IncomingEvent[]): Map<number, PartitionShare> {
    const shares = new Map<number, PartitionShare>()
    let keyless: number | undefined
    const sticky = (): number => (keyless ??= this.#nextPartition())
    for (let index = 0; index < events.length; index++) {
      const record = toRecord(events[index]!)
      const partition = partitionFor(record.key, this.#log.partitionCount, sticky)
      let share = shares.get(partition)
      if (share === undefined) shares.set(partition, (share = { indexes: [], records: [] }))
      share.indexes.push(index)
      share.records.push(record)
    }
    return shares
  }
}

/**
 * Adds the memory of deduplication ids in front of a {@link PlainIntake}. The life of an id:
 *
 *   unknown ──accept──▶ pending ──append durable──▶ known ──window over──▶ unknown
 *                          └──────append failed──▶ unknown (whoever waited fails too and tries again)
 *
 * An id is known only once its event is durable: the other way round a crash between the two would answer the
 * sender's retry with `duplicate` for an event that nobody has.
 */
class DeduplicatingIntake implements RebuildableIntake {
  readonly stream: string
  readonly #log: HeaderLog
  readonly #intake: PlainIntake
  readonly #options: DeduplicationOptions
  readonly #pending = new Map<string, Promise<FirstAcceptance>>()
  #index: DeduplicationIndex

  constructor(log: HeaderLog, options: DeduplicationOptions) {
    this.stream = log.stream
    this.#log = log
    this.#intake = new PlainIntake(log)
    this.#options = options
    this.#index = new DeduplicationIndex(options, Date.now())
  }

  async rebuild(): Promise<void> {
    this.#index = await rebuildIndex(this.#log, this.#options, Date.now())
  }

  accept(events: readonly IncomingEvent[]): Promise<readonly Acceptance[]> {
    if (!events.some(event => event.header.dedupId !== undefined)) return this.#intake.accept(events)
    return this.#acceptIdentified(events)
  }

  async #acceptIdentified(events: readonly IncomingEvent[]): Promise<readonly Acceptance[]> {
    const nowMs = Date.now()
    const acceptances = new Array<Acceptance>(events.length)
    const waits: Promise<void>[] = []
    const fresh: FreshEvent[] = []
    for (const [index, event] of events.entries()) {
      const id = event.header.dedupId
      const first = id === undefined ? undefined : this.#index.find(id, nowMs)
      const pending = id === undefined ? undefined : this.#pending.get(id)
      if (first !== undefined) {
        acceptances[index] = { ...first, duplicate: true }
      } else if (pending !== undefined) {
        const settle = ({ partition, offset }: FirstAcceptance): void => {
          acceptances[index] = { partition, offset, duplicate: true }
        }
        waits.push(pending.then(settle))
      } else {
        fresh.push({ event, index, claim: id === undefined ? undefined : this.#claim(id) })
      }
    }
    if (fresh.length > 0) waits.push(this.#append(fresh, acceptances))
    await allSettledOrThrow(waits)
    return acceptances
  }

  async #append(fresh: readonly FreshEvent[], acceptances: Acceptance[]): Promise<void> {
    try {
      const events = fresh.map(({ event }) => event)
      await this.#intake.acceptMany(events, (i, acceptance) => {
        const { index, claim } = fresh[i]!
        acceptances[index] = acceptance
        claim?.keep(acceptance)
      })
    } catch (thrown) {
      // Ids whose events did become durable are known by now and stay so: a retry appends only what is missing.
      for (const { claim } of fresh) claim?.release(thrown)
      throw thrown
    }
  }

  /** Makes an id pending. `keep` or `release` ends that; only the first of them counts. */
  #claim(id: string): Claim {
    const { promise, resolve, reject } = Promise.withResolvers<FirstAcceptance>()
    // Mostly nobody waits; a failure without a waiter is told by the append itself.
    promise.catch(() => undefined)
    this.#pending.set(id, promise)
    const end = (): boolean => this.#pending.get(id) === promise && this.#pending.delete(id)
    return {
      keep: ({ partition, offset }) => {
        if (!end()) return
        this.#index.add(id, { partition, offset }, Date.now())
        resolve({ partition, offset })
      },
      release: thrown => {
        if (end()) reject(thrown)
      },
    }
  }
}

interface Claim {
  keep(first: FirstAcceptance): void
  release(thrown: unknown): void
}

interface FreshEvent {
  readonly event: IncomingEvent
  readonly index: number
  readonly claim: Claim | undefined
}

function toRecord({ header, value, template }: IncomingEvent): AppendRecord {
  if (template !== undefined) {
    return { key: template.key, header: encodeFromTemplate(template, header.id, header.acceptedAtMs), value }
  }
  const key = header.partitionkey
  return { key: key === undefined ? null : Buffer.from(key, 'utf8'), header: encodeEventHeader(header), value }
}

/** Waits for all, so that none fails unseen and nothing is under way when the sender is answered; then throws the first. */
async function allSettledOrThrow(promises: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) if (result.status === 'rejected') throw result.reason
}
