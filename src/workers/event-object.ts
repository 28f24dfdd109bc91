import type { ExtensionValue } from '../events/cloud-event.ts'
import type { EventHeader } from '../events/event-header.ts'
import { isJsonMediaType, isUtf8MediaType, parseMediaType } from '../events/media-type.ts'
import { decodeHeader, headerTag, headerVersion, readHeaderFieldAt } from '../events/event-header-codec.ts'
import type { KafkaEventDefaults } from '../events/kafka-event.ts'
import { hasKafkaHeaders, kafkaFormMark } from '../events/kafka-header-codec.ts'
import type { FrameReader } from './frame-codec.ts'

type Bodies = 'json' | 'text' | 'bytes'

const bodyKinds = new Map<string | undefined, Bodies>()
const jsonType = 'application/json'
const noBytes = Buffer.alloc(0)
const unparsed = Symbol('unparsed')
const parseJson = JSON.parse

/**
 * The CloudEvent that a handler gets. Nothing is decoded before it is asked for: most handlers look at `data` and at one
 * or two attributes.
 */
export class HandlerEvent {
  readonly #frame: FrameReader
  readonly #head: number
  #header: EventHeader | undefined
  #data: unknown = unparsed

  constructor(frame: FrameReader, head: number) {
    this.#frame = frame
    this.#head = head
  }

  get specversion(): '1.0' {
    return '1.0'
  }

  get id(): string {
    return this.#attributes.id
  }

  get source(): string {
    return this.#attributes.source
  }

  get type(): string {
    return this.#attributes.type
  }

  get subject(): string | undefined {
    return this.#attributes.subject
  }

  get time(): string | undefined {
    return this.#attributes.time
  }

  get datacontenttype(): string | undefined {
    return this.#attributes.datacontenttype
  }

  get dataschema(): string | undefined {
    return this.#attributes.dataschema
  }

  get partitionkey(): string | undefined {
    return this.#attributes.partitionkey
  }

  get traceparent(): string | undefined {
    return this.#attributes.traceparent
  }

  get tracestate(): string | undefined {
    return this.#attributes.tracestate
  }

  /** Extension attributes other than the partitioning and tracing ones, by name. */
  get extensions(): Readonly<Record<string, ExtensionValue>> {
    return this.#attributes.extensions ?? {}
  }

  /**
   * The body by its content type, parsed on first use: JSON as its value, text as a string, else a Buffer; undefined
   * when there is none. A missing content type counts as JSON (CloudEvents JSON format §3.1).
   * @throws {SyntaxError} when it claims to be JSON and is none.
   */
  get data(): unknown {
    if (this.#data === unparsed) this.#data = this.#parse()
    return this.#data
  }

  set data(value: unknown) {
    this.#data = value
  }

  /** The body as it was sent; empty when there is none. */
  get bytes(): Buffer {
    return this.#frame.value(this.#head) ?? noBytes
  }

  /** The event in the CloudEvents JSON format, so that it can be logged and forwarded. */
  toJSON(): Record<string, unknown> {
    const {
      extensions,
      acceptedAtMs: _acceptedAtMs,
      dedupId: _dedupId,
      position: _position,
      hops: _hops,
      protocol: _protocol,
      ...attributes
    } = this.#attributes
    const event = { specversion: this.specversion, ...attributes, ...extensions }
    if (!this.#frame.hasValue(this.#head)) return event
    return Buffer.isBuffer(this.data)
      ? { ...event, data_base64: this.data.toString('base64') }
      : { ...event, data: this.data }
  }

  /** For the context object of the same event; not part of the handler's contract. */
  static headerOf(event: HandlerEvent): EventHeader {
    return event.#attributes
  }

  get #attributes(): EventHeader {
    return (this.#header ??= decodeHeader(this.#frame.header(this.#head), this.#frame.feed(this.#head).headerDefaults))
  }

  /** Most handlers look at nothing but `data`: then only this one field of the header is looked for. */
  #contentType(): string | undefined {
    const { bytes } = this.#frame
    const start = this.#frame.headerStart(this.#head)
    const end = this.#frame.headerEnd(this.#head)
    if (bytes[start] === headerVersion) return readHeaderFieldAt(bytes, start, end, headerTag.datacontenttype, jsonType)
    // A Kafka record without headers has the content type of its stream, if any.
    if (bytes[start] === kafkaFormMark && !hasKafkaHeaders(bytes, start, end)) {
      const { mapping } = this.#frame.feed(this.#head).headerDefaults as Partial<KafkaEventDefaults>
      const mapped = mapping?.datacontenttype
      if (mapped === undefined || typeof mapped === 'string') return mapped
    }
    return this.#attributes.datacontenttype
  }

  #parse(): unknown {
    if (!this.#frame.hasValue(this.#head)) return undefined
    const contentType = this.#header === undefined ? this.#contentType() : this.#header.datacontenttype
    let kind = contentType === jsonType ? 'json' : bodyKinds.get(contentType)
    if (kind === undefined) {
      kind = bodyKindOf(contentType)
      if (bodyKinds.size > 1000) bodyKinds.clear()
      bodyKinds.set(contentType, kind)
    }
    switch (kind) {
      case 'json':
        return parseJson(this.#frame.valueText(this.#head))
      case 'text':
        return this.#frame.valueText(this.#head)
      case 'bytes':
        return this.bytes
    }
  }
}

function bodyKindOf(contentType: string | undefined): Bodies {
  if (contentType === undefined) return 'json'
  const type = parseMediaType(contentType)
  if (type === undefined || !isUtf8MediaType(type)) return 'bytes'
  if (isJsonMediaType(type)) return 'json'
  return type.essence.startsWith('text/') || type.essence === 'application/xml' ? 'text' : 'bytes'
}
