import { headerTag, readHeaderField } from '../../events/event-header-codec.ts'
import { parseTraceparent } from '../../events/traceparent.ts'
import type { EventPosition } from '../../store/event-moment.ts'
import type { GatewayView } from '../gateway-view.ts'
import { findEvent, searchStream, type EventMatch } from '../why/find-event.ts'
import type { StreamAccess } from '../why/stream-access.ts'
import type { KnownTrigger } from '../why/trigger-facts.ts'

/** Events that are told of one question. */
const maxFound = 200

/**
 * Where events are of which the index knows nothing yet, because nothing has happened to them since they were accepted, or
 * because it has left them out. Newest last in each stream.
 */
export async function findInLogs(
  view: GatewayView,
  triggers: readonly KnownTrigger[],
  streams: readonly StreamAccess[],
  wanted: { readonly kind: 'id' | 'key' | 'trace'; readonly value: string },
  search: number,
): Promise<readonly EventPosition[]> {
  if (wanted.kind === 'id') return (await findEvent(view, triggers, streams, wanted.value, search)).positions
  const match = wanted.kind === 'key' ? withKey(wanted.value) : withTrace(wanted.value)
  let found: EventPosition[] = []
  for (const access of streams) {
    await searchStream(access, match, search, position => {
      found.push(position)
      // The newest count, and those come last.
      if (found.length >= 2 * maxFound) found = found.slice(-maxFound)
    })
  }
  return found.slice(-maxFound)
}

const withKey = (key: string): EventMatch => ({
  ofHeader: header => readHeaderField(header, headerTag.partitionkey) === key,
  ofRecord: (reader, record) => reader.key(record) === key,
})

const withTrace = (traceId: string): EventMatch => ({
  ofHeader: header => isOf(traceId, readHeaderField(header, headerTag.traceparent)),
  ofRecord: (reader, record) => isOf(traceId, reader.traceparent(record)),
})

function isOf(traceId: string, traceparent: string | undefined): boolean {
  return traceparent !== undefined && parseTraceparent(traceparent)?.traceId === traceId
}
