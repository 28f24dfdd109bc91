import type { WhyView } from '../../api/views/why-view.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import { headerTag, readHeaderField } from '../../events/event-header-codec.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { EventReader } from '../../events/event-reader.ts'
import type { LogRecord } from '../../log/log-record.ts'
import type { EventPosition } from '../../store/event-moment.ts'
import type { GatewayView } from '../gateway-view.ts'
import { eventViewOf, soon, type StreamAccess } from './stream-access.ts'
import type { KnownTrigger } from './trigger-facts.ts'

export interface Search {
  readonly positions: readonly EventPosition[]
  /** Null: the streams were not looked through, as what waits or is kept has the event. */
  readonly searched: WhyView['searched']
}

/** Events of one id that are told at most: ids are unique in their source only. */
const maxPositions = 20
/** Records that are read at a time. */
const pageEvents = 1_000

/**
 * Where the events with an id are: among what waits in memory, what is parked or a dead letter, and else among the newest
 * `limit` events of each stream, newest first.
 */
export async function findEvent(
  view: GatewayView,
  triggers: readonly KnownTrigger[],
  streams: readonly StreamAccess[],
  id: string,
  limit: number,
): Promise<Search> {
  const found = new Map<string, EventPosition>()
  const note = (position: EventPosition): void => {
    const { stream, partition, offset } = position
    if (found.size < maxPositions) found.set(`${stream}/${partition}/${offset}`, position)
  }
  for (const { running, record } of triggers)
    for (const place of running?.dispatch.inspection.find(id) ?? [])
      note({ stream: record.definition.stream, ...place })
  const byName = new Map(streams.map(access => [access.name, access]))
  for (const { trigger, stream, partition, offset } of await view.store.placesOf(id, maxPositions)) {
    const access = byName.get(stream)
    if (access === undefined || !triggers.some(({ record }) => record.uid === trigger)) continue
    const place = { trigger, stream, partition, offset }
    const kept = (await view.store.parkedAt(place)) ?? (await view.store.deadLetterAt(place))
    const position = { stream, partition, offset }
    if (kept !== undefined && eventViewOf(position, access, undefined, kept).id === id) note(position)
  }
  if (found.size > 0) return { positions: [...found.values()], searched: null }
  let events = 0
  let complete = true
  for (const access of streams) {
    const looked = await searchStream(access, withId(id), limit, note)
    events += looked.events
    complete &&= looked.complete
  }
  return { positions: [...found.values()], searched: { streams: [...byName.keys()], events, complete } }
}

/** What is looked for in a stream: by the header of a home record, or by the reader of another one. */
export interface EventMatch {
  ofHeader(header: Buffer): boolean
  ofRecord(reader: EventReader, record: LogRecord): boolean
}

const withId = (id: string): EventMatch => ({
  ofHeader: header => readHeaderField(header, headerTag.id) === id,
  ofRecord: (reader, record) => reader.attribute(record, 'id') === id,
})

interface Looked {
  readonly events: number
  /** Whether the stream keeps no others. */
  readonly complete: boolean
}

/** Looks through the newest `limit` events of a stream, oldest first. */
export async function searchStream(
  access: StreamAccess,
  match: EventMatch,
  limit: number,
  note: (position: EventPosition) => void,
): Promise<Looked> {
  const { name, home } = access
  if (home === undefined) return searchTopic(access, match, limit, note)
  if (limit === 0) return { events: 0, complete: false }
  let events = 0
  await home.scanHeaders({ sinceMs: -Infinity, maxRecords: limit }, (partition, offset, _timestampMs, header) => {
    events++
    if (isMatch(match, header)) note({ stream: name, partition, offset })
  })
  const kept = (await home.ends()).reduce((sum, { low, end }) => sum + end - low, 0)
  return { events, complete: events >= kept }
}

function isMatch(match: EventMatch, header: Buffer): boolean {
  try {
    return match.ofHeader(header)
  } catch {
    // What cannot be read has no attributes; it becomes a dead letter when its turn comes.
    return false
  }
}

/** An even share of every partition, because nobody knows which one has the event. */
async function searchTopic(
  { name, log, reader }: StreamAccess,
  match: EventMatch,
  limit: number,
  note: (position: EventPosition) => void,
): Promise<Looked> {
  let events = 0
  let complete = true
  try {
    const ends = await soon(log.ends())
    const share = Math.ceil(limit / Math.max(1, ends.length))
    for (const [partition, { low, end }] of ends.entries()) {
      const from = Math.max(low, end - share)
      complete &&= from === low
      for (let next = from; next < end;) {
        const records = await soon(log.browse(partition, next, Math.min(pageEvents, end - next)))
        for (const record of records) {
          if (reader.problem(record) === undefined && match.ofRecord(reader, record))
            note({ stream: name, partition, offset: record.offset })
        }
        events += records.length
        next = (records.at(-1)?.offset ?? end) + 1
      }
    }
  } catch {
    // Kafka is away, or the log was closed meanwhile: what it has is not known.
    complete = false
  }
  return { events, complete }
}

export function streamNamed(streams: ReadonlyMap<string, StreamAccess>, name: string): StreamAccess {
  const access = streams.get(name)
  if (access !== undefined) return access
  throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no stream ${name}${didYouMean(name, streams.keys())}`)
}
