import type { Server, Socket } from 'node:net'
import { join } from 'node:path'
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from 'aedes'
import type { MqttBrokerConfig } from '../../config/sections/mqtt-broker.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { listenForClients } from './broker-listener.ts'
import { createBrokerConnection, type BrokerConnection } from './broker-connection.ts'
import { checkBrokerConfig, holdLimitMs } from './broker-options.ts'
import { isTaken, PublicationRouter, type BrokerRoute } from './publication-router.ts'
import { releaseQos2 } from './qos2-ids.ts'
import { openReleaseLedger, type ReleaseLedger } from './release-ledger.ts'
import type { MqttReport } from './report.ts'
import { createUserCheck } from './user-list.ts'

export interface EmbeddedBrokerOptions {
  readonly config: MqttBrokerConfig
  /** Where QoS 2 releases are kept across restarts; absent: in memory, for logs that do not outlive the process either. */
  readonly dataDir?: string
  readonly report?: MqttReport
}

/** aedes calls its hooks and stores with more than its types tell; all that is used of it stands here. */
interface AedesInside {
  publish(packet: PublishPacket, client: Client | null, done?: (error?: Error | null) => void): void
  persistence: {
    incomingGetPacket(client: Client, packet: { cmd: string; messageId: number }): Promise<unknown>
    incomingDelPacket(client: Client, packet: { messageId: number }): Promise<unknown>
    cleanIncoming(client: Client): Promise<void>
  }
}

/** Packets of one read that arrive before CONNECT is answered; MQTT allows a client not to wait. */
const earlyPackets = 1_000

/**
 * The embedded broker: MQTT 3.1.1 by aedes, the only importer of it. It promises ingest: a publication to a topic that
 * feeds a source is acknowledged after it is durable there. Pub/sub between clients is aedes' own, in memory.
 *
 * aedes writes PUBACK before it publishes, so the one place to be durable first is `authorizePublish`.
 *
 *   stopped ──start()──▶ listening ──stop()──▶ stopping ──drained──▶ stopped
 */
export class EmbeddedBroker {
  /** Publications of topics that feed no source, by reason, since the start of the process. */
  readonly refused: Record<string, number> = {}
  readonly #config: MqttBrokerConfig
  readonly #options: EmbeddedBrokerOptions
  readonly #report: MqttReport
  readonly #router: PublicationRouter
  readonly #isUser: ReturnType<typeof createUserCheck>
  readonly #connections = new WeakMap<Client, BrokerConnection>()
  readonly #limits = new WeakMap<Client, number>()
  /** Every open connection, also those that have not said CONNECT. */
  readonly #sockets = new Set<Socket>()
  #state: 'stopped' | 'listening' | 'stopping' = 'stopped'
  #aedes: Aedes | undefined
  #server: Server | undefined
  #ledger: ReleaseLedger | undefined

  constructor(options: EmbeddedBrokerOptions) {
    checkBrokerConfig(options.config)
    this.#options = options
    this.#config = options.config
    this.#report = options.report ?? (() => {})
    this.#router = new PublicationRouter(options.config, this.#report)
    this.#isUser = createUserCheck(options.config.users)
  }

  get state(): 'stopped' | 'listening' | 'stopping' {
    return this.#state
  }

  get clientCount(): number {
    return this.#aedes?.connectedClients ?? 0
  }

  /** The port it listens on; 0 when it does not. */
  get port(): number {
    const address = this.#server?.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** From now on publications to the topics go to the source, and are acknowledged when they are durable there. */
  attach(topics: readonly string[], route: BrokerRoute): void {
    this.#router.attach(topics, route)
  }

  detach(route: BrokerRoute): void {
    this.#router.detach(route)
  }

  /** @throws {SluiceError} SLUICE_MQTT_PORT_IN_USE, SLUICE_MQTT_BROKER. */
  async start(): Promise<void> {
    if (this.#state !== 'stopped') return
    const { dataDir } = this.#options
    this.#ledger = await openReleaseLedger(
      dataDir === undefined ? undefined : join(dataDir, 'mqtt-qos2-releases.jsonl'),
    )
    const aedes = await this.#createAedes()
    try {
      this.#server = await listenForClients(this.#config, {
        client: socket => {
          this.#sockets.add(socket)
          socket.once('close', () => this.#sockets.delete(socket))
          aedes.handle(socket)
        },
        dropped: reason => this.#count(reason),
        report: this.#report,
      })
    } catch (error) {
      await new Promise<void>(resolve => aedes.close(resolve))
      await this.#ledger.close()
      throw error
    }
    this.#aedes = aedes
    this.#setState('listening')
  }

