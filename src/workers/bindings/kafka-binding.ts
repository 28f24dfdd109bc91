import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { ResolvedBinding } from '../../functions/function-version.ts'
import type { KafkaClient } from '../../log/kafka/kafka-client.ts'
import { createKafkajsClient } from '../../log/kafka/kafkajs/kafkajs-client.ts'
import { partitionFor } from '../../log/partitioner.ts'
import { encodeKafkaTopicPart } from '../../sinks/topic-template.ts'
import type { KafkaBinding, KafkaSendOptions } from '../handler-types.ts'
import type { BindingUse, Connection } from './binding.ts'
import { compileEventTemplate, type EventTemplate } from './event-template.ts'
import { bytesOf, encodePayload } from './payload.ts'

type KafkaDefinition = Extract<ResolvedBinding, { readonly type: 'kafka' }>

type Sent = Awaited<ReturnType<KafkaBinding['send']>>

/** How long the number of partitions of a topic is believed. */
const partitionCountMs = 60_000

/** A producer to Kafka. It connects in the background, when the function is loaded or at the first record. */
export class KafkaConnection implements Connection {
  readonly #name: string
  readonly #definition: KafkaDefinition
  readonly #topic: EventTemplate | undefined
  readonly #key: EventTemplate | undefined
  readonly #counts = new Map<string, { readonly count: number; readonly atMs: number }>()
  #opening: Promise<KafkaClient> | undefined
  #turn = 0

  /** @throws {SluiceError} SLUICE_CONFIG_INVALID for a definition that cannot be used. */
  constructor(name: string, definition: KafkaDefinition) {
    const { topic, key } = definition
    this.#name = name
    this.#definition = definition
    if (topic !== undefined) this.#topic = compileEventTemplate(topic, `binding ${name}: topic`, encodeKafkaTopicPart)
    if (key !== undefined) this.#key = compileEventTemplate(key, `binding ${name}: key`, value => value)
  }

  bind(use: BindingUse): KafkaBinding {
    return new BoundKafka((value, options) => this.#send(use, value, options))
  }

  async connect(): Promise<void> {
    await (await this.#open()).connect()
  }

  async close(): Promise<void> {
    const opening = this.#opening
    this.#opening = undefined
    await (await opening?.catch(() => undefined))?.close()
  }

  async #send(use: BindingUse, value: unknown, options: KafkaSendOptions): Promise<Sent> {
    const topic = options.topic ?? this.#topic?.fill(use.event)
    if (topic === undefined)
      throw this.#refused('the definition has no topic, so that send() needs one: send(value, { topic })')
    const key = options.key === undefined ? (this.#key?.fill(use.event) ?? null) : options.key
    const record = {
      key: key === null ? null : bytesOf(encodePayload(key)),
      value: value === null ? null : bytesOf(encodePayload(value)),
      headers: Object.entries(options.headers ?? {}).map(
        ([name, header]) => [name, bytesOf(encodePayload(header))] as const,
      ),
    }
    try {
      const client = await this.#open()
      const count = await this.#partitions(client, topic)
      const partition = options.partition ?? partitionFor(record.key, count, () => this.#turn++ % count)
      if (!Number.isInteger(partition) || partition < 0 || partition >= count)
        throw this.#refused(`topic ${topic} has no partition ${partition}; it has ${count}`)
      return { partition, offset: await client.produce(topic, partition, [record]) }
    } catch (thrown) {
      const { code, message } = SluiceError.from(thrown, 'SLUICE_KAFKA_PRODUCE')
      const prefix = `binding ${this.#name}: `
      throw new SluiceError(code, message.startsWith(prefix) ? message : prefix + message)
    }
  }

  async #partitions(client: KafkaClient, topic: string): Promise<number> {
    const known = this.#counts.get(topic)
    if (known !== undefined && performance.now() - known.atMs < partitionCountMs) return known.count
    const count = await client.partitionCount(topic)
    if (count === undefined) throw new SluiceError('SLUICE_KAFKA_TOPIC', `topic ${topic} does not exist`)
    this.#counts.set(topic, { count, atMs: performance.now() })
    return count
  }

  #open(): Promise<KafkaClient> {
    return (this.#opening ??= this.#create().catch((error: unknown) => {
      // The next one tries again.
      this.#opening = undefined
      throw error
    }))
  }

  async #create(): Promise<KafkaClient> {
    const { brokers, clientId, ssl, sasl } = this.#definition
    return createKafkajsClient({
      brokers,
      clientId,
      ...(ssl === undefined ? {} : { ssl: typeof ssl === 'boolean' ? ssl : await certificates(ssl) }),
      ...(sasl === undefined ? {} : { sasl }),
    })
  }

  #refused(message: string): SluiceError {
    return new SluiceError('SLUICE_SINKS_REJECTED', `binding ${this.#name}: ${message}`)
  }
}

type TlsFiles = Exclude<KafkaDefinition['ssl'], boolean | undefined>

async function certificates({ caFile, certFile, keyFile, rejectUnauthorized }: TlsFiles): Promise<ConnectionOptions> {
  const read = async (file: string | undefined): Promise<Buffer | undefined> =>
    file === undefined ? undefined : await readFile(file)
  const [ca, cert, key] = await Promise.all([read(caFile), read(certFile), read(keyFile)])
  return { rejectUnauthorized, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
}

type Send = (value: unknown, options: KafkaSendOptions) => Promise<Sent>

/** For one attempt. */
class BoundKafka implements KafkaBinding {
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
    Object.freeze(this)
  }

  send(value: unknown, options: KafkaSendOptions = {}): Promise<Sent> {
    return this.#send(value, options)
  }
}
