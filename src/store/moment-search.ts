import { headerTag, readHeaderField } from '../events/event-header-codec.ts'
import type { EventMoment, EventPosition } from './event-moment.ts'
import { decodeMoment, momentsOf } from './moment-codec.ts'
import type { MomentQuery, RecentEvent } from './recent-events.ts'

export interface StoredChunk {
  readonly id: number
  readonly data: Buffer
}

export interface ChunkRange {
  /** Only chunks that end at this time or later, or have this id or a later one: a clock may have been set. */
  readonly sinceMs: number
  readonly fromId: number
  /** Only chunks up to this id. */
  readonly maxId: number
  readonly notableOnly: boolean
}

/** Gives the chunks of a range, newest first. */
export type ReadChunks = (range: ChunkRange) => Iterable<StoredChunk>

/** Moments of a chunk that a place in the order of all moments has room for. */
const maxMoments = 65_536
/** Clocks of what wrote and what is told may differ. */
const slackMs = 5_000

interface FoundPlace extends EventPosition {
  readonly sequence: number
  readonly moments: { readonly sequence: number; readonly moment: EventMoment }[]
}

/**
 * Finds events by what happened to them: first where they are, looking from the newest moment back, then everything that
 * is known of those. Reading through is quick (a gigabyte a second), and an index would cost more with every event that
 * nobody ever asks for.
 */
export function searchMoments(
  read: ReadChunks,
  query: MomentQuery,
): { readonly events: readonly RecentEvent[]; readonly next: number | null } {
  const { found, next, sinceMs } = findPlaces(read, query)
  gather(read, found, query, sinceMs)
  const events = [...found.values()]
    .filter(({ moments }) => moments.length > 0)
    .map(({ stream, partition, offset, moments }) => ({
      ...{ stream, partition, offset },
      moments: moments
        .sort((a, b) => a.moment.atMs - b.moment.atMs || a.sequence - b.sequence)
        .map(({ moment }) => moment),
    }))
    .sort((a, b) => lastOf(b) - lastOf(a))
  return { events, next }
}

const lastOf = ({ moments }: RecentEvent): number => moments.at(-1)?.atMs ?? 0
const nameOf = ({ stream, partition, offset }: EventPosition): string => `${stream}/${partition}/${offset}`

interface Places {
  readonly found: Map<string, FoundPlace>
  readonly next: number | null
  /** No moment of these events is older. */
  readonly sinceMs: number
}

function findPlaces(read: ReadChunks, query: MomentQuery): Places {
  const found = new Map<string, FoundPlace>()
  const { wanted, before = Infinity, fromMs = -Infinity } = query
  if (wanted.kind === 'place') {
    const { stream, partition, offset } = wanted.place
    found.set(nameOf(wanted.place), { stream, partition, offset, sequence: Infinity, moments: [] })
    return { found, next: null, sinceMs: -Infinity }
  }
  const needle = wanted.kind === 'newest' ? undefined : Buffer.from(wanted.value)
  const range = {
    sinceMs: fromMs,
    fromId: Infinity,
    maxId: before === Infinity ? Number.MAX_SAFE_INTEGER : Math.floor(before / maxMoments),
    notableOnly: query.failed === true,
  }
  let sinceMs = Infinity
  for (const { id, data } of read(range)) {
    if (needle !== undefined && !data.includes(needle)) continue
    const prefixes = [...momentsOf(data)]
    for (let index = prefixes.length - 1; index >= 0; index--) {
      const sequence = id * maxMoments + index
      const prefix = prefixes[index]!
      if (sequence >= before) continue
      // What the index of texts cannot tell is decoded; a chunk without the text never comes so far.
      const moment = decodeMoment(data, prefix)
      if (moment === undefined || !qualifies(moment, query)) continue
      const name = nameOf(moment)
      if (found.has(name)) continue
      if (found.size >= query.limit) {
        const last = [...found.values()].at(-1) as FoundPlace
        return { found, next: last.sequence, sinceMs: sinceMs - slackMs }
      }
      const { stream, partition, offset, recordMs, atMs } = moment
      found.set(name, { stream, partition, offset, sequence, moments: [] })
      sinceMs = Math.min(sinceMs, recordMs, atMs)
    }
  }
  return { found, next: null, sinceMs: sinceMs - slackMs }
}

/** Everything that is known of the places; those that an earlier page has told are taken out. */
function gather(read: ReadChunks, found: Map<string, FoundPlace>, query: MomentQuery, sinceMs: number): void {
  if (found.size === 0) return
  const offsets = new Set([...found.values()].map(({ offset }) => offset))
  const { before = Infinity } = query
  // What an earlier page has told is in chunks from there on.
  const fromId = before === Infinity ? Infinity : Math.floor(before / maxMoments)
  for (const { id, data } of read({ sinceMs, fromId, maxId: Number.MAX_SAFE_INTEGER, notableOnly: false })) {
    let index = -1
    for (const prefix of momentsOf(data)) {
      index++
      if (!offsets.has(prefix.offset)) continue
      const moment = decodeMoment(data, prefix)
      const place = moment === undefined ? undefined : found.get(nameOf(moment))
      if (moment === undefined || place === undefined) continue
      const sequence = id * maxMoments + index
      if (sequence >= before && qualifies(moment, query)) found.delete(nameOf(moment))
      else place.moments.push({ sequence, moment })
    }
  }
}

function qualifies(moment: EventMoment, query: MomentQuery): boolean {
  const { wanted, stream, trigger, failed, fromMs = -Infinity, toMs = Infinity } = query
  if (stream !== undefined && moment.stream !== stream) return false
  if (trigger !== undefined && moment.trigger !== trigger) return false
  if (moment.atMs < fromMs || moment.atMs >= toMs) return false
  if (failed === true && !isFailure(moment)) return false
  return wanted.kind === 'newest' || wanted.kind === 'place' || matches(moment, wanted)
}

export function isFailure(moment: EventMoment): boolean {
  switch (moment.kind) {
    case 'attempt':
      return moment.outcome !== 'succeeded'
    case 'sink':
      return moment.error !== undefined
    case 'parked':
      return true
    case 'done':
      return moment.deadLetter !== undefined
  }
}

function matches(
  moment: EventMoment,
  wanted: { readonly kind: 'id' | 'key' | 'trace'; readonly value: string },
): boolean {
  const { header } = moment
  if (wanted.kind === 'trace' && moment.kind === 'attempt' && traceOf(moment.traceparent) === wanted.value) return true
  if (header === undefined) return false
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.byteLength)
  try {
    switch (wanted.kind) {
      case 'id':
        return readHeaderField(bytes, headerTag.id) === wanted.value
      case 'key':
        return readHeaderField(bytes, headerTag.partitionkey) === wanted.value
      case 'trace':
        return traceOf(readHeaderField(bytes, headerTag.traceparent)) === wanted.value
    }
  } catch {
    return false
  }
}

/** The trace id of a `traceparent` that was checked when it came in. */
const traceOf = (traceparent: string | undefined): string | undefined => traceparent?.slice(3, 35)
