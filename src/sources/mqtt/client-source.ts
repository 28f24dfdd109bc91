import type { IPublishPacket, MqttClient } from 'mqtt'
import type { MqttSourceBrokerConfig } from '../../config/sections/mqtt-source.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { BrokerLink } from '../../sinks/mqtt/broker-link.ts'
import type { Source, SourceState, SourceStats } from '../source.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import { pauseDetail } from '../source-pause.ts'
import { holdLimitMs } from './broker-options.ts'
import { installPipelinedAcks, type PipelinedAcks } from './pipelined-acks.ts'
import type { Publication } from './publication.ts'
import { PublicationFeed, type PublicationFeedOptions } from './publication-feed.ts'
import type { MqttReport } from './report.ts'
import { subscribeAll } from './subscribe-all.ts'
import { matchesTopicFilter, topicFilterProblem } from './topic-filter.ts'

export interface ClientSourceOptions extends Omit<PublicationFeedOptions, 'stalled'> {
  readonly broker: MqttSourceBrokerConfig
  readonly topics: readonly string[]
  readonly retained: 'skip' | 'accept'
  readonly report?: MqttReport
  /** Waits between attempts to connect; for tests. */
  readonly firstRetryMs?: number
  readonly lastRetryMs?: number
}

/** How long a subscription that the broker refused is left alone before it is tried again. */
const resubscribeMs = 30_000

/**
 * An MQTT source on an external broker. Acknowledges every QoS 1 message after it is durable; asks for QoS 1 also where
 * publishers use QoS 2, because a client that answers QoS 2 from memory would lose what it holds in a crash.
 * @throws {SluiceError} SLUICE_MQTT_CONFIG.
 */
export function createClientSource(options: ClientSourceOptions): Source {
  const fail = (problem: string): never => {
    throw new SluiceError('SLUICE_MQTT_CONFIG', `source ${options.source}: ${problem}`)
  }
  for (const filter of options.topics) {
    const problem = topicFilterProblem(filter)
    if (problem !== undefined) fail(problem)
    if (filter.startsWith('$share/')) fail('name the group of a shared subscription in broker.share, not in the topic')
  }
  if (options.broker.connections > 1 && options.broker.share === undefined) {
    fail('broker.connections above 1 needs broker.share, or every connection would receive every message')
  }
  if (options.invalid === 'refuse') {
    fail('invalid: refuse would make an external broker repeat the message for ever; use dead-letter or skip')
  }
  return new ClientSource(options)
}

/** One of the connections of a source, over all its attempts. */
interface Connection {
  readonly link: BrokerLink
  /** Stands for the current attempt: what waits on its behalf is forgotten with it. */
  attempt: { readonly acks: PipelinedAcks } | undefined
  /** Whether this process has subscribed; the session may be of an earlier configuration. */
  hasSubscribed: boolean
  subscribed: boolean
  detail: string | undefined
  retryTimer: NodeJS.Timeout | undefined
}

/**
 *   stopped ──start()──▶ starting ──all subscribed──▶ running ⇄ impaired ──stop()──▶ stopped
 *                            └──broker unreachable, subscription or log refused──▶ impaired
 *   running ──pause()──▶ paused: disconnected, and the broker keeps what arrives in the session ──resume()──▶ starting
 */
class ClientSource implements Source {
  readonly name: string
  readonly kind = 'mqtt'
  readonly #options: ClientSourceOptions
  readonly #report: MqttReport
  readonly #feed: PublicationFeed
  readonly #limitMs: number
  readonly #connections: Connection[] = []
  #state: SourceState = 'stopped'
  #stopping = false
  #pause: PauseRecord | undefined

  constructor(options: ClientSourceOptions) {
    this.name = options.source
    this.#options = options
    this.#report = options.report ?? (() => {})
    this.#limitMs = holdLimitMs(options.broker.acceptTimeoutMs, options.broker.keepaliveSeconds)
    this.#feed = new PublicationFeed({ ...options, stalled: () => this.#refresh() })
  }

  get state(): SourceState {
    return this.#state
  }

