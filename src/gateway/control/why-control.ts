import type { WhyControl, WhyQuery } from '../../api/why-control.ts'
import type { WhyAnswer, WhyEvent, WhySource, WhyView } from '../../api/views/why-view.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { GatewayView } from '../gateway-view.ts'
import { answerEvent, answerKey, answerTrigger, nothingWaits } from '../why/answers.ts'
import type { EventPosition } from '../../store/event-moment.ts'
import { findEvent, streamNamed } from '../why/find-event.ts'
import { answerSource, pausedSources } from '../why/source-answer.ts'
import { eventViewOf, recordAt, streamsOf, type StreamAccess } from '../why/stream-access.ts'
import { knownTriggers, triggerNamed, type KnownTrigger } from '../why/trigger-facts.ts'

type TriggerQuery = Exclude<WhyQuery, { kind: 'source' }>
type Part = Pick<WhyView, 'events' | 'answers' | 'searched'>

/** Why something runs or does not: facts are gathered, a pure function judges them, and a sentence says so. */
export function createWhyControl(view: GatewayView): WhyControl {
  return {
    async why(query) {
      const atMs = Date.now()
      if (query.kind === 'source')
        return { atMs, events: [], answers: [], sources: [answerSource(view, query.source)], searched: null }
      const streams = streamsOf(view)
      const all = knownTriggers(view)
      const { trigger } = query
      const triggers = trigger === undefined ? all : [triggerNamed(all, trigger)]
      const part = await partOf(view, query, triggers, streams)
      const asked = new Set(part.answers.map(({ stream }) => stream))
      return { atMs, ...part, sources: pausedSources(view, asked) }
    },
  }
}

async function partOf(
  view: GatewayView,
  query: TriggerQuery,
  triggers: readonly KnownTrigger[],
  streams: ReadonlyMap<string, StreamAccess>,
): Promise<Part> {
  switch (query.kind) {
    case 'trigger': {
      const [trigger] = triggers as readonly [KnownTrigger]
      const { answer, event } = await answerTrigger(view, trigger, streams.get(trigger.facts.stream))
      return { events: event === undefined ? [] : [event], answers: [answer], searched: null }
    }
    case 'position': {
      const { stream, partition, offset } = query
      return partOfPositions(view, [{ stream, partition, offset }], triggers, streams, null)
    }
    case 'event': {
      const looked = accessesOf(query.stream, query.trigger, triggers, streams)
      const { positions, searched } = await findEvent(view, triggers, looked, query.id, query.search)
      if (positions.length === 0) {
        const refusing = pausedSources(view, new Set(looked.map(({ name }) => name)))
        throw notFound(query.id, searched, refusing)
      }
      return partOfPositions(view, positions, triggers, streams, searched)
    }
    case 'key':
      return partOfKey(view, query, triggers, streams)
  }
}

async function partOfPositions(
  view: GatewayView,
  positions: readonly EventPosition[],
  triggers: readonly KnownTrigger[],
  streams: ReadonlyMap<string, StreamAccess>,
  searched: WhyView['searched'],
): Promise<Part> {
  const events: WhyEvent[] = []
  const answers: WhyAnswer[] = []
  for (const position of positions) {
    const access = streamNamed(streams, position.stream)
    const { partitionCount } = access.log
    if (partitionCount > 0 && position.partition >= partitionCount) {
      const message = `stream ${position.stream} has partitions 0 to ${partitionCount - 1}, and none ${position.partition}`
      throw new SluiceError('SLUICE_API_NOT_FOUND', message)
    }
    const found = await recordAt(access, position.partition, position.offset)
    let event = eventViewOf(position, access, found.record, undefined)
    for (const trigger of triggers) {
      if (trigger.facts.stream !== position.stream) continue
      const answered = await answerEvent(view, trigger, access, position, { found })
      // What the store keeps may say more than a log that has let go of the record.
      if (event.id === null) ({ event } = answered)
      answers.push(answered.answer)
    }
    events.push(event)
  }
  return { events, answers, searched }
}

async function partOfKey(
  view: GatewayView,
  { key, stream, trigger }: Extract<WhyQuery, { kind: 'key' }>,
  triggers: readonly KnownTrigger[],
  streams: ReadonlyMap<string, StreamAccess>,
): Promise<Part> {
  const accesses = accessesOf(stream, trigger, triggers, streams)
  const events: WhyEvent[] = []
  const answers: WhyAnswer[] = []
  const silent: WhyAnswer[] = []
  for (const one of triggers) {
    const access = accesses.find(({ name }) => name === one.facts.stream)
    if (access === undefined) continue
    const answered = await answerKey(view, one, access, key)
    for (const { answer, event } of answered) {
      answers.push(answer)
      if (
        !events.some(
          ({ partition, offset, stream: of }) =>
            partition === event.partition && offset === event.offset && of === event.stream,
        )
      )
        events.push(event)
    }
    if (answered.length === 0) silent.push(await nothingWaits(one, access, key))
  }
  // Triggers that never see the key would only hide those that do.
  return { events, answers: answers.length > 0 ? answers : silent, searched: null }
}

/** The streams that a question is about. */
function accessesOf(
  stream: string | undefined,
  trigger: string | undefined,
  [first]: readonly KnownTrigger[],
  streams: ReadonlyMap<string, StreamAccess>,
): readonly StreamAccess[] {
  if (stream !== undefined) return [streamNamed(streams, stream)]
  if (trigger === undefined || first === undefined) return [...streams.values()]
  const access = streams.get(first.facts.stream)
  return access === undefined ? [] : [access]
}

function notFound(id: string, searched: WhyView['searched'], paused: readonly WhySource[]): SluiceError {
  const { streams = [], events = 0, complete = false } = searched ?? {}
  const where = streams.length === 1 ? `stream ${streams[0]}` : `${streams.length} streams`
  const looked = complete
    ? `all ${events} events that ${where} keep${streams.length === 1 ? 's' : ''} were looked through`
    : `the newest ${events} events of ${where} were looked through; look through more (search), or ask by place: stream/partition/offset`
  return new SluiceError(
    'SLUICE_API_NOT_FOUND',
    `no event with the id ${id} waits, is parked or is a dead letter, and ${looked}. It was never accepted, or it is gone${paused.map(({ sentence }) => `. ${sentence}`).join('')}`,
  )
}
