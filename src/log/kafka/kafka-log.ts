import { SluiceError } from '../../errors/sluice-error.ts'
import type { AppendRecord, LogRecord } from '../log-record.ts'
import type {
  PartitionEnds,
  PartitionLog,
  StartPosition,
  Subscription,
  SubscriptionHandlers,
} from '../partition-log.ts'
import { homeRecordOf, type InteropHeaders, outgoingOf } from './home-record.ts'
import type { KafkaClient, KafkaRecord, KafkaSubscription } from './kafka-client.ts'
import { moveGroup } from './move-group.ts'

export interface KafkaLogOptions {
  /** Shared; not closed with the log. */
  readonly client: KafkaClient
  /** Name of the stream. */
  readonly stream: string
  readonly topic: string
  /**
   * `home`: written by Sluice, which keeps its event header in a Kafka header. `in-place`: an existing topic, whose
   * records are handed out as they are; `append` refuses.
   */
  readonly form: 'home' | 'in-place'
  /** Of the topic, when it is known already; then nothing is asked on opening and the brokers may be away. */
  readonly partitionCount?: number
  /** Put before the names of groups, so that they do not meet those of others on the cluster. Default: nothing. */
  readonly groupPrefix?: string
  /** Further Kafka headers of home records, for other consumers of the topic. Default: none. */
  readonly interopHeaders?: InteropHeaders
  readonly sessionTimeoutMs?: number
}

/**
 * Opens a topic as a log. The topic must exist (see {@link KafkaClient.ensureTopic}).
 * @throws {SluiceError} SLUICE_KAFKA_TOPIC when it does not, SLUICE_KAFKA_UNREACHABLE; both may be tried again.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<PartitionLog> {
  const partitionCount = options.partitionCount ?? (await options.client.partitionCount(options.topic))
  if (partitionCount === undefined)
    throw new SluiceError(
      'SLUICE_KAFKA_TOPIC',
      `Topic "${options.topic}" of stream "${options.stream}" does not exist; create it in Kafka`,
    )
  return new KafkaLog(options, partitionCount)
}

/** A {@link PartitionLog} on one Kafka topic. Kafka keeps the records and the offsets of groups; nothing is kept here. */
class KafkaLog implements PartitionLog {
  readonly stream: string
  readonly partitionCount: number
  readonly #options: KafkaLogOptions
  readonly #subscriptions = new Set<KafkaSubscription>()
  #isClosed = false

  constructor(options: KafkaLogOptions, partitionCount: number) {
    this.#options = options
    this.stream = options.stream
    this.partitionCount = partitionCount
  }

  async append(partition: number, records: readonly AppendRecord[]): Promise<number> {
    this.#refuseIfClosed()
    const { client, topic, form, interopHeaders } = this.#options
    if (form !== 'home')
      throw new SluiceError(
        'SLUICE_INTERNAL',
        `Stream "${this.stream}" reads topic "${topic}" in place and does not write it`,
      )
    try {
      return await client.produce(
        topic,
        partition,
        records.map(record => outgoingOf(record, interopHeaders)),
      )
    } catch (error) {
      throw this.#appendError(error)
    }
  }

  async subscribe(group: string, start: StartPosition, handlers: SubscriptionHandlers): Promise<Subscription> {
    this.#refuseIfClosed()
    const { client, topic, form, sessionTimeoutMs } = this.#options
    const restored = (records: readonly KafkaRecord[]): readonly LogRecord[] =>
      form === 'home' ? records.map(homeRecordOf) : records
    const subscription = await client.subscribe(
      { group: this.#groupId(group), topic, start, ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }) },
      {
        assigned: (epoch, partitions) => handlers.assigned(epoch, partitions),
        revoked: (epoch, partitions) => handlers.revoked(epoch, partitions),
        records: (epoch, partition, records) => handlers.records(epoch, partition, restored(records)),
        outOfRange: (partition, kind, from, to) => handlers.anomaly({ partition, kind, from, to }),
        fatal: error => handlers.fatal(error),
      },
    )
    this.#subscriptions.add(subscription)
    return {
      pause: partitions => subscription.pause(partitions),
      resume: partitions => subscription.resume(partitions),
      commit: (epoch, offsets) => subscription.commit(epoch, offsets),
      close: () => {
        this.#subscriptions.delete(subscription)
        return subscription.close()
      },
    }
  }

  ends(): Promise<readonly PartitionEnds[]> {
    return this.#options.client.ends(this.#options.topic)
  }

  committed(group: string): Promise<ReadonlyMap<number, number>> {
    return this.#options.client.committed(this.#groupId(group), this.#options.topic)
  }

  async positionsAt(start: StartPosition): Promise<readonly number[]> {
    const { client, topic } = this.#options
    const ends = await client.ends(topic)
    if (start === 'latest') return ends.map(({ end }) => end)
    if (start === 'earliest') return ends.map(({ low }) => low)
    const timed = 'timestampMs' in start ? await client.offsetsAt(topic, start.timestampMs) : []
    // Asked one after the other: what was appended or expired between is beyond the ends.
    return ends.map(({ low, end }, partition) => {
      const wanted = 'timestampMs' in start ? (timed[partition] ?? end) : start.offset
      return Math.min(Math.max(wanted, low), end)
    })
  }

  async seek(group: string, offsets: ReadonlyMap<number, number>): Promise<readonly number[]> {
    this.#refuseIfClosed()
    const { client, topic, sessionTimeoutMs } = this.#options
    return moveGroup(client, topic, { group: this.#groupId(group), offsets, sessionTimeoutMs })
  }

  async browse(partition: number, from: number, limit: number): Promise<readonly LogRecord[]> {
    const { client, topic, form } = this.#options
    const records = await client.fetch(topic, partition, from, limit)
    return form === 'home' ? records.map(homeRecordOf) : records
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const subscriptions = [...this.#subscriptions]
    this.#subscriptions.clear()
    await Promise.all(subscriptions.map(subscription => subscription.close()))
  }

  #groupId(group: string): string {
    return (this.#options.groupPrefix ?? '') + group
  }

  #refuseIfClosed(): void {
    if (this.#isClosed) throw new SluiceError('SLUICE_LOG_CLOSED', `The log of stream "${this.stream}" is closed`)
  }

  /** In the words of the log contract. What cannot succeed by trying again keeps its own code. */
  #appendError(error: unknown): SluiceError {
    const reason = SluiceError.from(error)
    switch (reason.code) {
      case 'SLUICE_KAFKA_QUEUE_FULL':
        return new SluiceError('SLUICE_LOG_FULL', reason.message, { cause: reason })
      case 'SLUICE_KAFKA_CLOSED':
        return new SluiceError('SLUICE_LOG_CLOSED', reason.message, { cause: reason })
      case 'SLUICE_KAFKA_RECORD_TOO_LARGE':
      case 'SLUICE_INTERNAL':
        return reason
      default:
        return new SluiceError('SLUICE_LOG_UNAVAILABLE', reason.message, { cause: reason })
    }
  }
}
