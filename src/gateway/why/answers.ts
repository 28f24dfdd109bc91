import type { WhyAnswer, WhyEvent, WhyFacts } from '../../api/views/why-view.ts'
import { partitionFor } from '../../log/partitioner.ts'
import type { LogRecord } from '../../log/log-record.ts'
import type { GatewayView } from '../gateway-view.ts'
import { triggerViewOf } from '../views/trigger-views.ts'
import { decideEvent, gateDecision, type Decision } from './event-verdict.ts'
import { gatherEvent } from './gather-event.ts'
import { eventWords, sentenceOf } from './sentence.ts'
import { eventViewOf, recordAt, soon, type FoundRecord, type StreamAccess } from './stream-access.ts'
import type { KnownTrigger } from './trigger-facts.ts'

/** An event in a trigger: what is to be said, and what the event is. */
export interface EventAnswer {
  readonly answer: WhyAnswer
  readonly event: WhyEvent
}

export interface AnswerOptions {
  /** What the log has at the place, where it was looked up already. */
  readonly found?: FoundRecord
  /** Put before the words for the event. */
  readonly lead?: string
}

/** Offsets that an answer about a key tells. */
const maxOffsets = 20

export async function answerEvent(
  view: GatewayView,
  trigger: KnownTrigger,
  access: StreamAccess,
  at: { readonly partition: number; readonly offset: number },
  { found, lead = '' }: AnswerOptions = {},
): Promise<EventAnswer> {
  const { facts, record, kept } = await gatherEvent(view, trigger, access, at, found)
  const place = { stream: access.name, ...at }
  const event = eventViewOf(place, access, record, kept)
  const decision = decideEvent(facts)
  const words = eventWords(event.id ?? undefined, facts.key, place)
  const about = lead === '' ? words : `${lead}${words},`
  return { event, answer: answerOf(trigger, decision, about, { ...at, key: facts.key }) }
}

/** What waits of a key in one trigger: the oldest event, and behind it the others. */
export async function answerKey(
  view: GatewayView,
  trigger: KnownTrigger,
  access: StreamAccess,
  key: string,
): Promise<readonly EventAnswer[]> {
  const answers: EventAnswer[] = []
  const { store } = view
  const { record, running } = trigger
  const { partitionCount } = access.log
  const partitions =
    access.home !== undefined
      ? [partitionFor(Buffer.from(key), partitionCount, () => 0)]
      : Array.from({ length: partitionCount }, (_, partition) => partition)
  for (const partition of partitions) {
    const parked = await store.parkedOf(record.uid, access.name, partition, key, maxOffsets)
    const inspection = running?.dispatch.inspection
    const inMemory = inspection?.offsetsOf(partition, key, maxOffsets) ?? []
    const lane = inspection?.key(key).find(one => one.partition === partition)
    // What is counted in memory is an estimate after a crash.
    const counted = inspection?.parked(partition, key, -1)?.stored ?? 0
    const stored = parked.length < maxOffsets ? parked.length : Math.max(parked.length, counted)
    const offsets = [...parked.map(({ offset }) => offset), ...inMemory].slice(0, maxOffsets)
    const [first] = offsets
    if (first === undefined) continue
    const waiting = stored + (lane?.events ?? 0)
    const lead =
      waiting === 1 ? '' : `${waiting} events of key ${key} wait (offsets ${listOf(offsets, waiting)}); the oldest, `
    const at = { partition, offset: first }
    const { answer, event } = await answerEvent(view, trigger, access, at, { lead })
    answers.push({ event, answer: { ...answer, facts: { ...answer.facts, waiting, offsets } } })
  }
  return answers
}

/** Nothing of a key waits that is known: what is not read yet may have some. */
export async function nothingWaits(trigger: KnownTrigger, access: StreamAccess, key: string): Promise<WhyAnswer> {
  const partition =
    access.home !== undefined ? partitionFor(Buffer.from(key), access.log.partitionCount, () => 0) : undefined
  const ends = await soon(access.log.ends()).catch(() => [])
  const taken = new Map(trigger.running?.dispatch.partitions().map(one => [one.partition, one.taken]))
  let ahead = 0
  for (const [index, { end }] of ends.entries())
    if (partition === undefined || index === partition) ahead += Math.max(0, end - (taken.get(index) ?? end))
  const blocked = ahead > 0 || trigger.running === undefined ? gateDecision(trigger.facts.gate) : undefined
  const decision: Decision = blocked ?? { verdict: 'nothing-waits', facts: { ahead, waiting: 0 } }
  return answerOf(trigger, decision, `key ${key}`, { partition: partition ?? null, offset: null, key })
}

