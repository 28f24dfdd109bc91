import type { Verdict } from '../../../src/api/views/why-view.ts'
import type { EventPlace, LaneView, WaitingEvent } from '../../../src/dispatch/inspection.ts'
import type { EventFacts, GateFacts, TriggerFacts, VersionFacts } from '../../../src/gateway/why/event-facts.ts'

export const nowMs = Date.UTC(2026, 2, 1, 14, 1, 58)
export const dueAtMs = Date.UTC(2026, 2, 1, 14, 2, 10)
const failure = { reason: 'error', message: 'no price' }

export const trigger: TriggerFacts = {
  name: 'price-orders',
  stream: 'orders',
  ordering: 'key',
  gate: { kind: 'open' },
  start: 'earliest',
  createdAtMs: nowMs - 60_000,
  hasSinks: true,
}

const version: VersionFacts = {
  label: 'price@3',
  maxAttempts: 5,
  permits: 2,
  workers: 2,
  busy: 2,
  ready: 7,
  isQuarantined: false,
  problem: undefined,
  scaling: '3→2: 7 waiting',
  limitedBy: undefined,
  permitAtMs: undefined,
}

const fresh: WaitingEvent = { offset: 4711, attempt: 1, lastFailure: undefined }
export const failed: WaitingEvent = {
  offset: 4708,
  attempt: 3,
  lastFailure: { atMs: 1, attempt: 2, stage: 'handler', ...failure },
}

const lane: LaneView = {
  key: 'c7',
  partition: 3,
  state: 'ready',
  events: 2,
  head: failed,
  dueAtMs: undefined,
  runningSinceMs: undefined,
  publications: 0,
  failingPublications: 0,
  burying: 0,
  version: 'price@3',
  maxAttempts: 5,
}

/** An event that is ready while both workers are busy; each row of the table says what is different. */
export const base: EventFacts = {
  nowMs,
  trigger,
  partition: 3,
  offset: 4711,
  key: 'c7',
  record: { kind: 'kept', timestampMs: nowMs - 30_000 },
  intake: { kind: 'taken' },
  place: head({}, fresh),
  hold: undefined,
  committed: 4708,
  parked: undefined,
  redrive: undefined,
  deadLetter: undefined,
  version,
}

export function head(more: Partial<LaneView>, event: WaitingEvent = fresh, isRunning = false): EventPlace {
  return { kind: 'in-lane', lane: { ...lane, head: event, ...more }, event, before: 0, isRunning }
}

const second = (more: Partial<LaneView>): EventPlace => ({
  kind: 'in-lane',
  lane: { ...lane, ...more },
  event: fresh,
  before: 1,
  isRunning: false,
})

export const closed = (gate: GateFacts): TriggerFacts => ({ ...trigger, gate })
const pause = { reason: 'a database is moved', by: 'ada', sinceMs: nowMs - 60_000 }
export const paused: GateFacts = { kind: 'paused', pause }
export const held = { target: 'key price-orders c7', pause: { ...pause, expiresAtMs: dueAtMs } }
const row = { offset: 4711, attempt: 2, dueAtMs, failure }
const parked = { row, first: undefined, lane: undefined, place: undefined }
const letter = { id: 9, stage: 'handler', atMs: nowMs - 1_000, attempts: 5, failure }
export const notTaken = { kind: 'not-taken', next: 4700, oldest: 4650, isFull: false } as const
export const complete = { kind: 'complete' } as const

export const subject = 'price-orders: event 42 of key c7 (orders/3, offset 4711) '

const byPartition: TriggerFacts = { ...trigger, ordering: 'partition' }
const unordered: TriggerFacts = { ...trigger, ordering: 'none' }

