import type { LogRecord } from '../../../src/log/log-record.ts'
import type { PartitionLog, Subscription, SubscriptionHandlers } from '../../../src/log/partition-log.ts'
import type { Random } from '../../chaos/random.ts'
import type { VirtualProcess } from '../virtual-process.ts'
import type { VirtualScheduler } from '../virtual-scheduler.ts'

/** Until the broker gives up a member that does not answer, in virtual ms. */
const sessionTimeoutMs = 400
const latencyMs = 4
const mostRecordsPerFetch = 6

/** One consumer of the group, as the broker and as the client know it. */
interface Member {
  readonly process: VirtualProcess
  readonly handlers: SubscriptionHandlers
  /** Of its last assignment; commits of another one are refused by the broker. */
  generation: number
  /** What the client takes for its own; the broker may think otherwise for as long as the client is not told. */
  readonly assigned: Map<number, { position: number; isFetching: boolean }>
  readonly paused: Set<number>
  isGone: boolean
}

export interface SimulatedTopicOptions {
  readonly scheduler: VirtualScheduler
  readonly random: Random
  readonly partitions: number
  /** Share of the rebalances of which a member hears only when its partitions have gone to somebody else. */
  readonly lateShare: number
  /** A record below a committed offset: it has to be complete, whoever did it. */
  readonly onCommitted: (partition: number, records: readonly LogRecord[]) => void
  /** Somebody else reads a partition for a while and is through with a record. */
  readonly onElsewhere: (record: LogRecord) => void
  /** A partition was taken from a member, or given to one. */
  readonly onMoved: () => void
}

/**
 * A Kafka topic with one consumer group, as far as a consumer can tell: offsets, generations, and a coordinator that takes
 * partitions away and hands them out again.
 *
 *   stable ──join, leave, death, whim──▶ preparing: members are told to give up what they have; old commits still count
 *     ▲                                       │ all have, or the session time-out is over
 *     └── assigned, from what is committed ───┘ generation + 1: from here on commits of the old one are refused
 */
export class SimulatedTopic {
  readonly #options: SimulatedTopicOptions
  readonly #records: LogRecord[][]
  readonly #committed: number[]
  readonly #members = new Set<Member>()
  /** Who has a partition, for the broker: a member, a stranger, or nobody. */
  readonly #owners: (Member | 'stranger' | undefined)[]
  #generation = 0
  #isPreparing = false
  #isAskedAgain = false
  /** A consumer that is none of ours is in the group. */
  #hasStranger = false
  refusedCommits = 0
  rebalances = 0

  constructor(options: SimulatedTopicOptions) {
    this.#options = options
    const { partitions } = options
    this.#records = Array.from({ length: partitions }, () => [])
    this.#committed = Array.from({ length: partitions }, () => 0)
    this.#owners = Array.from({ length: partitions }, () => undefined)
  }

  /** Whether everything is committed, and nobody else has anything. */
  get isSettled(): boolean {
    return this.#records.every((records, partition) => this.#committed[partition] === records.length)
  }

