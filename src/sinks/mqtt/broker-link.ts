import { readFile } from 'node:fs/promises'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { SluiceError, messageOf } from '../../errors/sluice-error.ts'

/** How to reach an external broker. */
export interface BrokerLinkOptions {
  readonly url: string
  readonly protocolVersion: 4 | 5
  readonly clientId: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly keepaliveSeconds: number
  readonly connectTimeoutMs: number
  readonly rejectUnauthorized: boolean
  readonly caFile?: string | undefined
  /** false: the broker keeps the session while we are away. */
  readonly clean: boolean
  /** MQTT 5 only. */
  readonly sessionExpirySeconds?: number
  readonly receiveMaximum?: number
  /** First and longest wait before the next attempt; default 500 and 30,000. */
  readonly firstRetryMs?: number
  readonly lastRetryMs?: number
}

export interface BrokerLinkHandlers {
  /** Before the connection is up: install what must see the very first packet. */
  opening(client: MqttClient): void
  /** @param sessionPresent the broker remembers our subscriptions. */
  connected(client: MqttClient, sessionPresent: boolean): void
  /** The connection is gone, or none came about; the next attempt follows. Told once per attempt. */
  closed(client: MqttClient, error: SluiceError): void
}

/** How long an orderly end may take. */
const disconnectMs = 1_000

/**
 * A connection to an external broker that comes back by itself; the only importer of mqtt.js, also for the sources.
 *
 * Every attempt is a new mqtt.js client that never reconnects: nothing of one connection, such as a queued packet, a
 * withheld acknowledgement or a half-done handshake, can reach the next.
 *
 *   closed ──open()──▶ connecting ──CONNACK──▶ connected
 *                         ▲  │ failed             │ lost, dropped
 *                         │  ▼                    ▼
 *                        waiting ◀────────────────┘     any ──close()──▶ closed
 */
export class BrokerLink {
  readonly #options: BrokerLinkOptions
  readonly #handlers: BrokerLinkHandlers
  #state: 'closed' | 'connecting' | 'connected' | 'waiting' = 'closed'
  #client: MqttClient | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #lastError: SluiceError | undefined
  #ca: Buffer | undefined

  constructor(options: BrokerLinkOptions, handlers: BrokerLinkHandlers) {
    this.#options = options
    this.#handlers = handlers
  }

  get connected(): boolean {
    return this.#state === 'connected'
  }

  /** Why there is no connection. */
  get lastError(): SluiceError | undefined {
    return this.#lastError
  }

  /** Begins to connect; resolves at once. @throws {SluiceError} SLUICE_MQTT_CONFIG when the CA file cannot be read. */
  async open(): Promise<void> {
    if (this.#state !== 'closed') return
    const { caFile } = this.#options
    if (caFile !== undefined && this.#ca === undefined) {
      this.#ca = await readFile(caFile).catch((error: unknown) => {
        throw new SluiceError('SLUICE_MQTT_CONFIG', `caFile ${caFile}: ${messageOf(error)}`, { cause: error })
      })
    }
    this.#connect()
  }

  /** Ends the connection without a DISCONNECT, so that the broker keeps what is not acknowledged; a new one follows. */
  drop(reason: SluiceError): void {
    const client = this.#client
    if (client !== undefined) this.#lost(client, reason)
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    clearTimeout(this.#timer)
    const wasConnected = this.#state === 'connected'
    this.#setState('closed')
    if (client === undefined) return
    await new Promise<void>(resolve => {
      // mqtt.js waits for every acknowledgement before it disconnects, and for a peer that may not answer at all.
      const force = setTimeout(() => {
        client.stream.destroy()
        resolve()
      }, disconnectMs)
      client.end(!wasConnected, () => {
        clearTimeout(force)
        resolve()
      })
    })
  }

  #connect(): void {
    const client = connect(this.#options.url, this.#clientOptions())
    this.#client = client
    this.#setState('connecting')
    client.on('connect', connack => {
      if (client !== this.#client) return
      this.#failures = 0
      this.#lastError = undefined
      this.#setState('connected')
      this.#handlers.connected(client, connack.sessionPresent)
    })
    client.on('disconnect', packet => {
      this.#lost(client, this.#unreachable(`the broker disconnected us, reason ${packet.reasonCode ?? 'unknown'}`))
    })
    client.on('error', error => this.#lost(client, this.#unreachable(messageOf(error), error)))
    client.on('close', () => this.#lost(client, this.#unreachable('the connection was closed')))
    this.#handlers.opening(client)
  }

  #lost(client: MqttClient, error: SluiceError): void {
    if (client !== this.#client) return
    this.#client = undefined
    // Some of mqtt.js' errors leave the connection open, and an error without a listener would end the process.
    client.end(true)
    this.#lastError = error
    this.#setState('waiting')
    this.#timer = setTimeout(() => this.#connect(), this.#retryMs())
    this.#failures += 1
    this.#handlers.closed(client, error)
  }

  /** Exponential, with half of it random: a fleet of gateways does not come back in one moment. */
  #retryMs(): number {
    const { firstRetryMs = 500, lastRetryMs = 30_000 } = this.#options
    const fullMs = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(this.#failures, 16))
    return fullMs / 2 + (Math.random() * fullMs) / 2
  }

  #clientOptions(): IClientOptions {
    const options = this.#options
    const properties =
      options.protocolVersion === 5
        ? {
            ...(options.clean ? {} : { sessionExpiryInterval: options.sessionExpirySeconds ?? 0 }),
            ...(options.receiveMaximum === undefined ? {} : { receiveMaximum: options.receiveMaximum }),
          }
        : undefined
    return {
      protocolVersion: options.protocolVersion,
      clientId: options.clientId,
      clean: options.clean,
      keepalive: options.keepaliveSeconds,
      connectTimeout: options.connectTimeoutMs,
      rejectUnauthorized: options.rejectUnauthorized,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      timerVariant: 'native',
      ...(options.username === undefined ? {} : { username: options.username }),
      ...(options.password === undefined ? {} : { password: options.password }),
      ...(this.#ca === undefined ? {} : { ca: this.#ca }),
      ...(properties === undefined ? {} : { properties }),
    }
  }

  #unreachable(message: string, cause?: unknown): SluiceError {
    return new SluiceError('SLUICE_MQTT_UNREACHABLE', `${shownUrl(this.#options.url)}: ${message}`, { cause })
  }

  #setState(state: 'closed' | 'connecting' | 'connected' | 'waiting'): void {
    this.#state = state
  }
}

/** Without the password somebody wrote into it. */
function shownUrl(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//')
}
