import type { Verdict, WhyFacts } from '../../api/views/why-view.ts'
import type { EventPlace, LaneView, WaitingEvent } from '../../dispatch/inspection.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import type { EventFacts, GateFacts, ParkedFacts, VersionFacts } from './event-facts.ts'

export interface Decision {
  readonly verdict: Verdict
  readonly facts: WhyFacts
}

type Behind = NonNullable<WhyFacts['behind']>

/**
 * Why one event runs or does not run in one trigger. Pure. What has happened to it counts before what hinders the trigger,
 * and what hinders the whole trigger before what hinders the event alone.
 */
export function decideEvent(facts: EventFacts): Decision {
  const { verdict, facts: more } = decide(facts)
  return say(verdict, { ...more, ...some('redrive', facts.redrive) })
}

function decide(facts: EventFacts): Decision {
  const { record, place, deadLetter, parked } = facts
  if (record.kind === 'not-accepted') return say('not-accepted', { offset: record.end })
  const isAtWork = place?.kind === 'in-lane' || place?.kind === 'leaving'
  if (isAtWork) return atWork(facts, place)
  if (parked !== undefined) return whileParked(facts, parked)
  if (deadLetter !== undefined) {
    const { id, stage, atMs, attempts, failure } = deadLetter
    return say('dead-letter', { deadLetter: id, stage, atMs, attempt: attempts, failure })
  }
  const isComplete =
    place?.kind === 'complete' ||
    (place?.kind !== 'not-taken' && facts.committed !== undefined && facts.offset < facts.committed)
  return isComplete ? complete(facts) : toCome(facts)
}

/** It is in memory: it runs, waits in the lane of its key, or is on its way out. */
function atWork(facts: EventFacts, place: Extract<EventPlace, { kind: 'in-lane' | 'leaving' }>): Decision {
  if (place.kind === 'leaving') return leaving(facts, place.lane)
  const { lane, event, before, isRunning } = place
  if (isRunning) return running(facts, event, lane)
  const blocked = hindered(facts)
  if (blocked !== undefined) return blocked
  const { state } = lane
  const head = lane.head as WaitingEvent
  if (before > 0) return say('behind', { ahead: before, behind: headOf(lane, head, facts) })
  if (lane.failingPublications > 0 || lane.burying > 0) {
    // What it waits for has left the lane; its offset is not known any more.
    return lane.burying > 0 ? say('burying', { ahead: 1 }) : say('sink-refuses', { ahead: 1 })
  }
  if (state === 'waiting') return retryWaits(event, lane.dueAtMs, lane.maxAttempts)
  if (state === 'unrouted') return say('no-version', { problem: problemOf(facts) })
  return ready(facts, event)
}

function leaving({ trigger }: EventFacts, lane: LaneView | undefined): Decision {
  if (lane === undefined) return say('leaving', {})
  if (lane.burying > 0 && lane.publications === 0) return say('burying', {})
  if (lane.failingPublications > 0) return say('sink-refuses', {})
  return say(lane.publications > 0 && trigger.hasSinks ? 'publishing' : 'leaving', {})
}

function running({ version }: EventFacts, event: WaitingEvent, lane: LaneView): Decision {
  const facts = {
    ...attemptOf(event, lane.maxAttempts),
    ...some('version', lane.version),
    ...some('sinceMs', lane.runningSinceMs),
  }
  if (!isVersion(version) || version.workers > 0) return say('running', facts)
  return say('worker-starting', { ...facts, ...some('problem', version.problem) })
}

function whileParked(facts: EventFacts, parked: NonNullable<EventFacts['parked']>): Decision {
  const { row, first, lane, place } = parked
  if (place?.kind === 'in-lane' && place.isRunning) return running(facts, place.event, lane as LaneView)
  // Its handler is through, although its row stays until what came of it is out.
  const isLeaving = lane !== undefined && (lane.publications > 0 || lane.burying > 0)
  if (isLeaving && place === undefined && first === undefined) return leaving(facts, lane)
  const blocked = hindered(facts)
  if (blocked !== undefined) return blocked
  const maxAttempts = isVersion(facts.version) ? facts.version.maxAttempts : lane?.maxAttempts
  if (first !== undefined) return say('parked', { behind: parkedHead(first, lane, maxAttempts, facts) })
  if (lane?.state === 'unrouted') return say('no-version', { problem: problemOf(facts) })
  if (row.dueAtMs > facts.nowMs)
    return say('parked', { ...parkedAttempt(row, maxAttempts), ...some('dueAtMs', row.dueAtMs) })
  return lane?.state === 'ready'
    ? ready(facts, { offset: row.offset, attempt: row.attempt, lastFailure: undefined })
    : say('parked', parkedAttempt(row, maxAttempts))
}

/** Nothing of it is left to be done: what was done is told as far as it is known. */
function complete({ record, intake, trigger, version, offset, place, committed }: EventFacts): Decision {
  const { start, createdAtMs } = trigger
  if (record.kind === 'missing') return say('missing', {})
  if (record.kind === 'kept' && isBefore(start, createdAtMs, record.timestampMs, offset)) return say('before-start', {})
  if (record.kind === 'kept' && intake.kind === 'filtered') return say('filtered', { filter: intake.condition })
  if (record.kind === 'kept' && intake.kind === 'skipped') return say('skipped', { problem: intake.problem })
  const isCommitted = committed !== undefined && offset < committed
  return say('done', {
    ...(place === undefined || isCommitted ? some('offset', committed) : {}),
    ...(record.kind === 'expired' ? { problem: 'its record is not kept any more' } : {}),
    ...(isVersion(version) ? { version: version.label } : {}),
  })
}

