import type { MqttBrokerConfig } from '../../config/sections/mqtt-broker.ts'
import type { SluiceError } from '../../errors/sluice-error.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { Publication } from './publication.ts'
import type { PublicationFeed } from './publication-feed.ts'
import { qos2Id } from './qos2-ids.ts'
import type { ReleaseLedger } from './release-ledger.ts'
import type { MqttReport } from './report.ts'
import { TopicRoutes } from './topic-filter.ts'

/** A source that takes what is published to its topics. */
export interface BrokerRoute {
  readonly source: string
  readonly feed: PublicationFeed
  /** Whether subscribers get the publications, too. */
  readonly forward: boolean
  /** Why it takes nothing now; undefined while it does. */
  readonly refusal: SluiceError | undefined
}

/** What the router reads of a PUBLISH packet. */
export interface RoutedPacket {
  readonly topic: string
  readonly payload: string | Buffer
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly messageId?: number | undefined
}

/** Without an error: acknowledge. With one: close the connection. */
export type Authorized = (error?: Error | null) => void

const taken = Symbol('taken by a source')

/** Whether a source has taken the packet and no subscriber is to get it. */
export function isTaken(packet: object): boolean {
  return taken in packet
}

/** Finds the sources of a publication and withholds its acknowledgement until it is durable in each of them. */
export class PublicationRouter {
  readonly #config: MqttBrokerConfig
  readonly #report: MqttReport
  readonly #routes = new TopicRoutes<BrokerRoute | 'broker-only'>()
  readonly #attached = new Set<BrokerRoute>()

  constructor(config: MqttBrokerConfig, report: MqttReport) {
    this.#config = config
    this.#report = report
    for (const filter of config.brokerOnly) this.#routes.add(filter, 'broker-only')
  }

  attach(topics: readonly string[], route: BrokerRoute): void {
    this.#attached.add(route)
    for (const topic of topics) this.#routes.add(topic, route)
  }

  detach(route: BrokerRoute): void {
    this.#attached.delete(route)
    this.#routes.remove(route)
  }

  /** Name of the first source that the topic feeds. */
  sourceOf(topic: string): string | undefined {
    for (const route of this.#routes.match(topic)) if (route !== 'broker-only') return route.source
    return undefined
  }

  /** Why nobody may publish to the topic, or undefined. */
  problem(topic: string): string | undefined {
    const { maxTopicBytes } = this.#config
    if (topic.startsWith('$')) return 'topics that begin with $ are reserved'
    // A UTF-16 unit is at most 3 bytes, so that short topics need no look at their bytes.
    if (topic.length * 3 > maxTopicBytes && Buffer.byteLength(topic) > maxTopicBytes) {
      return `the topic is longer than ${maxTopicBytes} bytes (maxTopicBytes)`
    }
    if (topic.includes('\0')) return 'the topic contains NUL'
    if (this.#routes.match(topic).length > 0) return undefined
    return 'the topic feeds no source and is not among mqtt.brokerOnly'
  }

  /** Takes a publication whose topic has no {@link problem}, in the order of arrival. */
  take(connection: BrokerConnection, packet: RoutedPacket, ledger: ReleaseLedger, authorized: Authorized): void {
    const routes = this.#routesOf(packet)
    if (packet.qos === 0) {
      this.#takeUnacknowledged(connection, packet, routes, authorized)
      return
    }
    const paused = routes.find(({ refusal }) => refusal !== undefined)
    if (paused?.refusal !== undefined) {
      // MQTT 3.1.1 has no negative acknowledgement, and to withhold one would leave the client hanging.
      paused.feed.refused('paused')
      this.abandon(connection)
      authorized(paused.refusal)
      return
    }
    const ticket = connection.acks.open(() => authorized(null))
    let waiting = routes.length
    if (waiting === 0) {
      connection.acks.settle(ticket)
      return
    }
    const publication = publicationOf(connection, packet, ledger)
    const done = (error: SluiceError | undefined): void => {
      if (connection.closed) return
      if (error === undefined) {
        if (--waiting === 0) connection.acks.settle(ticket)
        return
      }
      const { clientId } = connection
      const facts = { clientId, topic: packet.topic, code: error.code }
      this.#report('warn', `an MQTT publication was not taken: ${error.message}`, facts)
      this.abandon(connection)
      authorized(error)
    }
    for (const { feed } of routes) feed.take(publication, connection, connection.limitMs, done)
  }

  /** A will: its client is gone, so there is nobody to acknowledge to and nobody who sends it again. */
  takeWill(clientId: string | undefined, packet: RoutedPacket): void {
    const { topic, qos, retain } = packet
    const payload = bytesOf(packet.payload)
    const publication: Publication = { topic, payload, qos, retain, ...(clientId === undefined ? {} : { clientId }) }
    for (const { feed, source, refusal } of this.#routesOf(packet)) {
      if (refusal !== undefined) {
        feed.refused('paused')
        this.#report('error', `a will was lost: ${refusal.message}`, { clientId, topic, source })
        continue
      }
      feed.take(publication, undefined, this.#config.acceptTimeoutMs, error => {
        if (error !== undefined) this.#report('error', `a will was lost: ${error.message}`, { clientId, topic, source })
      })
    }
  }

  /**
   * The connection ends without acknowledging what waits. Its client sends that again, and what would be kept of it now
   * would stand behind what was sent first.
   */
  abandon(connection: BrokerConnection): void {
    connection.closed = true
    connection.acks.discard()
    for (const { feed } of this.#attached) feed.abandon(connection)
  }

  async drain(): Promise<void> {
    await Promise.all([...this.#attached].map(({ feed }) => feed.drain()))
  }

  /** QoS 0: waiting slows its sender down, but while the log refuses it is dropped; it was promised nothing. */
  #takeUnacknowledged(
    connection: BrokerConnection,
    packet: RoutedPacket,
    routes: readonly BrokerRoute[],
    authorized: Authorized,
  ): void {
    let waiting = routes.length
    const settled = (): void => {
      if (--waiting <= 0) authorized(null)
    }
    if (waiting === 0) {
      authorized(null)
      return
    }
    const { topic, retain } = packet
    const publication: Publication = {
      topic,
      payload: bytesOf(packet.payload),
      qos: 0,
      retain,
      clientId: connection.clientId,
    }
    for (const { feed, refusal } of routes) {
      if (refusal !== undefined) {
        feed.refused('paused')
        settled()
      } else if (feed.refusal === undefined) feed.take(publication, undefined, connection.limitMs, settled)
      else {
        feed.refused('full')
        settled()
      }
    }
  }

  #routesOf(packet: RoutedPacket): readonly BrokerRoute[] {
    const routes: BrokerRoute[] = []
    let forward = false
    for (const route of this.#routes.match(packet.topic)) {
      if (route === 'broker-only') forward = true
      else {
        routes.push(route)
        forward ||= route.forward
      }
    }
    if (!forward) (packet as { [taken]?: true })[taken] = true
    return routes
  }
}

function publicationOf(connection: BrokerConnection, packet: RoutedPacket, ledger: ReleaseLedger): Publication {
  const { topic, qos, retain, messageId } = packet
  const { clientId } = connection
  const payload = bytesOf(packet.payload)
  if (qos !== 2 || messageId === undefined) return { topic, payload, qos, retain, clientId }
  return { topic, payload, qos, retain, clientId, dedupId: qos2Id(ledger, connection, messageId, topic, payload) }
}

function bytesOf(payload: string | Buffer): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : payload
}
