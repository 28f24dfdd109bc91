import kafkajs, { type Consumer, type EachBatchPayload, type Kafka } from 'kafkajs'
import { messageOf, SluiceError } from '../../../errors/sluice-error.ts'
import type { KafkaSubscriptionHandlers, SubscribeOptions } from '../kafka-client.ts'
import type { TopicAdmin } from './admin.ts'
import { Assignment, type OwnedPartition } from './assignment.ts'
import { Backoff, wait, within } from './backoff.ts'
import type { ConnectionHealth } from './connection-health.ts'
import { recordsOf } from './fetched-record.ts'
import { type GroupHook, withGroupHook } from './group-patch.ts'
import type { BatchInternals, ConsumerGroupInternals, OffsetManagerInternals } from './kafkajs-internals.ts'
import { OffsetCommitter } from './offset-committer.ts'
import { startOffset } from './start-offset.ts'

export interface ConsumerSessionOptions {
  readonly kafka: Kafka
  readonly admin: TopicAdmin
  readonly health: ConnectionHealth
  readonly subscribe: SubscribeOptions
  readonly handlers: KafkaSubscriptionHandlers
  /** Partitions the subscriber has paused, owned or not. */
  readonly pauses: ReadonlySet<number>
  /** Positions behind the end of a partition that an earlier session ran into; taken out when they are dealt with. */
  readonly truncatedAt: Map<number, number>
  /** Committed offsets as this member last knew them, from all of its sessions. */
  readonly lastCommitted: Map<number, number>
  readonly maxPartitionFetchBytes: number
  readonly commitTimeoutMs: number
  /** Of an earlier session; undefined for none. */
  readonly lastMemberId: string | undefined
  joined(memberId: string): void
  /** The session is over by itself; nothing follows. Not called after `stop`. */
  ended(error: unknown): void
}

/** Also the pace of a consumer whose partitions are all paused, and so the longest wait after a resume. */
const MAX_WAIT_MS = 250
const SESSION_TIMEOUT_MS = 30_000
const MIN_HEARTBEAT_MS = 100
const MAX_HEARTBEAT_MS = 3_000
const REBALANCE_TIMEOUT_MS = 60_000
const CONCURRENT_PARTITIONS = 64
const STOP_TIMEOUT_MS = 10_000
const GAIN_RETRY_MIN_MS = 100
const GAIN_RETRY_MAX_MS = 5_000

/**
 * One life of a kafkajs consumer, from connecting to its crash or stop. kafkajs only fetches, and keeps the membership
 * alive; which partitions are owned, where they are read and what is committed is decided here.
 *
 *   starting ──group joined──▶ joined ──group joined again──▶ joined
 *      │                         │
 *      └──────── crash ──────────┴──▶ ended        starting, joined ──stop──▶ ended
 *
 * A partition within `joined`: gained (paused) ──position found and written──▶ announced ──lost, crash──▶ gone
 */
export class ConsumerSession {
  readonly #options: ConsumerSessionOptions
  readonly #topic: string
  readonly #consumer: Consumer
  readonly #assignment = new Assignment()
  readonly #committer: OffsetCommitter
  readonly #ending = new AbortController()
  #state: 'starting' | 'joined' | 'ended' = 'starting'
  #starting: Promise<void> = Promise.resolve()
  #group: ConsumerGroupInternals | undefined
  /** Of the current generation; its commits carry that generation. */
  #offsets: OffsetManagerInternals | undefined
  #joins = 0
  #nextGenerationWaiters: (() => void)[] = []

