import type { KafkaSourceConfig } from '../../config/sections/kafka-source.ts'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import type { EventReader } from '../../events/event-reader.ts'
import type { KafkaEventDefaults } from '../../events/kafka-event.ts'
import { createKafkaEventReader } from '../../events/kafka-event-reader.ts'
import type { KafkaClient } from '../../log/kafka/kafka-client.ts'
import { openKafkaLog } from '../../log/kafka/kafka-log.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import { pauseDetail } from '../source-pause.ts'
import type { Source, SourceState, SourceStats } from '../source.ts'
import { ReadingGate } from './reading-gate.ts'

export interface KafkaSourceOptions {
  readonly name: string
  /** Name of the Kafka-backed stream. */
  readonly stream: string
  readonly config: KafkaSourceConfig
  readonly client: KafkaClient
  /** Consumer groups of Sluice on a cluster begin with this, so that they do not meet those of others. */
  readonly groupPrefix: string
  /** How long a group waits for a gateway that died before its partitions move. */
  readonly sessionTimeoutMs: number
}

/**
 * A topic that is read in place: nothing is copied, each trigger of the stream is a consumer group of the topic. The
 * source says how records become events and hands out the {@link log}, which finds the topic when it is first used.
 *
 *   stopped ──start()──▶ starting ──topic found──▶ running ⇄ impaired (Kafka is away; triggers try again) ──stop()──▶ stopped
 *   running ──pause()──▶ paused: nothing is read, the groups keep their places; what they have taken in runs ──resume()──▶ running
 */
export class KafkaSource implements Source {
  readonly kind = 'kafka'
  readonly name: string
  readonly reader: EventReader
  /** What a worker needs to expand the compact headers of this stream. */
  readonly headerDefaults: KafkaEventDefaults
  readonly log: PartitionLog
  readonly #options: KafkaSourceOptions
  #state: SourceState = 'stopped'
  #detail: string | undefined
  #pause: PauseRecord | undefined
  readonly #gate = new ReadingGate()
  #opened: PartitionLog | undefined
  #opening: Promise<PartitionLog> | undefined

  /** @throws {SluiceError} SLUICE_CONFIG_INVALID when the mapping cannot be compiled. */
  constructor(options: KafkaSourceOptions) {
    const { topic, mapping, tombstones } = options.config
    this.name = options.name
    this.#options = options
    this.headerDefaults = { topic, ...(mapping === undefined ? {} : { mapping }) }
    this.reader = createKafkaEventReader({ ...this.headerDefaults, tombstones })
    this.log = this.#lazyLog()
  }

  get state(): SourceState {
    if (this.#pause !== undefined && this.#state !== 'stopped') return 'paused'
    if (this.#state !== 'running') return this.#state
    return this.#options.client.health().connected ? 'running' : 'impaired'
  }

  /** Whether a record that cannot become an event is skipped; else it is a dead letter. */
  skips(reason: string): boolean {
    const { tombstones, invalid } = this.#options.config
    return (reason === 'tombstone' ? tombstones : invalid) === 'skip'
  }

  /** Looks for the topic, without waiting: Kafka may be away, and the triggers of the stream keep asking. */
  start(): Promise<void> {
    this.#state = 'starting'
    this.#open().catch(() => undefined)
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    this.#state = 'stopped'
    await this.#opening?.catch(() => undefined)
    await this.#opened?.close()
  }

  pause(pause: PauseRecord): Promise<void> {
    this.#pause = pause
    this.#gate.close()
    return Promise.resolve()
  }

  resume(): Promise<void> {
    this.#pause = undefined
    this.#gate.open()
    return Promise.resolve()
  }

  stats(): SourceStats {
    const paused = this.#pause === undefined ? undefined : pauseDetail(this.#pause)
    const detail = paused ?? this.#detail ?? this.#options.client.health().lastError ?? undefined
    const { state } = this
    return { state, accepted: 0, duplicates: 0, refused: {}, ...(detail === undefined ? {} : { detail }) }
  }

  async #open(): Promise<PartitionLog> {
    if (this.#opened !== undefined) return this.#opened
    this.#opening ??= this.#tryOpen().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #tryOpen(): Promise<PartitionLog> {
    const { stream, client, config, groupPrefix, sessionTimeoutMs } = this.#options
    const { topic } = config
    try {
      this.#opened = await openKafkaLog({
        client,
        stream,
        topic,
        form: 'in-place',
        groupPrefix,
        sessionTimeoutMs,
      })
      if (this.#state !== 'stopped') this.#state = 'running'
      this.#detail = undefined
      return this.#opened
    } catch (error) {
      if (this.#state !== 'stopped') this.#state = 'impaired'
      this.#detail = messageOf(error)
      throw error
    }
  }

  #lazyLog(): PartitionLog {
    const open = (): Promise<PartitionLog> => this.#open()
    const partitionCount = (): number => this.#opened?.partitionCount ?? 0
    const { stream } = this.#options
    return {
      stream,
      get partitionCount() {
        return partitionCount()
      },
      append: () =>
        Promise.reject(new SluiceError('SLUICE_INTERNAL', `stream ${stream} is read in place and never written`)),
      subscribe: (group, start, handlers) =>
        this.#gate.subscribe(handlers, async gated => (await open()).subscribe(group, start, gated)),
      ends: async () => (await open()).ends(),
      committed: async group => (await open()).committed(group),
      positionsAt: async start => (await open()).positionsAt(start),
      seek: async (group, offsets) => (await open()).seek(group, offsets),
      browse: async (partition, from, limit) => (await open()).browse(partition, from, limit),
      close: () => this.stop(),
    }
  }
}
