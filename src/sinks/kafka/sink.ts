import { setTimeout as wait } from 'node:timers/promises'
import type { KafkaSinkConfig } from '../../config/sections/kafka-sink.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { encodeKafkaBinary, encodeKafkaStructured } from '../../events/bindings/kafka.ts'
import type { KafkaClient } from '../../log/kafka/kafka-client.ts'
import type { RecordHeaders } from '../../log/log-record.ts'
import { partitionFor } from '../../log/partitioner.ts'
import { checkSink } from '../check-policy.ts'
import type { OutgoingResult, Sink, SinkHealth } from '../sink.ts'

/** How long the partition count of a topic is believed; a topic that grew is noticed after this. */
const partitionCountMs = 60_000

/** Between looks for a topic that was not to be had at the start; doubles up to the second. */
const firstLookMs = 500
const maxLookMs = 15_000

/**
 * Results become CloudEvents in a Kafka topic, acknowledged by all in-sync replicas. The record key is the result's
 * `key`, else its `partitionkey`, and the partitioner is Kafka's murmur2, so other producers of the topic agree.
 */
export class KafkaSink implements Sink {
  readonly kind = 'kafka'
  readonly name: string
  readonly destination: string
  readonly #options: KafkaSinkConfig
  readonly #client: KafkaClient
  readonly #counts = new Map<string, { readonly count: number; readonly atMs: number }>()
  readonly #closed = new AbortController()
  #looking: Promise<void> | undefined
  #turn = 0
  #problem: string | undefined

  constructor(name: string, options: KafkaSinkConfig, client: KafkaClient) {
    this.name = name
    this.#options = options
    this.destination = options.topic
    this.#client = client
  }

  async start(): Promise<void> {
    // Kafka may come later; until then deliveries are refused as retryable and health tells. Without the looks in the
    // background, only a delivery would ever find out that it is there.
    if (!(await this.#findTopic())) this.#looking = this.#keepLooking()
  }

  async deliver({ header, value, meta, policy }: OutgoingResult): Promise<void> {
    checkSink(policy, this.name)
    try {
      const { contentMode } = this.#options
      const topic = meta.topic ?? this.#options.topic
      const message =
        contentMode === 'structured' ? encodeKafkaStructured(header, value) : encodeKafkaBinary(header, value)
      const key = meta.key === undefined ? message.key : Buffer.from(meta.key)
      const count = await this.#partitions(topic)
      const partition = partitionFor(key, count, () => this.#turn++ % count)
      const headers = [...message.headers, ...traceHeaders(header)]
      await this.#client.produce(topic, partition, [{ ...message, key, headers }])
      this.#problem = undefined
    } catch (thrown) {
      const error = SluiceError.from(thrown, 'SLUICE_KAFKA_PRODUCE')
      // What is wrong with one record says nothing about the next.
      if (error.retryable) this.#problem = error.message
      throw error
    }
  }

  health(): SinkHealth {
    return this.#problem === undefined ? { ready: true } : { ready: false, detail: this.#problem }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#looking
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#closed
    for (let delayMs = firstLookMs; !signal.aborted; delayMs = Math.min(delayMs * 2, maxLookMs)) {
      await wait(delayMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted || this.#problem === undefined || (await this.#findTopic())) return
    }
  }

  async #findTopic(): Promise<boolean> {
    try {
      await this.#ensureTopic()
      await this.#partitions(this.#options.topic)
      this.#problem = undefined
      return true
    } catch (error) {
      this.#problem = SluiceError.from(error).message
      return false
    }
  }

  async #ensureTopic(): Promise<void> {
    const { createTopic, topic } = this.#options
    if (createTopic !== undefined)
      await this.#client.ensureTopic({ topic, partitions: createTopic.partitions, replicationFactor: -1 })
  }

  async #partitions(topic: string): Promise<number> {
    const known = this.#counts.get(topic)
    if (known !== undefined && Date.now() - known.atMs < partitionCountMs) return known.count
    let count = await this.#client.partitionCount(topic)
    if (count === undefined && topic === this.#options.topic) {
      await this.#ensureTopic()
      count = await this.#client.partitionCount(topic)
    }
    if (count === undefined) {
      throw new SluiceError(
        'SLUICE_KAFKA_TOPIC',
        `sink ${this.name}: topic ${topic} does not exist; create it, or set createTopic in the sink`,
      )
    }
    this.#counts.set(topic, { count, atMs: Date.now() })
    return count
  }
}

/** By the names of Trace Context, whatever the content mode: that is where a consumer's tracing looks. */
function traceHeaders({ traceparent, tracestate }: OutgoingResult['header']): RecordHeaders {
  if (traceparent === undefined) return []
  const headers: [string, Buffer][] = [['traceparent', Buffer.from(traceparent)]]
  if (tracestate !== undefined) headers.push(['tracestate', Buffer.from(tracestate)])
  return headers
}
