import { randomBytes } from 'node:crypto'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { MqttMessage } from '../../events/bindings/mqtt.ts'
import type { ResolvedBinding } from '../../functions/function-version.ts'
import { createExternalPublisher } from '../../sinks/mqtt/external-publisher.ts'
import type { Publisher } from '../../sinks/mqtt/publisher.ts'
import { topicNameProblem } from '../../sinks/mqtt/topic-name.ts'
import { encodeTopicLevel } from '../../sinks/topic-template.ts'
import type { MqttBinding, MqttPublishOptions } from '../handler-types.ts'
import type { BindingUse, Connection } from './binding.ts'
import { compileEventTemplate, type EventTemplate } from './event-template.ts'
import { bytesOf, encodePayload } from './payload.ts'

type MqttDefinition = Extract<ResolvedBinding, { readonly type: 'mqtt' }>

/** Messages that wait for their acknowledgement; more wait here. */
const maxInflight = 100

/**
 * A producer to an MQTT broker. It connects in the background, when the function is loaded or at the first publication, and
 * comes back by itself; a publication waits for the connection within the time that it has.
 */
export class MqttConnection implements Connection {
  readonly #name: string
  readonly #definition: MqttDefinition
  readonly #topic: EventTemplate | undefined
  #opening: Promise<Publisher> | undefined
  #isUp = false
  #up = Promise.withResolvers<void>()

  /** @throws {SluiceError} SLUICE_CONFIG_INVALID for a definition that cannot be used. */
  constructor(name: string, definition: MqttDefinition) {
    const { topic } = definition
    this.#name = name
    this.#definition = definition
    if (topic === undefined) return
    this.#topic = compileEventTemplate(topic, `binding ${name}: topic`, encodeTopicLevel)
    const problem = topicNameProblem(this.#topic.sample('x'))
    if (problem !== undefined) throw new SluiceError('SLUICE_CONFIG_INVALID', `binding ${name}: ${problem}`)
  }

  bind(use: BindingUse): MqttBinding {
    return new BoundMqtt((payload, options) => this.#publish(use, payload, options))
  }

  async connect(): Promise<void> {
    await this.#open()
  }

  async close(): Promise<void> {
    const opening = this.#opening
    this.#opening = undefined
    await (await opening?.catch(() => undefined))?.close()
  }

  async #publish(use: BindingUse, payload: unknown, options: MqttPublishOptions): Promise<void> {
    const { qos = this.#definition.qos, retain = false, properties } = options
    const topic = options.topic ?? this.#topic?.fill(use.event)
    if (topic === undefined)
      throw this.#refused('the definition has no topic, so that publish() needs one: publish(payload, { topic })')
    const problem = topicNameProblem(topic)
    if (problem !== undefined) throw this.#refused(problem)
    if (![0, 1, 2].includes(qos)) throw this.#refused('qos is 0, 1 or 2')
    if (properties !== undefined && this.#definition.broker.protocolVersion === 4)
      throw this.#refused('properties need MQTT 5, and the binding speaks 3.1.1')
    const encoded = encodePayload(payload)
    const contentType = properties?.contentType ?? encoded.contentType
    const message: MqttMessage = {
      payload: bytesOf(encoded),
      ...(this.#definition.broker.protocolVersion === 4
        ? {}
        : { properties: { contentType, userProperties: { ...properties?.userProperties } } }),
    }
    const publisher = await this.#open()
    await this.#connected(publisher)
    try {
      await publisher.publish(topic, message, { qos, retain })
    } catch (thrown) {
      const { code, message: reason } = SluiceError.from(thrown, 'SLUICE_SINKS_UNAVAILABLE')
      throw new SluiceError(code, `binding ${this.#name}: ${reason}`)
    }
  }

  #open(): Promise<Publisher> {
    return (this.#opening ??= this.#start().catch((error: unknown) => {
      // The next one tries again.
      this.#opening = undefined
      throw error
    }))
  }

  async #start(): Promise<Publisher> {
    const { broker, timeoutMs } = this.#definition
    const publisher = createExternalPublisher({
      name: this.#name,
      // Every worker is a client of its own; two of one id would throw each other out.
      broker: { ...broker, clientId: `${broker.clientId ?? `sluice-${this.#name}`}-${randomBytes(4).toString('hex')}` },
      timeoutMs,
      maxInflight,
      report: level => {
        // Who waits goes on waiting when an attempt to connect fails.
        if (level !== 'info' && this.#isUp) this.#up = Promise.withResolvers()
        this.#isUp = level === 'info'
        if (this.#isUp) this.#up.resolve()
      },
    })
    await publisher.start()
    return publisher
  }

  async #connected(publisher: Publisher): Promise<void> {
    if (publisher.health().ready) return
    const { timeoutMs } = this.#definition
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const { detail = 'it does not answer' } = publisher.health()
      const message = `binding ${this.#name}: the broker was not reached within ${timeoutMs} ms: ${detail}`
      late.reject(new SluiceError('SLUICE_SINKS_UNAVAILABLE', message))
    }, timeoutMs)
    try {
      await Promise.race([this.#up.promise, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  #refused(message: string): SluiceError {
    return new SluiceError('SLUICE_SINKS_REJECTED', `binding ${this.#name}: ${message}`)
  }
}

type Publish = (payload: unknown, options: MqttPublishOptions) => Promise<void>

/** For one attempt. */
class BoundMqtt implements MqttBinding {
  readonly #publish: Publish

  constructor(publish: Publish) {
    this.#publish = publish
    Object.freeze(this)
  }

  publish(payload: unknown, options: MqttPublishOptions = {}): Promise<void> {
    return this.#publish(payload, options)
  }
}
