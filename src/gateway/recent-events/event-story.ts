import type { EventInTrigger, RecentEventView } from '../../api/views/recent-event-view.ts'
import type { Verdict, WhyEvent } from '../../api/views/why-view.ts'
import { decodeEventHeader } from '../../events/event-header-codec.ts'
import type { EventHeader } from '../../events/event-header.ts'
import { parseTraceparent } from '../../events/traceparent.ts'
import type { LogRecord } from '../../log/log-record.ts'
import type { EventMoment } from '../../store/event-moment.ts'
import type { RecentEvent } from '../../store/recent-events.ts'
import type { GatewayView } from '../gateway-view.ts'
import { answerEvent, answerOf } from '../why/answers.ts'
import { eventWords } from '../why/sentence.ts'
import { eventViewOf, recordAt, type FoundRecord, type StreamAccess } from '../why/stream-access.ts'
import type { KnownTrigger } from '../why/trigger-facts.ts'
import { historyOf } from './attempt-history.ts'

export interface StoryOptions {
  /** Only in this trigger. */
  readonly trigger: string | undefined
  /** Whether triggers are told that nothing has happened in. */
  readonly everyTrigger: boolean
  /** Whether attributes and bytes are told. */
  readonly data: boolean
}

export interface Story {
  readonly view: RecentEventView
  readonly found: FoundRecord | undefined
}

/** States in which something has happened: without a moment it is not known what. */
const happened: ReadonlySet<Verdict> = new Set([
  'done',
  'dead-letter',
  'parked',
  'retry-waits',
  'publishing',
  'sink-refuses',
  'burying',
  'leaving',
])

/** What the log, the triggers and the index know of one event, together. */
export async function storyOf(
  view: GatewayView,
  triggers: readonly KnownTrigger[],
  access: StreamAccess | undefined,
  { stream, partition, offset, moments }: RecentEvent,
  options: StoryOptions,
): Promise<Story> {
  const place = { stream, partition, offset }
  const found = access === undefined ? undefined : await recordAt(access, partition, offset)
  let event = eventOf(place, access, found?.record, moments)
  let kept: { readonly value: Uint8Array | null } | undefined
  const names = new Set(moments.map(({ trigger }) => trigger))
  for (const { name, facts } of triggers) if (options.everyTrigger && facts.stream === stream) names.add(name)
  if (options.trigger !== undefined) for (const name of names) if (name !== options.trigger) names.delete(name)
  const told: EventInTrigger[] = []
  for (const name of [...names].sort()) {
    const own = moments.filter(({ trigger }) => trigger === name)
    const trigger = triggers.find(one => one.name === name)
    const last = own.findLast(({ kind }) => kind === 'done' || kind === 'attempt' || kind === 'parked')
    const isDone = last?.kind === 'done' && last.deadLetter === undefined
    const about = eventWords(event.id ?? undefined, event.key ?? '', place)
    let state: Pick<EventInTrigger, 'state' | 'sentence' | 'next' | 'functionRef'>
    if (trigger === undefined || trigger.facts.stream !== stream || access === undefined) {
      state = { functionRef: null, next: null, ...goneState(name, about, last) }
    } else if (isDone) {
      const at = { partition, offset, key: event.key }
      const { verdict, sentence, next, functionRef } = answerOf(trigger, { verdict: 'done', facts: {} }, about, at)
      state = { state: verdict, sentence, next, functionRef }
    } else {
      const answered = await answerEvent(view, trigger, access, place, found === undefined ? {} : { found })
      const { verdict, sentence, next, functionRef } = answered.answer
      state = { state: verdict, sentence, next, functionRef }
      if (event.id === null) ({ event } = answered)
      kept ??= await keptOf(view, trigger, place)
    }
    const history = historyOf(own, event.acceptedAtMs, options.data)
    told.push({ trigger: name, ...state, ...history, recorded: own.length > 0 || !happened.has(state.state) })
  }
  const whole: RecentEventView = { ...event, triggers: told }
  if (!options.data) return { view: whole, found }
  const header = headerOf(access, found?.record, moments)
  const value = found?.record === undefined ? kept?.value : found.record.value
  return {
    found,
    view: {
      ...whole,
      event: { ...header },
      dataBase64:
        value === undefined || value === null
          ? null
          : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'),
    },
  }
}

/** What became of an event in a trigger that is not there any more. */
function goneState(
  name: string,
  about: string,
  last: EventMoment | undefined,
): { readonly state: Verdict; readonly sentence: string } {
  const isDone = last?.kind === 'done'
  const state = !isDone ? 'stopped' : last.deadLetter === undefined ? 'done' : 'dead-letter'
  const what = state === 'stopped' ? 'was not done' : state === 'done' ? 'is done' : 'became a dead letter'
  return { state, sentence: `${name}: ${about} ${what}; there is no such trigger of this stream any more` }
}

type Place = Pick<WhyEvent, 'stream' | 'partition' | 'offset'>

function eventOf(
  place: Place,
  access: StreamAccess | undefined,
  record: LogRecord | undefined,
  moments: readonly EventMoment[],
): WhyEvent {
  if (record !== undefined && access !== undefined) return eventViewOf(place, access, record, undefined)
  const header = headerOf(access, record, moments)
  const traceparent = header?.traceparent === undefined ? undefined : parseTraceparent(header.traceparent)
  return {
    ...place,
    id: header?.id ?? null,
    source: header?.source ?? null,
    type: header?.type ?? null,
    key: header?.partitionkey ?? null,
    acceptedAtMs: header?.acceptedAtMs ?? null,
    traceId: traceparent?.traceId ?? null,
    dataBytes: null,
  }
}

function headerOf(
  access: StreamAccess | undefined,
  record: LogRecord | undefined,
  moments: readonly EventMoment[],
): EventHeader | undefined {
  try {
    if (record !== undefined && access !== undefined) return access.reader.header(record)
    const bytes = moments.find(({ header }) => header !== undefined)?.header
    return bytes === undefined
      ? undefined
      : decodeEventHeader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch {
    // What cannot become an event has no attributes but its place.
    return undefined
  }
}

/** What the store keeps of it, when the log has let it go. */
async function keptOf(
  { store }: GatewayView,
  { record: { uid } }: KnownTrigger,
  place: Place,
): Promise<{ readonly value: Uint8Array | null } | undefined> {
  const at = { trigger: uid, ...place }
  return (await store.parkedAt(at)) ?? (await store.deadLetterAt(at))
}
