import type { Kafka, Message, Producer } from 'kafkajs'
import { SluiceError } from '../../../errors/sluice-error.ts'
import type { OutgoingRecord } from '../kafka-client.ts'
import { within } from './backoff.ts'
import type { ConnectionHealth } from './connection-health.ts'
import { PartitionSender } from './partition-sender.ts'
import { acknowledgedOffset } from './produce-response.ts'

export interface ProducerOptions {
  /** Most records of one request. */
  readonly maxRequestRecords: number
  /** Most bytes of one request; a single larger record goes alone. */
  readonly maxRequestBytes: number
  /** How long a `produce` may take, waiting and all retries included. */
  readonly produceTimeoutMs: number
  /** Bytes that may wait in all queues together before `produce` refuses. */
  readonly maxQueuedBytes: number
  readonly compression: number
}

/** How long a broker may wait for its replicas. */
const ACK_TIMEOUT_MS = 10_000
const RETRY_MIN_MS = 50
const RETRY_MAX_MS = 2_000
const DISCONNECT_TIMEOUT_MS = 5_000
/** Of a record in a batch, beside its key, value and headers; an estimate from above. */
const RECORD_OVERHEAD_BYTES = 32

/** The one producer of a client: a {@link PartitionSender} per topic-partition on one kafkajs producer. */
export class TopicProducer {
  readonly #options: ProducerOptions
  readonly #producer: Producer
  readonly #health: ConnectionHealth
  readonly #senders = new Map<string, PartitionSender>()
  readonly #closing = new AbortController()
  #connecting: Promise<void> | undefined
  #isConnected = false
  #queuedBytes = 0

  constructor(kafka: Kafka, options: ProducerOptions, health: ConnectionHealth) {
    this.#options = options
    this.#health = health
    this.#producer = kafka.producer({
      allowAutoTopicCreation: false,
      // The partition is always given: a partitioner that is asked again on a retry is how kafkajs loses records.
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition!,
      // Few here: with one partition per request they are harmless, but only ours keep the order of requests.
      retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 1_000 },
    })
    this.#producer.on(this.#producer.events.DISCONNECT, () => {
      this.#isConnected = false
    })
  }

  connect(): Promise<void> {
    if (this.#isConnected) return Promise.resolve()
    this.#connecting ??= this.#producer
      .connect()
      .then(() => {
        this.#isConnected = true
      })
      .finally(() => {
        this.#connecting = undefined
      })
    return this.#connecting
  }

  produce(topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<number> {
    if (this.#closing.signal.aborted)
      return Promise.reject(new SluiceError('SLUICE_KAFKA_CLOSED', 'The Kafka client is closed'))
    if (records.length === 0) return Promise.reject(new RangeError('there is nothing to produce'))
    let bytes = 0
    const sizes = records.map(record => {
      const size = sizeOf(record)
      bytes += size
      return size
    })
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > this.#options.maxQueuedBytes) {
      const message = `${this.#queuedBytes} bytes wait to be produced already, ${this.#options.maxQueuedBytes} may; try again later`
      return Promise.reject(new SluiceError('SLUICE_KAFKA_QUEUE_FULL', message))
    }
    this.#queuedBytes += bytes
    return this.#senderOf(topic, partition).produce(records, sizes, bytes)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await within(this.#producer.disconnect(), DISCONNECT_TIMEOUT_MS).catch(() => undefined)
  }

  #senderOf(topic: string, partition: number): PartitionSender {
    // A topic name has no blanks.
    const name = `${topic} ${partition}`
    let sender = this.#senders.get(name)
    if (sender === undefined) {
      sender = new PartitionSender({
        topic,
        partition,
        send: records => this.#send(topic, partition, records),
        maxRecords: this.#options.maxRequestRecords,
        maxBytes: this.#options.maxRequestBytes,
        timeoutMs: this.#options.produceTimeoutMs,
        retryMinMs: RETRY_MIN_MS,
        retryMaxMs: RETRY_MAX_MS,
        signal: this.#closing.signal,
        settled: bytes => {
          this.#queuedBytes -= bytes
        },
        failed: error => this.#health.failed(error),
      })
      this.#senders.set(name, sender)
    }
    return sender
  }

  async #send(topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<number | undefined> {
    await this.connect()
    const messages = ofOnePartition(
      records.map(record => messageOf(record, partition)),
      partition,
    )
    const { compression } = this.#options
    const response = await this.#producer.send({ topic, messages, acks: -1, timeout: ACK_TIMEOUT_MS, compression })
    this.#health.succeeded()
    return acknowledgedOffset(response, topic, partition)
  }
}

function sizeOf({ key, value, headers }: OutgoingRecord): number {
  let size = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  // Header names are counted as ASCII, and with the two lengths.
  for (const [name, bytes] of headers) size += name.length + (bytes?.length ?? 0) + 6
  return size
}

function messageOf({ key, value, headers, timestampMs }: OutgoingRecord, partition: number): Message {
  const message: Message = { key, value, partition }
  if (headers.length > 0) message.headers = kafkajsHeaders(headers)
  if (timestampMs !== undefined) message.timestamp = String(Math.trunc(timestampMs))
  return message
}

/**
 * kafkajs groups messages by partition with a `reduce` that copies all earlier ones for each; with a thousand that is a
 * quarter of the CPU time of producing. The answer is known here. (Without this it would group them by the partitioner.)
 */
function ofOnePartition(messages: Message[], partition: number): Message[] {
  const grouped = { [partition]: [...messages] }
  return Object.defineProperty(messages, 'reduce', { value: () => grouped })
}

/** Headers as kafkajs takes them. It dies of a null or undefined value with a TypeError, so such a header is left out. */
function kafkajsHeaders(headers: OutgoingRecord['headers']): Record<string, Buffer | Buffer[]> {
  // Without a prototype, so that no name means anything by itself.
  const object = Object.create(null) as Record<string, Buffer | Buffer[]>
  for (const [name, value] of headers as readonly (readonly [string, Buffer | null | undefined])[]) {
    if (value == null) continue
    const before = object[name]
    if (before === undefined) object[name] = value
    else if (Array.isArray(before)) before.push(value)
    else object[name] = [before, value]
  }
  return object
}
