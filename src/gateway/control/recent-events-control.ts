import type { RecentEventsControl, RecentEventsQuery } from '../../api/recent-events-control.ts'
import type { RecentEventPage, RecentEventView } from '../../api/views/recent-event-view.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { MomentQuery, RecentEvent, RecentEventsAnswer } from '../../store/recent-events.ts'
import type { GatewayView } from '../gateway-view.ts'
import { storyOf, type Story } from '../recent-events/event-story.ts'
import { findInLogs } from '../recent-events/find-in-logs.ts'
import { streamNamed } from '../why/find-event.ts'
import { streamsOf, type FoundRecord, type StreamAccess } from '../why/stream-access.ts'
import { knownTriggers, triggerNamed } from '../why/trigger-facts.ts'

/** Bytes of events in one answer; events beyond come without theirs, to be asked for alone. */
const maxDataBytes = 16 * 1024 * 1024

const nothing: RecentEventsAnswer = {
  events: [],
  next: null,
  gaps: { fromMs: null, toMs: null, events: 0, crashes: 0 },
}

/** What happened to events: the index of moments, and for what it does not say the logs and the triggers themselves. */
export function createRecentEventsControl(view: GatewayView): RecentEventsControl {
  return {
    async recentEvents(query) {
      const atMs = Date.now()
      const streams = streamsOf(view)
      const triggers = knownTriggers(view)
      checkNames(query, streams, () => triggerNamed(triggers, query.trigger ?? ''))
      const { wanted, trigger, data } = query
      const answer = (await view.observations.recent?.find(indexQueryOf(query))) ?? nothing
      const known = await withUnrecorded(view, query, answer.events, streams)
      const options = { trigger, data, everyTrigger: wanted.kind !== 'newest' }
      const items: RecentEventView[] = []
      let bytes = 0
      for (const event of known) {
        const { view: item, found } = await storyOf(view, triggers, streams.get(event.stream), event, options)
        if (wanted.kind === 'place') checkExists(event, item, found)
        bytes += item.dataBase64?.length ?? 0
        items.push(bytes <= maxDataBytes || items.length === 0 ? item : withoutData(item))
      }
      if (items.length === 0 && (wanted.kind === 'id' || wanted.kind === 'trace'))
        throw nowhere(query, wanted.kind, wanted.value)
      return { atMs, items, next: answer.next, incomplete: incompleteOf(answer.gaps, view) }
    },
  }
}

function checkNames(
  { wanted, stream, trigger }: RecentEventsQuery,
  streams: ReadonlyMap<string, StreamAccess>,
  checkTrigger: () => void,
): void {
  if (stream !== undefined) streamNamed(streams, stream)
  if (trigger !== undefined) checkTrigger()
  if (wanted.kind !== 'place') return
  const { partitionCount } = streamNamed(streams, wanted.place.stream).log
  if (partitionCount > 0 && wanted.place.partition >= partitionCount)
    throw notFound(
      `stream ${wanted.place.stream} has partitions 0 to ${partitionCount - 1}, and none ${wanted.place.partition}`,
    )
}

function indexQueryOf({
  wanted,
  stream,
  trigger,
  failed,
  fromMs,
  toMs,
  before,
  limit,
}: RecentEventsQuery): MomentQuery {
  const given = { stream, trigger, fromMs, toMs, before }
  const narrowing = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { wanted, ...narrowing, failed, limit }
}

/** Adds events of which the index has nothing: they wait, or were left out. Only where something certain is asked for. */
async function withUnrecorded(
  view: GatewayView,
  { wanted, stream, trigger, failed, fromMs, toMs, before, limit, search }: RecentEventsQuery,
  recorded: readonly RecentEvent[],
  streams: ReadonlyMap<string, StreamAccess>,
): Promise<readonly RecentEvent[]> {
  const isNarrow = failed || fromMs !== undefined || toMs !== undefined || before !== undefined
  if (wanted.kind === 'newest' || isNarrow) return recorded
  if (wanted.kind === 'place') return recorded.length > 0 ? recorded : [{ ...wanted.place, moments: [] }]
  // Ids are unique in their source: what is recorded is what was asked for.
  if (wanted.kind === 'id' && recorded.length > 0) return recorded
  const triggers = knownTriggers(view)
  const ofTrigger = triggers.find(({ name }) => name === trigger)?.facts.stream
  const looked = [...streams.values()].filter(({ name }) => name === (stream ?? ofTrigger ?? name))
  const places = await findInLogs(view, triggers, looked, wanted, search)
  const names = new Set(recorded.map(event => `${event.stream}/${event.partition}/${event.offset}`))
  const others = places.filter(place => !names.has(`${place.stream}/${place.partition}/${place.offset}`))
  // Nothing has happened to them: they are the newest.
  const unrecorded = others.reverse().map(place => ({ ...place, moments: [] }))
  return [...unrecorded, ...recorded].slice(0, limit)
}

/** @throws {SluiceError} SLUICE_API_NOT_FOUND when nothing at all is known of the place. */
function checkExists({ moments }: RecentEvent, item: RecentEventView, found: Story['found']): void {
  if (moments.length > 0 || item.id !== null || found?.record !== undefined) return
  throw notFound(`${item.stream}/${item.partition} has no offset ${item.offset}${whyNone(found)}`)
}

function whyNone(found: FoundRecord | undefined): string {
  const facts = found?.facts
  switch (facts?.kind) {
    case 'not-accepted':
      return `: the next event will get ${facts.end}`
    case 'expired':
      return ` any more: it keeps events from ${facts.low} on`
    case 'unknown':
      return ` that can be read now: ${facts.problem}`
    default:
      return ''
  }
}

/** Its bytes are to be asked for alone. */
function withoutData({ dataBase64: _, ...item }: RecentEventView): RecentEventView {
  return item
}

function incompleteOf(
  gaps: RecentEventsAnswer['gaps'],
  { config, observations }: GatewayView,
): RecentEventPage['incomplete'] {
  if (observations.recent === undefined) {
    const sentence = 'recentEvents.enabled is false: states are known, and not how events came to them'
    return { leftOut: 0, crashes: 0, fromMs: 0, toMs: Date.now(), sentence }
  }
  const { fromMs, toMs, events, crashes } = gaps
  if (fromMs === null || toMs === null) return null
  const time = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
  const reasons = [
    events === 0
      ? ''
      : `${events} events were left out, as more came than recentEvents.maxPerSecond (${config.recentEvents.maxPerSecond}) or than could be written`,
    crashes === 0 ? '' : `the last moments before ${crashes === 1 ? 'a crash' : `${crashes} crashes`} were not written`,
  ]
  const sentence = `between ${time(fromMs)} and ${time(toMs)} ${reasons.filter(Boolean).join(', and ')}`
  return { leftOut: events, crashes, fromMs, toMs, sentence }
}

function nowhere({ search }: RecentEventsQuery, kind: 'id' | 'trace', value: string): SluiceError {
  const what = kind === 'id' ? `event with the id ${value}` : `event of the trace ${value}`
  return notFound(
    `no ${what} is in the index of recent events, nor among the newest ${search} events of each stream. It was never accepted, or it is gone; look through more (search), or ask by place: stream/partition/offset`,
  )
}

const notFound = (message: string): SluiceError => new SluiceError('SLUICE_API_NOT_FOUND', message)