  /** Refuses new publications at once, acknowledges those that become durable within their limits, disconnects. */
  async stop(): Promise<void> {
    if (this.#state !== 'listening') return
    this.#setState('stopping')
    const closed = new Promise<void>(resolve => this.#server?.close(() => resolve()))
    await this.#router.drain()
    // The acknowledgements of the last batch are corked until the end of this turn.
    await new Promise(resolve => setImmediate(resolve))
    await new Promise<void>(resolve => this.#aedes?.close(resolve))
    // aedes closes its clients; a connection is none before its CONNECT, and might stay silent for long.
    for (const socket of this.#sockets) socket.destroy()
    await closed
    await this.#ledger?.close()
    this.#aedes = undefined
    this.#server = undefined
    this.#setState('stopped')
  }

  /**
   * Publishes to the subscribers. Resolves when those that are connected have been written to; nothing is kept for others
   * beyond what aedes holds in memory for their sessions, so this is not durable.
   * @throws {SluiceError} SLUICE_MQTT_UNREACHABLE when the broker is not listening, SLUICE_MQTT_TOPIC for a topic that
   *   feeds a source: events go into streams through a stream sink, which counts their hops.
   */
  publish(topic: string, payload: Buffer, options: { qos: 0 | 1 | 2; retain: boolean }): Promise<void> {
    const aedes = this.#aedes
    if (aedes === undefined || this.#state !== 'listening') {
      return Promise.reject(new SluiceError('SLUICE_MQTT_UNREACHABLE', 'the embedded MQTT broker is not listening'))
    }
    const source = this.#router.sourceOf(topic)
    if (source !== undefined) {
      const message = `the topic ${topic} feeds the source ${source}; publish to another one or use a stream sink`
      return Promise.reject(new SluiceError('SLUICE_MQTT_TOPIC', message))
    }
    return new Promise((resolve, reject) => {
      aedes.publish({ cmd: 'publish', dup: false, topic, payload, ...options }, error => {
        if (error) reject(new SluiceError('SLUICE_MQTT_TOPIC', `${topic}: ${error.message}`, { cause: error }))
        else resolve()
      })
    })
  }

  #setState(state: 'stopped' | 'listening' | 'stopping'): void {
    this.#state = state
  }

  async #createAedes(): Promise<Aedes> {
    const config = this.#config
    const aedes = new Aedes({
      connectTimeout: config.connectTimeoutMs,
      drainTimeout: config.drainTimeoutMs,
      keepaliveLimit: config.keepaliveLimitSeconds,
      queueLimit: earlyPackets,
      preConnect: (client, packet, callback) => {
        this.#limits.set(client, holdLimitMs(config.acceptTimeoutMs, packet.keepalive ?? 0))
        const problem = packet.will === undefined ? undefined : this.#router.problem(packet.will.topic)
        if (problem === undefined) callback(null, true)
        else callback(this.#refuse(packet.clientId, packet.will?.topic ?? '', `its will: ${problem}`), false)
      },
      authenticate: (client, username, password, done) => {
        if (this.#isUser(username, password)) {
          done(null, true)
          return
        }
        this.#count('credentials')
        // 4 is "bad user name or password" (MQTT 3.1.1 §3.2.2.3).
        done(
          Object.assign(new Error(`wrong credentials of client ${client.id}`), { returnCode: 4 }) as AuthenticateError,
          false,
        )
      },
      authorizePublish: (client, packet, callback) => this.#authorize(client, packet, callback),
    })
    await aedes.listen()
    aedes.on('client', client => this.#connected(client))
    for (const event of ['clientError', 'connectionError'] as const) {
      aedes.on(event, (client, error) => {
        const connection = this.#connections.get(client)
        // Once the connection is closed, aedes still tells of every acknowledgement it could not write.
        if (connection?.closed === true) return
        this.#report('warn', `MQTT client disconnected: ${error.message}`, { clientId: client.id })
        if (connection !== undefined) this.#router.abandon(connection)
      })
    }
    aedes.on('keepaliveTimeout', client => this.#report('warn', 'MQTT keep-alive timed out', { clientId: client.id }))
    // EventEmitter throws an 'error' nobody listens to.
    ;(aedes as NodeJS.EventEmitter).on('error', (error: Error) => {
      this.#report('error', `the embedded MQTT broker failed: ${error.message}`, {})
    })
    this.#keepOutOfBroker(aedes as unknown as AedesInside)
    this.#releaseDurably(aedes as unknown as AedesInside)
    return aedes
  }

  /** What a source has taken does not go on to aedes' subscribers and retained messages, unless it asks for it. */
  #keepOutOfBroker(aedes: AedesInside): void {
    const publish = aedes.publish.bind(aedes)
    aedes.publish = (packet, client, done) => {
      if (!isTaken(packet)) publish(packet, client, done)
      else if (typeof client === 'function') (client as () => void)()
      else done?.()
    }
  }

  /** Makes a release durable before PUBCOMP, also of messages from before a restart, which aedes does not know. */
  #releaseDurably(aedes: AedesInside): void {
    const { persistence } = aedes
    const getPacket = persistence.incomingGetPacket.bind(persistence)
    persistence.incomingGetPacket = (client, packet) =>
      packet.cmd === 'pubrel' ? Promise.resolve(packet) : getPacket(client, packet)
    const deletePacket = persistence.incomingDelPacket.bind(persistence)
    persistence.incomingDelPacket = async (client, packet) => {
      const connection = this.#connections.get(client)
      if (connection !== undefined) {
        try {
          await releaseQos2(this.#ledger!, connection, packet.messageId)
        } catch (error) {
          this.#report('error', 'a QoS 2 release could not be kept', { clientId: client.id, error: String(error) })
          client.conn.destroy()
          throw error
        }
      }
      return deletePacket(client, packet)
    }
    const clean = persistence.cleanIncoming.bind(persistence)
    persistence.cleanIncoming = async client => {
      await this.#ledger?.reset(client.id)
      await clean(client)
    }
  }

  #connected(client: Client): void {
    const limitMs = this.#limits.get(client) ?? this.#config.acceptTimeoutMs
    const connection = createBrokerConnection(client.id, client.clean, limitMs)
    this.#connections.set(client, connection)
    client.conn.once('close', () => {
      // What it sent may still become durable; only its acknowledgements have nowhere to go.
      connection.closed = true
      connection.acks.discard()
    })
  }

  /** The hook before every acknowledgement; also called for wills, with a closed client or none. */
  #authorize(client: Client | null, packet: PublishPacket, callback: (error?: Error | null) => void): void {
    const topic = packet.topic
    const problem = this.#router.problem(topic)
    if (problem !== undefined) {
      callback(this.#refuse(client?.id, topic, problem))
      return
    }
    if (this.#state !== 'listening') {
      // The wills of our own shutdown end here too: that the gateway stops is not the death of its devices.
      callback(new SluiceError('SLUICE_MQTT_STOPPING', 'the gateway is stopping'))
      return
    }
    const connection = client === null || client.closed ? undefined : this.#connections.get(client)
    if (connection !== undefined) this.#router.take(connection, packet, this.#ledger!, callback)
    else {
      this.#router.takeWill(client?.id ?? (packet as { clientId?: string }).clientId, packet)
      callback(null)
    }
  }

  /** MQTT 3.1.1 cannot say no to a PUBLISH: the connection ends, and the log says why. */
  #refuse(clientId: string | undefined, topic: string, problem: string): SluiceError {
    this.#count('topic')
    const shown = topic.length > 100 ? `${topic.slice(0, 100)}…` : topic
    return new SluiceError(
      'SLUICE_MQTT_TOPIC',
      `client ${clientId ?? ''} may not publish to ${JSON.stringify(shown)}: ${problem}`,
    )
  }

  #count(reason: string): void {
    this.refused[reason] = (this.refused[reason] ?? 0) + 1
  }
}