/** Why a trigger as a whole runs or does not; where it runs, its oldest event that is not complete is told. */
export async function answerTrigger(
  view: GatewayView,
  trigger: KnownTrigger,
  access: StreamAccess | undefined,
): Promise<{ readonly answer: WhyAnswer; readonly event?: WhyEvent }> {
  const { running, facts } = trigger
  const nowhere = { partition: null, offset: null, key: null }
  const blocked = gateDecision(facts.gate)
  if (running === undefined || access === undefined) {
    const decision = blocked ?? { verdict: 'stopped', facts: { problem: 'its stream is not there' } }
    return { answer: answerOf(trigger, decision, eachOf(null), nowhere) }
  }
  const { lag } = await triggerViewOf(running, { ends: view.ends, deadLetters: new Map() })
  const figures: WhyFacts = lag === null ? {} : { lag }
  const withLag = (decision: Decision): Decision => ({ ...decision, facts: { ...decision.facts, ...figures } })
  if (blocked !== undefined) return { answer: answerOf(trigger, withLag(blocked), eachOf(lag), nowhere) }
  if (running.dispatch.partitions().length === 0)
    return { answer: answerOf(trigger, withLag({ verdict: 'not-assigned', facts: {} }), eachOf(lag), nowhere) }
  const oldest = await oldestOf(view, trigger, access)
  if (oldest === undefined) {
    const decision: Decision =
      lag === null || lag === 0 ? { verdict: 'idle', facts: {} } : { verdict: 'at-work', facts: {} }
    return { answer: answerOf(trigger, withLag(decision), 'the trigger', nowhere) }
  }
  const lead = `${togo(lag)}; the oldest, `
  const { answer, event } = await answerEvent(view, trigger, access, oldest, { lead })
  return { event, answer: { ...answer, facts: { ...answer.facts, ...figures } } }
}

/** The event of a trigger that was accepted first and is not complete, parked ones included. */
async function oldestOf(
  { store }: GatewayView,
  { record, running }: KnownTrigger,
  access: StreamAccess,
): Promise<{ readonly partition: number; readonly offset: number } | undefined> {
  const parked = await store.oldestParked(record.uid)
  let oldest: Pick<LogRecord, 'timestampMs' | 'offset'> & { readonly partition: number } = parked ?? {
    timestampMs: Infinity,
    offset: 0,
    partition: -1,
  }
  for (const { partition, completed } of running?.dispatch.partitions() ?? []) {
    const { record: found } = await recordAt(access, partition, completed)
    if (found !== undefined && found.timestampMs < oldest.timestampMs)
      oldest = { partition, offset: found.offset, timestampMs: found.timestampMs }
  }
  return oldest.partition < 0 ? undefined : oldest
}

export function answerOf(
  { name, record, facts: { stream, ordering } }: KnownTrigger,
  decision: Decision,
  about: string,
  at: { readonly partition: number | null; readonly offset: number | null; readonly key: string | null },
): WhyAnswer {
  const functionRef = record.definition.function
  const { partition, offset, key } = at
  const order = ordering === 'key' && (key ?? '') === '' ? 'none' : ordering
  const words = sentenceOf(about, { trigger: name, stream, partition, functionRef, order }, decision)
  return {
    trigger: name,
    functionRef,
    stream,
    partition,
    offset,
    key: key === '' ? null : key,
    ...{ verdict: decision.verdict, facts: decision.facts },
    ...words,
  }
}

const togo = (lag: number | null): string => {
  if (lag === null) return 'how many events are to be done is not known'
  return lag === 1 ? '1 event is to be done' : `${lag} events are to be done`
}

const eachOf = (lag: number | null): string => {
  if (lag === null) return 'each of its events'
  if (lag === 0) return 'whatever comes'
  return lag === 1 ? 'its only event' : `each of its ${lag} events`
}

const listOf = (offsets: readonly number[], count: number): string =>
  `${offsets.slice(0, 5).join(', ')}${count > Math.min(5, offsets.length) ? ', …' : ''}`
