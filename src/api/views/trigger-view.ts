import Type from 'typebox'
import { triggerSchema } from '../../config/sections/trigger.ts'
import { count, detail, known, nullable, oneOf, revision, timeMs, type View } from './view-schema.ts'

export const partitionView = Type.Object({
  partition: count(),
  committed: known('Next offset that is not completed; null: nothing was ever committed.'),
  end: known('Offset that the next event will get.'),
  lag: known('Events that are not completed; null: not known now, which never means zero.'),
  inFlight: count(),
})

export const pauseView = Type.Object({
  reason: Type.String(),
  by: Type.String(),
  sinceMs: timeMs(),
  expiresAtMs: known('It ends by itself then; null: somebody has to end it.'),
})

export const breakerView = Type.Object({
  state: oneOf(
    ['closed', 'open', 'half-open'],
    'open: it has paused the trigger. half-open: single events run, and when they succeed it resumes it.',
  ),
  attempts: count('In the window now.'),
  failures: count('Of those attempts.'),
  openings: count('Since the trigger was built, after probes that failed as well.'),
  probeAtMs: known('When single events are tried again; null: it is not open.'),
})

export const triggerView = Type.Object({
  name: Type.String(),
  uid: Type.String({ description: 'Names its consumer group: a trigger that is made again is another group.' }),
  managedBy: oneOf(
    ['api', 'config', 'gateway'],
    'config: only the configuration file changes it. gateway: it reads asynchronous invocations.',
  ),
  state: oneOf(
    ['running', 'pausing', 'paused', 'probing', 'stopped', 'disabled'],
    'probing: paused by its circuit breaker, which lets single events run to find out whether it can go on.',
  ),
  stream: Type.String(),
  function: Type.String({ description: 'Name of the function.' }),
  functionRef: Type.String({ description: 'The function as the definition says it: price, price@3 or price@live.' }),
  resolvesTo: Type.Array(
    Type.Object({
      version: Type.String({ description: '`latest` or a published number.' }),
      weight: Type.Number({ description: 'Share in percent.' }),
    }),
    { description: 'Versions that its events go to now; empty: none, and they wait.' },
  ),
  problem: nullable(Type.String(), 'Why its function cannot run, such as: function price is disabled.'),
  ordering: oneOf(['key', 'partition', 'none']),
  delivery: oneOf(
    ['at-least-once', 'at-most-once'],
    'at-most-once: offsets are committed before events run, so `lag` is what is not taken and `inFlight` what a crash would lose.',
  ),
  retryMode: oneOf(
    ['in-order', 'delayed'],
    'delayed: an event that failed leaves the order of its key, and later ones overtake it.',
  ),
  sinks: Type.Array(Type.String()),
  definition: triggerSchema,
  lag: known('Sum over the partitions.'),
  inFlight: count('Events between reading and completion.'),
  parkedKeys: count('Keys whose events wait aside, and single events that do.'),
  parkedEvents: count(),
  retries: count('Attempts after the first, since the start.'),
  delayed: count('Events that left the order of their key to be tried again later, since the start.'),
  succeeded: count('Events, since the start.'),
  failed: count('Attempts, since the start.'),
  deadLetters: count('Kept now.'),
  partitions: Type.Array(partitionView),
  paused: nullable(pauseView),
  breaker: nullable(breakerView, 'What pauses it by itself; null: it has none, or does not run.'),
  expiresAtMs: known('Deleted at this time unless it is renewed; null: kept.'),
  revision,
  createdAtMs: timeMs(),
  updatedAtMs: timeMs(),
  detail,
})

export type PartitionView = View<typeof partitionView>
export type PauseView = View<typeof pauseView>
export type TriggerView = View<typeof triggerView>