  append(partition: number, record: Omit<LogRecord, 'offset'>): void {
    const records = this.#records[partition]!
    records.push({ ...record, offset: records.length } as LogRecord)
    for (const member of this.#members) this.#fetch(member, partition)
    if (this.#owners[partition] === 'stranger') this.#readElsewhere(partition, this.#generation)
  }

  /** A consumer of another kind joins or leaves; the coordinator shares the partitions anew. */
  setStranger(isThere: boolean): void {
    if (this.#hasStranger === isThere) return
    this.#hasStranger = isThere
    this.rebalance()
  }

  rebalance(): void {
    if (this.#isPreparing) {
      this.#isAskedAgain = true
      return
    }
    this.#isPreparing = true
    this.rebalances++
    const { scheduler, random, lateShare } = this.#options
    const before = this.#generation
    const answers = [...this.#members].map(
      member =>
        new Promise<void>(resolve => {
          const isLate = random.chance(lateShare)
          const afterMs = isLate ? sessionTimeoutMs + random() * 300 : random() * latencyMs
          scheduler.post(member.process, afterMs, () => {
            // Of what it was given since, nothing is asked back by this.
            if (this.#generation === before) this.#revoke(member)
            scheduler.post(scheduler.kernel, random() * latencyMs, resolve)
          })
        }),
    )
    const timeout = new Promise<void>(resolve => scheduler.post(scheduler.kernel, sessionTimeoutMs, resolve))
    void Promise.race([Promise.all(answers), timeout]).then(() => this.#assign())
  }

  /** The log as one process sees it. */
  logOf(process: VirtualProcess): PartitionLog {
    const { scheduler, random, partitions } = this.#options
    const soon = <T>(answer: () => T): Promise<T> =>
      new Promise(resolve => scheduler.post(process, random() * latencyMs, () => resolve(answer())))
    return {
      stream: 'topic',
      partitionCount: partitions,
      append: () => Promise.reject(new Error('nobody writes to it here')),
      subscribe: (_group, _start, handlers) => this.#subscribe(process, handlers),
      ends: () => soon(() => this.#records.map(({ length }) => ({ low: 0, end: length }))),
      committed: () => soon(() => new Map(this.#committed.entries())),
      positionsAt: () => Promise.reject(new Error('not moved here')),
      seek: () => Promise.reject(new Error('not moved here')),
      browse: (partition, from, limit) => soon(() => this.#records[partition]!.slice(from, from + limit)),
      close: () => Promise.resolve(),
    }
  }

  #subscribe(process: VirtualProcess, handlers: SubscriptionHandlers): Promise<Subscription> {
    const { scheduler, random } = this.#options
    const member: Member = { process, handlers, generation: 0, assigned: new Map(), paused: new Set(), isGone: false }
    scheduler.post(scheduler.kernel, random() * latencyMs, () => {
      if (process.isDead || member.isGone) return
      this.#members.add(member)
      this.rebalance()
    })
    return Promise.resolve({
      pause: partitions => partitions.forEach(partition => member.paused.add(partition)),
      resume: partitions => {
        for (const partition of partitions) {
          member.paused.delete(partition)
          this.#fetch(member, partition)
        }
      },
      commit: (epoch, offsets) => this.#commit(member, epoch, offsets),
      close: () =>
        new Promise<void>(resolve => {
          member.isGone = true
          scheduler.post(scheduler.kernel, random() * latencyMs, () => {
            this.#members.delete(member)
            this.rebalance()
            scheduler.post(process, random() * latencyMs, resolve)
          })
        }),
    })
  }

  /** On the client: what it does not own there is dropped; on the broker: what is of another generation is refused. */
  #commit(member: Member, epoch: number, offsets: ReadonlyMap<number, number>): Promise<void> {
    const { scheduler, random } = this.#options
    const own = [...offsets].filter(([partition]) => epoch === member.generation && member.assigned.has(partition))
    return new Promise(resolve => {
      if (own.length === 0) return resolve()
      scheduler.post(scheduler.kernel, random() * latencyMs, () => {
        for (const [partition, offset] of own)
          if (member.generation === epoch && epoch === this.#generation && this.#owners[partition] === member)
            this.#setCommitted(partition, offset)
          else this.refusedCommits++
        scheduler.post(member.process, random() * latencyMs, resolve)
      })
    })
  }

  #setCommitted(partition: number, offset: number): void {
    const before = this.#committed[partition]!
    this.#committed[partition] = offset
    this.#options.onCommitted(partition, this.#records[partition]!.slice(Math.min(before, offset), offset))
  }

  #revoke(member: Member): void {
    const partitions = [...member.assigned.keys()]
    member.assigned.clear()
    if (partitions.length === 0 || member.isGone) return
    this.#options.onMoved()
    member.handlers.revoked(member.generation, partitions)
  }

  #assign(): void {
    const { random } = this.#options
    for (const member of [...this.#members]) if (member.process.isDead || member.isGone) this.#members.delete(member)
    const generation = ++this.#generation
    this.#isPreparing = false
    const takers: (Member | 'stranger')[] = [...this.#members, ...(this.#hasStranger ? (['stranger'] as const) : [])]
    for (const partition of this.#records.keys()) {
      const owner = takers.length === 0 ? undefined : random.pick(takers)
      this.#owners[partition] = owner
      if (owner === 'stranger') this.#readElsewhere(partition, generation)
    }
    for (const member of this.#members) this.#handOut(member, generation)
    if (!this.#isAskedAgain) return
    this.#isAskedAgain = false
    this.rebalance()
  }

  #handOut(member: Member, generation: number): void {
    const { scheduler, random } = this.#options
    const positions = [...this.#owners.entries()]
      .filter(([, owner]) => owner === member)
      .map(([partition]) => ({ partition, position: this.#committed[partition]! }))
    scheduler.post(member.process, random() * latencyMs, () => {
      if (member.isGone || generation !== this.#generation) return
      // One that was late learns first that it had lost everything.
      this.#revoke(member)
      member.generation = generation
      for (const { partition, position } of positions) member.assigned.set(partition, { position, isFetching: false })
      this.#options.onMoved()
      member.handlers.assigned(generation, positions)
      for (const { partition } of positions) this.#fetch(member, partition)
    })
  }

  #fetch(member: Member, partition: number): void {
    const { scheduler, random } = this.#options
    const fetching = member.assigned.get(partition)
    if (fetching === undefined || fetching.isFetching || member.isGone) return
    if (member.paused.has(partition) || fetching.position >= this.#records[partition]!.length) return
    fetching.isFetching = true
    scheduler.post(member.process, random() * latencyMs, () => {
      fetching.isFetching = false
      if (member.isGone || member.assigned.get(partition) !== fetching || member.paused.has(partition)) return
      const until = fetching.position + 1 + random.below(mostRecordsPerFetch)
      const records = this.#records[partition]!.slice(fetching.position, until)
      fetching.position += records.length
      member.handlers.records(member.generation, partition, records)
      this.#fetch(member, partition)
    })
  }

  /** Record by record, each committed when it is done. */
  #readElsewhere(partition: number, generation: number): void {
    const { scheduler, random, onElsewhere } = this.#options
    scheduler.post(scheduler.kernel, random() * 20, () => {
      if (generation !== this.#generation || this.#owners[partition] !== 'stranger' || this.#isPreparing) return
      const record = this.#records[partition]![this.#committed[partition]!]
      if (record === undefined) return
      onElsewhere(record)
      this.#setCommitted(partition, record.offset + 1)
      this.#readElsewhere(partition, generation)
    })
  }
}