  /** Resolves at once: a broker that is away shows in the state, and is tried until it is there. */
  async start(): Promise<void> {
    if (this.#state !== 'stopped') return
    if (this.#pause !== undefined) return this.#setState('paused')
    this.#stopping = false
    this.#setState('starting')
    for (let index = 0; index < this.#options.broker.connections; index++)
      this.#connections.push(this.#connection(index))
    await Promise.all(this.#connections.map(({ link }) => link.open()))
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    this.#stopping = true
    await this.#feed.drain()
    await Promise.all(
      this.#connections.map(async ({ link, retryTimer }) => {
        clearTimeout(retryTimer)
        await link.close()
      }),
    )
    this.#connections.length = 0
    this.#setState('stopped')
  }

  async pause(pause: PauseRecord): Promise<void> {
    this.#pause = pause
    if (this.#state === 'stopped') return
    await this.stop()
    this.#setState('paused')
  }

  async resume(): Promise<void> {
    this.#pause = undefined
    if (this.#state !== 'paused') return
    this.#setState('stopped')
    await this.start()
  }

  stats(): SourceStats {
    const { counts, refusal } = this.#feed
    const details =
      this.#pause !== undefined
        ? [pauseDetail(this.#pause)]
        : [...new Set(this.#connections.map(({ detail }) => detail)), refusal?.message].filter(
            detail => detail !== undefined,
          )
    return {
      state: this.#state,
      accepted: counts.accepted,
      duplicates: counts.duplicates,
      refused: { ...counts.refused },
      ...(details.length === 0 ? {} : { detail: details.join('; ') }),
    }
  }

  #connection(index: number): Connection {
    const { broker, source, firstRetryMs, lastRetryMs } = this.#options
    const clientId = broker.clientId ?? `sluice-${source}`
    const link = new BrokerLink(
      {
        ...broker,
        // The same at every start: it is the name of the session that keeps what arrives while we are away.
        clientId: broker.connections === 1 ? clientId : `${clientId}-${index}`,
        clean: false,
        receiveMaximum: broker.maxInflight,
        ...(firstRetryMs === undefined ? {} : { firstRetryMs }),
        ...(lastRetryMs === undefined ? {} : { lastRetryMs }),
      },
      {
        opening: client => this.#opening(connection, client),
        connected: (client, sessionPresent) => this.#connected(connection, client, sessionPresent),
        closed: (_client, error) => this.#closed(connection, error),
      },
    )
    const connection: Connection = {
      link,
      attempt: undefined,
      hasSubscribed: false,
      subscribed: false,
      detail: undefined,
      retryTimer: undefined,
    }
    return connection
  }

  #opening(connection: Connection, client: MqttClient): void {
    const acks = installPipelinedAcks(client, {
      window: this.#options.broker.maxInflight,
      receive: (packet, acknowledge) => this.#receive(connection, attempt, packet, acknowledge),
    })
    const attempt = { acks }
    connection.attempt = attempt
    if (!acks.pipelined) {
      this.#report('warn', 'this version of mqtt.js is unknown; messages are taken one at a time', {
        source: this.name,
      })
    }
  }

  #connected(connection: Connection, client: MqttClient, sessionPresent: boolean): void {
    this.#report('info', 'connected to the MQTT broker', { source: this.name, sessionPresent })
    if (sessionPresent && connection.hasSubscribed) this.#subscribed(connection)
    else this.#subscribe(connection, client)
  }

  #subscribe(connection: Connection, client: MqttClient): void {
    const { attempt } = connection
    const { topics, broker, retained } = this.#options
    const filters = broker.share === undefined ? topics : topics.map(topic => `$share/${broker.share}/${topic}`)
    // Retain handling (MQTT 5 §3.8.3.1): never, or only when the subscription is new.
    void subscribeAll(client, filters, retained === 'skip' ? 2 : 1).then(problems => {
      if (connection.attempt !== attempt) return
      if (problems.length === 0) {
        connection.hasSubscribed = true
        this.#subscribed(connection)
        return
      }
      connection.subscribed = false
      connection.detail = problems.join('; ')
      this.#report('error', `subscription refused: ${connection.detail}`, { source: this.name })
      connection.retryTimer = setTimeout(() => this.#subscribe(connection, client), resubscribeMs)
      this.#refresh()
    })
  }

  #subscribed(connection: Connection): void {
    connection.subscribed = true
    connection.detail = undefined
    this.#refresh()
  }

  #closed(connection: Connection, error: SluiceError): void {
    connection.attempt?.acks.discard()
    if (connection.attempt !== undefined) this.#feed.abandon(connection.attempt)
    connection.attempt = undefined
    clearTimeout(connection.retryTimer)
    const isNews = connection.detail !== error.message
    connection.subscribed = false
    connection.detail = error.message
    if (isNews) this.#report('warn', `MQTT broker: ${error.message}; trying again`, { source: this.name })
    this.#refresh()
  }

  #receive(connection: Connection, attempt: object, packet: IPublishPacket, acknowledge: () => void): void {
    // Neither kept nor acknowledged: the broker sends it to whoever comes next.
    if (this.#stopping) return
    const { topic, qos, retain } = packet
    if (retain && this.#options.retained === 'skip') {
      this.#feed.refused('retained')
      acknowledge()
      return
    }
    if (!this.#options.topics.some(filter => matchesTopicFilter(filter, topic))) {
      // A subscription that an earlier configuration left in the session.
      this.#feed.refused('unsubscribed')
      acknowledge()
      return
    }
    if (qos === 0 && this.#feed.refusal !== undefined) {
      this.#feed.refused('full')
      return
    }
    const owner = qos === 0 ? undefined : attempt
    this.#feed.take(publicationOf(packet), owner, this.#limitMs, error => {
      if (error === undefined) acknowledge()
      else if (qos > 0 && connection.attempt === attempt) connection.link.drop(error)
    })
  }

  #refresh(): void {
    if (this.#state === 'stopped' || this.#state === 'paused') return
    const isWell = this.#feed.refusal === undefined && this.#connections.every(({ subscribed }) => subscribed)
    if (isWell) this.#setState('running')
    else if (this.#state === 'running' || this.#connections.some(({ detail }) => detail !== undefined)) {
      this.#setState('impaired')
    } else if (this.#feed.refusal !== undefined) this.#setState('impaired')
  }

  #setState(state: SourceState): void {
    this.#state = state
  }
}

function publicationOf({ topic, payload, qos, retain, properties }: IPublishPacket): Publication {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  if (properties === undefined) return { topic, payload: bytes, qos, retain }
  const { contentType, userProperties } = properties
  return {
    topic,
    payload: bytes,
    qos,
    retain,
    properties: {
      ...(contentType === undefined ? {} : { contentType }),
      ...(userProperties === undefined ? {} : { userProperties: { ...userProperties } }),
    },
  }
}
