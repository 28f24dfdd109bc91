import type { IClientPublishOptions, MqttClient } from 'mqtt'
import type { MqttSinkConfig } from '../../config/sections/mqtt-sink.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { MqttMessage } from '../../events/bindings/mqtt.ts'
import { BrokerLink } from './broker-link.ts'
import type { Publisher, PublishOptions } from './publisher.ts'

/** How it tells people what happens. */
export type PublisherReport = (
  level: 'info' | 'warn' | 'error',
  message: string,
  facts: Readonly<Record<string, unknown>>,
) => void

export interface ExternalPublisherOptions {
  readonly name: string
  readonly broker: NonNullable<MqttSinkConfig['broker']>
  readonly timeoutMs: number
  /** Unacknowledged messages; more wait, within their time-out. */
  readonly maxInflight: number
  /** Told when the broker comes and goes. */
  readonly report?: PublisherReport | undefined
  /** Waits between attempts to connect; for tests. */
  readonly firstRetryMs?: number
  readonly lastRetryMs?: number
}

/** A message that was not acknowledged; settled exactly once. */
interface Pending {
  readonly send: (client: MqttClient) => void
  readonly fail: (error: SluiceError) => void
}

/**
 * Publishes to an external broker. Nothing is queued while the broker is away and nothing is sent again by itself: the
 * result is refused, and dispatch repeats it in its own order and with its own limits.
 */
export function createExternalPublisher(options: ExternalPublisherOptions): Publisher {
  return new ExternalPublisher(options)
}

class ExternalPublisher implements Publisher {
  readonly protocolVersion: 4 | 5
  readonly #options: ExternalPublisherOptions
  readonly #link: BrokerLink
  readonly #waiting: Pending[] = []
  readonly #inflight = new Set<Pending>()
  #client: MqttClient | undefined
  /** The failure people know of; the next attempts fail the same way. */
  #reported: string | undefined
  #isClosed = false

  constructor(options: ExternalPublisherOptions) {
    this.#options = options
    this.protocolVersion = options.broker.protocolVersion
    this.#link = new BrokerLink(
      {
        ...options.broker,
        clientId: options.broker.clientId ?? `sluice-sink-${options.name}`,
        // No session: what was not acknowledged is repeated by dispatch, not by the client.
        clean: true,
        ...(options.firstRetryMs === undefined ? {} : { firstRetryMs: options.firstRetryMs }),
        ...(options.lastRetryMs === undefined ? {} : { lastRetryMs: options.lastRetryMs }),
      },
      {
        opening: () => {},
        connected: client => {
          this.#client = client
          this.#reported = undefined
          options.report?.('info', 'connected to the MQTT broker', { sink: options.name })
        },
        closed: (_client, error) => {
          this.#client = undefined
          if (this.#reported !== error.message) {
            this.#reported = error.message
            options.report?.('warn', `MQTT broker: ${error.message}; trying again`, { sink: options.name })
          }
          this.#failAll(new SluiceError('SLUICE_SINKS_UNAVAILABLE', error.message, { cause: error }))
        },
      },
    )
  }

  start(): Promise<void> {
    return this.#link.open()
  }

  publish(topic: string, message: MqttMessage, options: PublishOptions): Promise<void> {
    if (this.#isClosed) {
      return Promise.reject(new SluiceError('SLUICE_SINKS_CLOSED', `the sink ${this.#options.name} is closed`))
    }
    if (this.#client === undefined) {
      const detail = this.#link.lastError?.message ?? `${this.#options.name} is not connected yet`
      return Promise.reject(new SluiceError('SLUICE_SINKS_UNAVAILABLE', detail))
    }
    return new Promise((resolve, reject) => {
      const settle = (error: SluiceError | undefined): void => {
        clearTimeout(timer)
        this.#inflight.delete(pending)
        const index = this.#waiting.indexOf(pending)
        if (index >= 0) this.#waiting.splice(index, 1)
        if (error === undefined) resolve()
        else reject(error)
        this.#sendNext()
      }
      const pending: Pending = {
        send: client => {
          client.publish(topic, message.payload, publishOptions(message, options), (error, packet) => {
            if (this.#inflight.has(pending)) settle(this.#errorOf(error, packet, topic))
          })
        },
        fail: settle,
      }
      const timer = setTimeout(() => {
        const { name, timeoutMs } = this.#options
        settle(
          new SluiceError(
            'SLUICE_SINKS_TIMEOUT',
            `the broker of the sink ${name} did not acknowledge within ${timeoutMs} ms`,
          ),
        )
      }, this.#options.timeoutMs)
      this.#waiting.push(pending)
      this.#sendNext()
    })
  }

  health() {
    if (this.#isClosed) return { ready: false, detail: 'closed' }
    if (this.#client !== undefined) return { ready: true }
    return { ready: false, detail: this.#link.lastError?.message ?? 'connecting' }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#client = undefined
    this.#failAll(new SluiceError('SLUICE_SINKS_CLOSED', `the sink ${this.#options.name} is closed`))
    await this.#link.close()
  }

  #sendNext(): void {
    while (this.#client !== undefined && this.#inflight.size < this.#options.maxInflight) {
      const pending = this.#waiting.shift()
      if (pending === undefined) return
      this.#inflight.add(pending)
      pending.send(this.#client)
    }
  }

  #failAll(error: SluiceError): void {
    for (const pending of [...this.#inflight, ...this.#waiting]) pending.fail(error)
  }

  /** MQTT 5 brokers say why they do not take a message; the codes from 0x80 on are failures (§3.4.2.1). */
  #errorOf(error: unknown, packet: unknown, topic: string): SluiceError | undefined {
    const code =
      (packet as { reasonCode?: number } | undefined)?.reasonCode ?? (error as { code?: number } | null)?.code
    if (typeof code === 'number' && code >= 0x80) {
      const isTransient = transientReasons.has(code)
      const message = `the broker refused to take ${JSON.stringify(topic)} with reason 0x${code.toString(16)}`
      return new SluiceError(isTransient ? 'SLUICE_SINKS_UNAVAILABLE' : 'SLUICE_SINKS_REJECTED', message)
    }
    if (error instanceof Error) return new SluiceError('SLUICE_SINKS_UNAVAILABLE', error.message, { cause: error })
    return undefined
  }
}

/** Unspecified, implementation specific, packet identifier in use, quota exceeded. */
const transientReasons = new Set([0x80, 0x83, 0x91, 0x97])

function publishOptions({ properties }: MqttMessage, { qos, retain }: PublishOptions): IClientPublishOptions {
  if (properties === undefined) return { qos, retain }
  const { contentType, userProperties } = properties
  return {
    qos,
    retain,
    properties: {
      ...(contentType === undefined ? {} : { contentType }),
      // mqtt-packet counts an empty map into the length and writes nothing for it: the broker waits for the rest for ever.
      ...(Object.keys(userProperties ?? {}).length === 0 ? {} : { userProperties: { ...userProperties } }),
    },
  }
}