  constructor(options: ConsumerSessionOptions) {
    this.#options = options
    const { kafka, subscribe, maxPartitionFetchBytes } = options
    this.#topic = subscribe.topic
    const sessionTimeout = subscribe.sessionTimeoutMs ?? SESSION_TIMEOUT_MS
    const hook: GroupHook = {
      began: group => {
        this.#group = group
        // A member that could not leave is still waited for. Under its id we are that member, and nobody need wait; if the
        // broker has forgotten it, kafkajs asks for a new one.
        group.memberId ??= options.lastMemberId ?? null
      },
      mayResolve: (partition, offset) => this.#mayResolve(partition, offset),
      outOfRange: partition => this.#outOfRange(partition),
    }
    this.#consumer = kafka.consumer({
      groupId: subscribe.group,
      sessionTimeout,
      heartbeatInterval: Math.min(MAX_HEARTBEAT_MS, Math.max(MIN_HEARTBEAT_MS, sessionTimeout / 5)),
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      maxWaitTimeInMs: MAX_WAIT_MS,
      maxBytesPerPartition: maxPartitionFetchBytes,
      allowAutoTopicCreation: false,
      partitionAssigners: [config => withGroupHook(kafkajs.PartitionAssigners.roundRobin(config), hook)],
      // Rebuilding after a crash is the supervisor's: kafkajs gives up on some errors and forgets pauses on others.
      retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 2_000, restartOnFailure: () => Promise.resolve(false) },
    })
    this.#consumer.on(this.#consumer.events.GROUP_JOIN, ({ payload }) =>
      this.#joined(payload.memberId, payload.memberAssignment),
    )
    this.#consumer.on(this.#consumer.events.HEARTBEAT, () => options.health.succeeded())
    this.#consumer.on(this.#consumer.events.CRASH, ({ payload }) => this.#end(payload.error))
    this.#committer = new OffsetCommitter({
      group: subscribe.group,
      assignment: this.#assignment,
      send: offsets => this.#send(offsets),
      nextGeneration: () => this.#nextGeneration(),
      timeoutMs: options.commitTimeoutMs,
      signal: this.#ending.signal,
    })
  }

  start(): void {
    this.#starting = this.#start().catch((error: unknown) => this.#end(error))
  }

  pause(partitions: readonly number[]): void {
    this.#tell(() => this.#consumer.pause([{ topic: this.#topic, partitions: [...partitions] }]))
  }

  /** Gained partitions stay paused until their position is found; then the pauses of the subscriber count. */
  resume(partitions: readonly number[]): void {
    const announced = partitions.filter(partition => this.#assignment.get(partition)?.isAnnounced)
    if (announced.length > 0) this.#tell(() => this.#consumer.resume([{ topic: this.#topic, partitions: announced }]))
  }

  commit(epoch: number, offsets: ReadonlyMap<number, number>): Promise<void> {
    return this.#committer.commit(epoch, offsets)
  }

  /** Leaves the group and disconnects. No handler is called any more. */
  async stop(): Promise<void> {
    this.#setEnded()
    const disconnect = (): Promise<void> => this.#consumer.disconnect()
    // A consumer that is stopped while it joins would go on living. If joining hangs, it is stopped when it does not any more.
    const stopping = this.#starting.then(disconnect)
    await within(stopping, STOP_TIMEOUT_MS).catch((error: unknown) => this.#options.health.failed(error))
  }

  async #start(): Promise<void> {
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topics: [this.#topic], fromBeginning: true })
    if (this.#state === 'ended') return
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_PARTITIONS,
      eachBatch: payload => {
        this.#take(payload)
        return Promise.resolve()
      },
    })
  }

  #joined(memberId: string, memberAssignment: Readonly<Record<string, readonly number[]>>): void {
    if (this.#state === 'ended' || !this.#group) return
    this.#state = 'joined'
    this.#joins += 1
    this.#offsets = this.#group.offsetManager
    const epoch = this.#group.generationId
    const { revoked, gained, kept } = this.#assignment.join(memberId, epoch, memberAssignment[this.#topic] ?? [])
    // kafkajs would read on from the committed offset, and forget or keep pauses as it likes.
    if (gained.length > 0) this.pause(gained)
    for (const partition of kept) this.#seek(partition, this.#assignment.get(partition)!.next)
    this.pause(kept.filter(partition => this.#options.pauses.has(partition)))
    this.resume(kept.filter(partition => !this.#options.pauses.has(partition)))
    this.#options.health.succeeded()
    this.#options.joined(memberId)
    for (const [lostEpoch, partitions] of revoked) this.#options.handlers.revoked(lostEpoch, partitions, true)
    for (const resolve of this.#nextGenerationWaiters.splice(0)) resolve()
    if (gained.length > 0) void this.#gain(epoch, gained)
  }

  /** Finds where to read gained partitions, writes it down, and hands them over. Tries until it succeeds or is overtaken. */
  async #gain(epoch: number, partitions: readonly number[]): Promise<void> {
    const join = this.#joins
    const isOvertaken = (): boolean => this.#state === 'ended' || this.#joins !== join
    const backoff = new Backoff(GAIN_RETRY_MIN_MS, GAIN_RETRY_MAX_MS)
    const { gainDelayMs = 0 } = this.#options.subscribe
    if (gainDelayMs > 0) await wait(gainDelayMs, this.#ending.signal)
    const told = new Set<number>()
    while (!isOvertaken()) {
      try {
        await this.#announce(epoch, partitions, told, isOvertaken)
        return
      } catch (error) {
        this.#options.health.failed(error)
        await Promise.race([wait(backoff.nextMs(), this.#ending.signal), this.#nextGeneration()])
      }
    }
  }

  /** @param told partitions whose anomaly the handlers know from an earlier try. */
  async #announce(
    epoch: number,
    partitions: readonly number[],
    told: Set<number>,
    isOvertaken: () => boolean,
  ): Promise<void> {
    const { admin, handlers, subscribe, truncatedAt, lastCommitted } = this.#options
    const { start } = subscribe
    const [committed, ends, times] = await Promise.all([
      admin.committed(subscribe.group, this.#topic),
      admin.ends(this.#topic),
      typeof start === 'object' && 'timestampMs' in start ? admin.offsetsAt(this.#topic, start.timestampMs) : [],
    ])
    if (isOvertaken()) return
    const found: { partition: number; position: number }[] = []
    const toCommit = new Map<number, number>()
    for (const partition of partitions) {
      if (subscribe.moveTo?.has(partition) === false) continue
      const partitionEnds = ends[partition]
      if (!partitionEnds) throw new Error(`topic "${this.#topic}" does not tell the ends of partition ${partition}`)
      const { position, mustCommit, anomaly } = startOffset({
        movedTo: subscribe.moveTo?.get(partition),
        committed: committed.get(partition),
        ends: partitionEnds,
        start,
        offsetAtTime: times[partition],
        lastCommitted: lastCommitted.get(partition),
        truncatedAt: truncatedAt.get(partition),
      })
      found.push({ partition, position })
      if (mustCommit) toCommit.set(partition, position)
      // Told before the new position is written: a crash between the two tells it twice rather than never.
      if (anomaly && !told.has(partition)) {
        told.add(partition)
        handlers.outOfRange(partition, anomaly.kind, anomaly.from, position)
        if (isOvertaken()) return
      }
    }
    if (toCommit.size > 0) await this.#send(toCommit)
    if (isOvertaken()) return
    for (const { partition, position } of found) {
      const owned = this.#assignment.ownedSince(epoch, partition)
      if (!owned) continue
      owned.next = position
      owned.committed = position
      owned.isAnnounced = true
      truncatedAt.delete(partition)
      lastCommitted.set(partition, position)
    }
    handlers.assigned(epoch, found)
    for (const { partition, position } of found) {
      this.#seek(partition, position)
      if (!this.#options.pauses.has(partition)) this.resume([partition])
    }
  }

  /** Hands a batch over and returns; never throws, because that would fetch all partitions of the broker again. */
  #take({ batch, resolveOffset, isStale }: EachBatchPayload): void {
    const { partition, fetchedOffset, messages } = batch as unknown as BatchInternals
    const owned = this.#assignment.get(partition)
    if (this.#state === 'ended' || !owned?.isAnnounced || this.#options.pauses.has(partition) || isStale()) return
    if (Number(fetchedOffset) > owned.next) {
      // Nothing we know of moves the position ahead. Should anything do so, records are read again, not passed over.
      this.#seek(partition, owned.next)
      return
    }
    const records = recordsOf(partition, messages, owned.next)
    try {
      if (records.length > 0) this.#options.handlers.records(owned.epoch, partition, records)
    } catch (error) {
      // Neither passed over nor given again: the handler would throw again.
      const message = `the subscriber of topic "${this.#topic}" failed to take records: ${messageOf(error)}`
      this.#end(new SluiceError('SLUICE_INTERNAL', message, { cause: error }))
      return
    }
    const last = messages.at(-1)
    if (last) resolveOffset(last.offset)
  }

  /** kafkajs maps the last message of a batch to the last offset, control records included, and calls this with it. */
  #mayResolve(partition: number, offset: number): boolean {
    const owned = this.#assignment.get(partition)
    if (this.#state === 'ended' || !owned?.isAnnounced || offset < owned.next) return false
    owned.next = offset + 1
    return true
  }

  #outOfRange(partition: number): void {
    const owned = this.#assignment.get(partition)
    this.pause([partition])
    // A gained partition gets its position from #gain.
    if (owned?.isAnnounced) void this.#repair(partition, owned)
  }

  async #repair(partition: number, owned: OwnedPartition): Promise<void> {
    const backoff = new Backoff(GAIN_RETRY_MIN_MS, GAIN_RETRY_MAX_MS)
    const isOvertaken = (): boolean => this.#state === 'ended' || this.#assignment.get(partition) !== owned
    while (!isOvertaken()) {
      try {
        const ends = (await this.#options.admin.ends(this.#topic))[partition]
        if (isOvertaken()) return
        if (!ends) throw new Error(`topic "${this.#topic}" does not tell the ends of partition ${partition}`)
        if (owned.next > ends.end) {
          // The same offsets will name other records: that needs an epoch of its own.
          this.#options.truncatedAt.set(partition, owned.next)
          this.#end(
            new Error(
              `partition ${partition} of topic "${this.#topic}" ends at ${ends.end}, before position ${owned.next}`,
            ),
          )
          return
        }
        if (owned.next < ends.low) {
          this.#options.handlers.outOfRange(partition, 'expired', owned.next, ends.low)
          owned.next = ends.low
        }
        this.#seek(partition, owned.next)
        if (!this.#options.pauses.has(partition)) this.resume([partition])
        return
      } catch (error) {
        this.#options.health.failed(error)
        await wait(backoff.nextMs(), this.#ending.signal)
      }
    }
  }

  #seek(partition: number, offset: number): void {
    this.#tell(() => this.#consumer.seek({ topic: this.#topic, partition, offset: String(offset) }))
  }

  /** A consumer that just crashes refuses orders; the next session gets them from the tables. */
  #tell(order: () => void): void {
    if (!this.#group || this.#state === 'ended') return
    try {
      order()
    } catch (error) {
      this.#options.health.failed(error)
    }
  }

  async #send(offsets: ReadonlyMap<number, number>): Promise<void> {
    const partitions = [...offsets].map(([partition, offset]) => ({
      partition,
      offset: String(offset),
      metadata: null,
    }))
    await this.#offsets!.commitOffsets({ topics: [{ topic: this.#topic, partitions }] })
    for (const [partition, offset] of offsets) this.#options.lastCommitted.set(partition, offset)
    this.#options.health.succeeded()
  }

  #nextGeneration(): Promise<void> {
    if (this.#state === 'ended') return Promise.resolve()
    return new Promise(resolve => this.#nextGenerationWaiters.push(resolve))
  }

  #end(error: unknown): void {
    if (this.#state === 'ended') return
    this.#setEnded()
    for (const [epoch, partitions] of this.#assignment.end()) this.#options.handlers.revoked(epoch, partitions, true)
    this.#options.ended(error)
  }

  #setEnded(): void {
    this.#state = 'ended'
    this.#ending.abort()
    for (const resolve of this.#nextGenerationWaiters.splice(0)) resolve()
  }
}
