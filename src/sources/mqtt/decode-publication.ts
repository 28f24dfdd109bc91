import { randomUUID } from 'node:crypto'
import { eventFromMqtt, type EventDefaults } from '../../events/create-event.ts'
import { createHeaderTemplate, type HeaderTemplate } from '../../events/event-header-codec.ts'
import type { EventHeader } from '../../events/event-header.ts'
import type { CompiledMapping } from '../../events/mapping.ts'
import type { IncomingEvent } from '../source.ts'
import type { Publication, PublicationDecoder } from './publication.ts'

/** Pairs of topic and client whose headers are remembered, at about a kilobyte each. */
const maxKnown = 10_000

/** The decoder of one source: its mapping, and what its events are when the mapping says nothing. */
export function createPublicationDecoder(mapping: CompiledMapping, defaults: EventDefaults): PublicationDecoder {
  const known = new KnownHeaders(mapping, defaults)
  return (publication, context) => {
    const { dedupId, payload } = publication
    const { traceparent, acceptedAtMs } = context
    const common = known.of(publication)
    if (common !== undefined && dedupId === undefined && traceparent === undefined) {
      const header = { ...common.header, id: randomUUID(), acceptedAtMs }
      return { header, value: payload, template: common.template }
    }
    const event: IncomingEvent = eventFromMqtt(publication, mapping, defaults, acceptedAtMs)
    if (dedupId === undefined && traceparent === undefined) return event
    const header = {
      ...event.header,
      // What the sender or the mapping names recognises a repeat across connections too; it is the stronger id.
      ...(dedupId === undefined || event.header.dedupId !== undefined ? {} : { dedupId }),
      ...(traceparent === undefined ? {} : { traceparent }),
    }
    return { header, value: event.value }
  }
}

/** What the messages of one client on one topic have in common: all of the header but its id and accept time. */
interface CommonHeader {
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly header: EventHeader
  readonly template: HeaderTemplate
}

/**
 * A mapping that looks at neither body nor user properties says the same for every message of a topic, and devices
 * publish to few topics again and again.
 */
class KnownHeaders {
  readonly #mapping: CompiledMapping
  readonly #defaults: EventDefaults
  readonly #byTopic = new Map<string, Map<string | undefined, CommonHeader>>()
  #size = 0

  constructor(mapping: CompiledMapping, defaults: EventDefaults) {
    this.#mapping = mapping
    this.#defaults = defaults
  }

  /** Undefined when the message has to be looked at. @throws {SluiceError} SLUICE_EVENTS_MAPPING. */
  of(publication: Publication): CommonHeader | undefined {
    const { topic, clientId, qos, retain, payload, properties } = publication
    if (properties !== undefined || this.#mapping.usesBody) return undefined
    const { structured } = this.#defaults
    // It may be a CloudEvent; who it is from then stands in it.
    if (structured === 'always' || (structured !== 'never' && payload.includes('"specversion"'))) return undefined
    const byClient = this.#byTopic.get(topic)
    const common = byClient?.get(clientId)
    if (common !== undefined && common.qos === qos && common.retain === retain) return common
    return this.#learn(publication, byClient, common !== undefined)
  }

  #learn(
    publication: Publication,
    known: Map<string | undefined, CommonHeader> | undefined,
    isReplaced: boolean,
  ): CommonHeader | undefined {
    const { topic, clientId, qos, retain, payload } = publication
    const mapped = this.#mapping.map({ body: payload, topic })
    // An id that the mapping makes is not ours to replace.
    if (mapped.id !== undefined) return undefined
    const { header } = eventFromMqtt(publication, this.#mapping, this.#defaults)
    const common = { qos, retain, header, template: createHeaderTemplate(header) }
    // A client that invents topics must not fill the memory; to start over is cheaper than to keep an order of use.
    if (this.#size >= maxKnown) {
      this.#byTopic.clear()
      this.#size = 0
    }
    let byClient = this.#size === 0 ? undefined : known
    if (byClient === undefined) this.#byTopic.set(topic, (byClient = new Map()))
    byClient.set(clientId, common)
    if (!isReplaced || this.#size === 0) this.#size += 1
    return common
  }
}