/** The trigger has not come to it. */
function toCome(facts: EventFacts): Decision {
  const { record, intake, place, offset } = facts
  if (record.kind === 'expired') return say('expired', { offset: record.low })
  if (record.kind === 'missing') return say('missing', {})
  if (intake.kind === 'filtered') return say('filtered', { filter: intake.condition })
  if (intake.kind === 'skipped') return say('skipped', { problem: intake.problem })
  const blocked = hindered(facts)
  if (blocked !== undefined) return blocked
  if (place === undefined || place.kind === 'not-assigned') return say('not-assigned', {})
  if (place.kind !== 'not-taken') return say('leaving', {})
  const ahead = offset - place.next
  return place.isFull ? say('not-taken', { ahead, offset: place.oldest }) : say('not-taken', { ahead })
}

/** It could start: what it lacks is a worker. */
function ready({ version }: EventFacts, event: WaitingEvent): Decision {
  if (!isVersion(version)) return say('next', { attempt: event.attempt })
  const { label, permits, workers, busy, ready: events, scaling, problem, isQuarantined, maxAttempts } = version
  const { limitedBy, permitAtMs } = version
  const facts = {
    ...attemptOf(event, maxAttempts),
    version: label,
    workers: permits,
    ready: events,
    ...some('scaling', scaling),
  }
  if (isQuarantined) return say('no-worker', { ...facts, problem: problem ?? 'its workers cannot start' })
  if (limitedBy !== undefined) return say('no-permit', { ...facts, limit: limitedBy, ...some('dueAtMs', permitAtMs) })
  if (permits === 0) return say('no-worker', facts)
  if (workers === 0) return say('worker-starting', facts)
  return say(busy >= permits ? 'no-worker' : 'next', facts)
}

function retryWaits(event: WaitingEvent, dueAtMs: number | undefined, maxAttempts: number | undefined): Decision {
  return say('retry-waits', { ...attemptOf(event, maxAttempts), ...some('dueAtMs', dueAtMs) })
}

/** What keeps it from starting whatever else may be so: the state of the trigger, or a pause of what it belongs to. */
function hindered({ trigger, hold }: EventFacts): Decision | undefined {
  return gateDecision(trigger.gate) ?? (hold === undefined ? undefined : pausedBy(hold.pause, hold.target))
}

function pausedBy({ reason, by, sinceMs, expiresAtMs }: PauseRecord, target?: string): Decision {
  return say('paused', {
    ...{ reason, by, sinceMs },
    ...some('untilMs', expiresAtMs),
    ...some('paused', target),
  })
}

/** Why the whole trigger starts nothing. */
export function gateDecision(gate: GateFacts): Decision | undefined {
  switch (gate.kind) {
    case 'open':
      return undefined
    case 'stopped':
      return say('stopped', { problem: gate.problem })
    case 'disabled':
      return say('disabled', { problem: gate.problem })
    case 'paused':
      return pausedBy(gate.pause)
  }
}

/** The event that others of its key wait for. */
function headOf(lane: LaneView, head: WaitingEvent, { version }: EventFacts): Behind {
  const attempt = attemptOf(head, lane.maxAttempts ?? (isVersion(version) ? version.maxAttempts : undefined))
  const state = (): Behind['state'] => {
    if (lane.burying > 0) return 'burying'
    if (lane.failingPublications > 0) return 'sink-refuses'
    if (lane.state === 'running') return 'running'
    if (lane.state === 'waiting') return 'retry-waits'
    return lane.state === 'unrouted' ? 'no-version' : 'ready'
  }
  return { offset: head.offset, state: state(), ...attempt, ...some('dueAtMs', lane.dueAtMs) }
}

function parkedHead(
  first: ParkedFacts,
  lane: LaneView | undefined,
  maxAttempts: number | undefined,
  { nowMs }: EventFacts,
): Behind {
  const state = (): Behind['state'] => {
    if (lane?.state === 'running') return 'running'
    if (lane?.state === 'unrouted') return 'no-version'
    return lane?.state === 'ready' ? 'ready' : 'parked'
  }
  const due = first.dueAtMs > nowMs ? { dueAtMs: first.dueAtMs } : {}
  return { offset: first.offset, state: state(), ...parkedAttempt(first, maxAttempts), ...due }
}

function parkedAttempt({ attempt, failure }: ParkedFacts, maxAttempts: number | undefined) {
  return { attempt, ...some('maxAttempts', maxAttempts), ...some('failure', failure) }
}

function attemptOf({ attempt, lastFailure }: WaitingEvent, maxAttempts: number | undefined) {
  const failure = lastFailure === undefined ? undefined : { reason: lastFailure.reason, message: lastFailure.message }
  return { attempt, ...some('maxAttempts', maxAttempts), ...some('failure', failure) }
}

/** Whether a trigger began behind an event. */
function isBefore(
  start: EventFacts['trigger']['start'],
  createdAtMs: number,
  timestampMs: number,
  offset: number,
): boolean {
  if (start === 'earliest') return false
  if (start === 'latest') return timestampMs < createdAtMs
  return 'timestampMs' in start ? timestampMs < start.timestampMs : offset < start.offset
}

const isVersion = (version: EventFacts['version']): version is VersionFacts =>
  version !== undefined && 'label' in version

const problemOf = ({ version }: EventFacts): string =>
  version === undefined || isVersion(version) ? 'no version is there to run it' : version.problem

const say = (verdict: Verdict, facts: WhyFacts): Decision => ({ verdict, facts })

const some = <Name extends string, Value>(name: Name, value: Value | undefined): { [key in Name]?: Value } =>
  value === undefined ? {} : ({ [name]: value } as { [key in Name]?: Value })
