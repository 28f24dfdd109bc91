import { eventFromMqtt, type EventDefaults } from '../../events/create-event.ts'
import type { CompiledMapping, MappedAttributes } from '../../events/mapping.ts'
import type { PublicationDecoder } from './publication.ts'

/** Topics whose mapped attributes are remembered; a few hundred bytes each. */
const maxKnownTopics = 10_000

/** The decoder of one source: its mapping, and what its events are when the mapping says nothing. */
export function createPublicationDecoder(mapping: CompiledMapping, defaults: EventDefaults): PublicationDecoder {
  const remembering = rememberByTopic(mapping)
  return (publication, context) => {
    const event = eventFromMqtt(publication, remembering, defaults, context.acceptedAtMs)
    const { dedupId } = publication
    const { traceparent } = context
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

/**
 * A mapping that looks at neither body nor user properties says the same for every message of a topic, and devices
 * publish to few topics.
 */
function rememberByTopic(mapping: CompiledMapping): CompiledMapping {
  if (mapping.usesBody || mapping.isConstant) return mapping
  const known = new Map<string, MappedAttributes>()
  return {
    ...mapping,
    map(input) {
      const { topic, headers } = input
      if (topic === undefined || headers !== undefined) return mapping.map(input)
      let mapped = known.get(topic)
      if (mapped === undefined) {
        mapped = mapping.map(input)
        if (known.size >= maxKnownTopics) known.clear()
        known.set(topic, mapped)
      }
      return mapped
    },
  }
}
