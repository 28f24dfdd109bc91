import type { FastifyRequest } from 'fastify'
import type { HttpSourceConfig } from '../../config/sections/http-source.ts'
import type { EventHeader } from '../../events/event-header.ts'
import { parseBody, parsePointer, valueAt } from '../../events/json-pointer.ts'
import type { IncomingEvent } from '../source.ts'

const MAX_ID_LENGTH = 256

/** Finds what makes two requests of a source one; undefined when the request has no such id. */
export type FindDeliveryId = (
  request: FastifyRequest,
  body: Buffer,
  verifiedId: string | undefined,
) => string | undefined

/**
 * Compiles `deduplicate` of a source. Without it the id of the signature scheme counts; Stripe's stands in its body.
 * @throws {SyntaxError} when the pointer is none.
 */
export function createFindDeliveryId({ deduplicate, verify }: HttpSourceConfig): FindDeliveryId {
  if (deduplicate === false || deduplicate === 'event') return () => undefined
  if (deduplicate === undefined && verify?.scheme !== 'stripe') return (_request, _body, verifiedId) => verifiedId
  if (deduplicate !== undefined && 'header' in deduplicate) {
    const name = deduplicate.header.toLowerCase()
    return ({ headers }) => bounded(headers[name])
  }
  const tokens = parsePointer(deduplicate === undefined ? '/id' : deduplicate.pointer)
  return (_request, body) => {
    const parsed = parseBody(body)
    return 'problem' in parsed ? undefined : bounded(valueAt(parsed.value, tokens))
  }
}

/**
 * Gives the events of one delivery their deduplication ids. A source's ids are its own: two senders that feed one stream
 * may both count from 1. An id that the mapping has set stays, as it was asked for by name.
 */
export function withDedupIds(
  events: readonly IncomingEvent[],
  source: string,
  deliveryId: string | undefined,
): readonly IncomingEvent[] {
  if (deliveryId === undefined) return events
  return events.map((event, index) => {
    if (event.header.dedupId !== undefined) return event
    // The parts are kept apart by a character that no header and no source name has.
    const dedupId = events.length === 1 ? `${source}\n${deliveryId}` : `${source}\n${deliveryId}\n${index}`
    const header: EventHeader = { ...event.header, dedupId }
    return { header, value: event.value }
  })
}

function bounded(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH ? value : undefined
}