export const table: readonly (readonly [Verdict, Partial<EventFacts>, string])[] = [
  // It is in a lane.
  [
    'no-worker',
    {},
    'is ready and waits for a worker: all 2 workers of price@3 are busy, 7 events ready (3→2: 7 waiting)',
  ],
  ['next', { version: { ...version, busy: 1 } }, 'is ready and starts next: attempt 1 of 5 by price@3'],
  ['next', { version: undefined }, 'is ready and starts next: attempt 1'],
  [
    'no-worker',
    { version: { ...version, permits: 0, workers: 0 } },
    'waits for a permit: price@3 may have no worker now (3→2: 7 waiting)',
  ],
  [
    'no-permit',
    { version: { ...version, busy: 0, limitedBy: 'limited to 10/s', permitAtMs: nowMs + 5_000 } },
    'is ready and waits for a permit: function price is limited to 10/s, 7 events ready; the next one comes at 2026-03-01T14:02:03Z',
  ],
  [
    'no-permit',
    { version: { ...version, limitedBy: 'limited to 4 at once' } },
    'is ready and waits for a permit: function price is limited to 4 at once, 7 events ready; the next one comes when a call ends',
  ],
  [
    'worker-starting',
    { version: { ...version, workers: 0, scaling: undefined } },
    'waits for a worker of price@3 that is starting',
  ],
  [
    'no-worker',
    { version: { ...version, isQuarantined: true, problem: 'x is not defined' } },
    'waits for a worker of price@3, which cannot start one: x is not defined',
  ],
  [
    'running',
    { place: head({ state: 'running', runningSinceMs: nowMs }, fresh, true) },
    'is running in price@3 since 2026-03-01T14:01:58Z: attempt 1 of 5',
  ],
  [
    'running',
    { place: head({ state: 'running' }, { ...failed, offset: 4711 }, true), trigger: closed(paused) },
    'is running in price@3: attempt 3 of 5 (no price)',
  ],
  [
    'worker-starting',
    { place: head({ state: 'running' }, fresh, true), version: { ...version, workers: 0, problem: 'it crashed' } },
    'waits for a worker of price@3 that is starting (it crashed)',
  ],
  [
    'retry-waits',
    { place: head({ state: 'waiting', dueAtMs }, failed) },
    'failed and waits for attempt 3 of 5 due at 2026-03-01T14:02:10Z (no price); later events of its key wait for it',
  ],
  [
    'no-version',
    { place: head({ state: 'unrouted' }), version: { problem: 'function price has no alias live' } },
    'waits for a version that can run it: function price has no alias live',
  ],
  [
    'sink-refuses',
    { place: head({ state: 'blocked', failingPublications: 1 }) },
    'waits until the results of the event before it are out: a sink refuses them, and they are sent again',
  ],
  [
    'burying',
    { place: head({ state: 'blocked', burying: 1 }) },
    'waits until the dead letter of the event before it is written',
  ],
  // Behind another one.
  [
    'behind',
    { place: second({ state: 'waiting', dueAtMs }) },
    'waits behind offset 4708 of its key, whose attempt 3 of 5 is due at 2026-03-01T14:02:10Z (no price)',
  ],
  [
    'behind',
    { place: { ...second({ state: 'running' }), before: 3 } as EventPlace },
    'waits behind offset 4708 of its key, which is running: attempt 3 of 5 (no price), and 2 events after that',
  ],
  [
    'behind',
    { place: second({ state: 'ready' }) },
    'waits behind offset 4708 of its key, whose attempt 3 of 5 is ready and waits for a worker (no price)',
  ],
  ['behind', { place: second({ state: 'unrouted' }) }, 'waits behind offset 4708 of its key, which no version can run'],
  [
    'behind',
    { place: second({ state: 'blocked', failingPublications: 1 }) },
    'waits behind offset 4708 of its key, and a sink refuses the results of one before it',
  ],
  [
    'behind',
    { place: second({ state: 'blocked', burying: 1 }) },
    'waits behind offset 4708 of its key, and the dead letter of one before it is being written',
  ],
  [
    'behind',
    { place: second({ state: 'running' }), trigger: byPartition },
    'waits behind offset 4708 of its partition, which is running: attempt 3 of 5 (no price)',
  ],
  [
    'retry-waits',
    { place: head({ state: 'waiting', dueAtMs }, failed), trigger: unordered },
    'failed and waits for attempt 3 of 5 due at 2026-03-01T14:02:10Z (no price)',
  ],
  // On its way out.
  [
    'publishing',
    { place: { kind: 'leaving', lane: { ...lane, publications: 1 } } },
    'was handled; its results are on their way to the sinks',
  ],
  [
    'sink-refuses',
    { place: { kind: 'leaving', lane: { ...lane, publications: 1, failingPublications: 1 } } },
    'was handled, but a sink refuses its results; they are sent again',
  ],
  [
    'burying',
    { place: { kind: 'leaving', lane: { ...lane, burying: 1 } } },
    'has no attempt left; its dead letter is being written',
  ],
  ['leaving', { place: { kind: 'leaving', lane: undefined } }, 'was handled; what came of it is being stored or sent'],
  // Parked.
  ['parked', { place: complete, parked }, 'is parked: attempt 2 of 5 is due at 2026-03-01T14:02:10Z (no price)'],
  [
    'parked',
    { place: complete, parked: { ...parked, row: { ...row, dueAtMs: nowMs - 1 } } },
    'is parked: attempt 2 of 5 comes next (no price)',
  ],
  [
    'parked',
    { place: complete, parked: { ...parked, first: { ...row, offset: 4708 } } },
    'is parked behind offset 4708 of its key, whose attempt 2 of 5 is due at 2026-03-01T14:02:10Z (no price)',
  ],
  [
    'parked',
    { place: complete, parked: { ...parked, first: { ...row, offset: 4708 }, lane: { ...lane, state: 'running' } } },
    'is parked behind offset 4708 of its key, which is running: attempt 2 of 5 (no price)',
  ],
  [
    'running',
    { place: complete, parked: { ...parked, lane, place: head({ state: 'running' }, fresh, true) } },
    'is running in price@3: attempt 1 of 5',
  ],
  [
    'no-worker',
    { place: complete, parked: { ...parked, row: { ...row, dueAtMs: 1 }, lane, place: head({}) } },
    'is ready and waits for a worker: all 2 workers of price@3 are busy, 7 events ready (3→2: 7 waiting)',
  ],
  [
    'no-version',
    {
      place: complete,
      parked: { ...parked, lane: { ...lane, state: 'unrouted' } },
      version: { problem: 'there is no function price' },
    },
    'waits for a version that can run it: there is no function price',
  ],
  [
    'paused',
    { place: complete, parked, trigger: closed(paused) },
    'waits because price-orders was paused by ada at 2026-03-01T14:00:58Z: a database is moved',
  ],
  [
    'publishing',
    { place: complete, parked: { ...parked, lane: { ...lane, state: 'idle', head: undefined, publications: 1 } } },
    'was handled; its results are on their way to the sinks',
  ],
  // The trigger as a whole.
  [
    'paused',
    { trigger: closed(paused) },
    'waits because price-orders was paused by ada at 2026-03-01T14:00:58Z: a database is moved',
  ],
  [
    'paused',
    { place: head({ state: 'held' }), hold: held },
    'waits because key c7 was paused by ada at 2026-03-01T14:00:58Z, until 2026-03-01T14:02:10Z: a database is moved',
  ],
  [
    'paused',
    { place: notTaken, hold: { target: 'partition price-orders 3', pause } },
    'waits because partition 3 was paused by ada at 2026-03-01T14:00:58Z: a database is moved',
  ],
  [
    'paused',
    { place: complete, parked, hold: { target: 'version price@3', pause } },
    'waits because price@3 was paused by ada at 2026-03-01T14:00:58Z: a database is moved',
  ],
  [
    'disabled',
    { trigger: closed({ kind: 'disabled', problem: 'function price is disabled' }) },
    'waits because function price is disabled',
  ],
  [
    'stopped',
    { place: undefined, trigger: closed({ kind: 'stopped', problem: 'the gateway has no sink x now' }) },
    'waits because price-orders cannot run: the gateway has no sink x now',
  ],
  [
    'not-assigned',
    { place: { kind: 'not-assigned' } },
    'waits because this gateway does not read orders/3 now: the partition is with another node, or the group is being joined',
  ],
  // Not read yet.
  ['not-taken', { place: notTaken }, 'was not read yet: 11 events of orders/3 before it come first'],
  [
    'not-taken',
    { place: { ...notTaken, isFull: true } },
    'was not read yet: 11 events of orders/3 before it come first, and as many as maxInFlight allows are under way since offset 4650',
  ],
  [
    'filtered',
    { place: notTaken, intake: { kind: 'filtered', condition: 'type: "a" does not hold, its type is b' } },
    'is not for this trigger: its filter does not let it through (type: "a" does not hold, its type is b)',
  ],
  [
    'skipped',
    { place: notTaken, intake: { kind: 'skipped', problem: 'it is a tombstone' } },
    'is skipped: it is a tombstone',
  ],
  [
    'expired',
    { place: notTaken, record: { kind: 'expired', low: 5000 } },
    'is lost for the trigger: retention has taken it before it was read; orders/3 begins at offset 5000',
  ],
  [
    'missing',
    { place: notTaken, record: { kind: 'missing' } },
    'is not in the log: it is damaged, or compaction took it; the trigger steps over it',
  ],
  [
    'not-accepted',
    { record: { kind: 'not-accepted', end: 4709 } },
    'is not there yet: the next event of orders/3 gets offset 4709',
  ],
  // Nothing is left to do.
  ['done', { place: complete, committed: 4800 }, 'is done: the trigger is through with orders/3 up to offset 4800'],
  ['done', { place: complete }, 'is done'],
  [
    'done',
    { place: undefined, committed: 4800, record: { kind: 'expired', low: 4790 } },
    'is done: the trigger is through with orders/3 up to offset 4800, its record is not kept any more',
  ],
  [
    'filtered',
    { place: complete, intake: { kind: 'filtered', condition: 'data does not hold' } },
    'is not for this trigger: its filter does not let it through (data does not hold)',
  ],
  [
    'skipped',
    { place: complete, intake: { kind: 'skipped', problem: 'it is a tombstone' } },
    'is skipped: it is a tombstone',
  ],
  [
    'missing',
    { place: complete, record: { kind: 'missing' } },
    'is not in the log: it is damaged, or compaction took it; the trigger steps over it',
  ],
  [
    'before-start',
    { place: complete, trigger: { ...trigger, start: 'latest', createdAtMs: nowMs } },
    'came before the trigger began, which starts behind it',
  ],
  [
    'before-start',
    { place: complete, trigger: { ...trigger, start: { offset: 4712 } } },
    'came before the trigger began, which starts behind it',
  ],
  [
    'before-start',
    { place: complete, trigger: { ...trigger, start: { timestampMs: nowMs } } },
    'came before the trigger began, which starts behind it',
  ],
  [
    'dead-letter',
    { place: complete, deadLetter: letter },
    'is a dead letter since 2026-03-01T14:01:57Z: 5 failed attempts, the last with no price',
  ],
  [
    'dead-letter',
    {
      place: complete,
      deadLetter: { ...letter, attempts: 0, stage: 'source', failure: { reason: 'unreadable', message: 'no header' } },
    },
    'is a dead letter since 2026-03-01T14:01:57Z: source: unreadable: no header',
  ],
  // What is done over again counts before what came of it before.
  [
    'running',
    { place: head({ state: 'running' }, fresh, true), deadLetter: letter },
    'is running in price@3: attempt 1 of 5',
  ],
]
