import Type from 'typebox'
import { count, detail, known, measured, oneOf, timeMs, nullable, type View } from './view-schema.ts'

/*
 * The whole gateway in one answer, short enough to be asked for every second: rows are figures and states, and what a
 * row leads to says the rest. Counters grow since the start of the gateway; differences between two answers are rates.
 */

const problem = Type.Object({
  severity: oneOf(
    ['critical', 'warning', 'notice'],
    'critical: something does not run, or takes nothing. warning: it will need somebody. notice: somebody wanted it so.',
  ),
  kind: oneOf(['gateway', 'source', 'stream', 'trigger', 'function', 'sink']),
  name: Type.String({ description: "What it is about; '' for the gateway." }),
  sentence: Type.String({ description: 'What is wrong, in words.' }),
  sinceMs: Type.Optional(timeMs('Since when, where it is known; ms since the epoch.')),
})

const sourceRow = Type.Object({
  name: Type.String(),
  kind: oneOf(['http', 'mqtt', 'kafka', 'schedule']),
  state: oneOf(['stopped', 'starting', 'running', 'impaired', 'disabled', 'paused']),
  stream: nullable(Type.String()),
  accepted: count(),
  refused: count(),
})

const streamRow = Type.Object({
  name: Type.String(),
  kind: oneOf(['home', 'kafka']),
  partitions: count(),
  appended: count('Events that were ever written to it: the sum of its end offsets.'),
  kept: count('Events that it still has.'),
  bytes: known('On disk; null for Kafka.'),
})

const triggerRow = Type.Object({
  name: Type.String(),
  stream: Type.String(),
  function: Type.String(),
  functionRef: Type.String(),
  sinks: Type.Array(Type.String()),
  isInternal: Type.Boolean({ description: 'It reads asynchronous invocations of its function.' }),
  state: oneOf(['running', 'pausing', 'paused', 'probing', 'stopped', 'disabled']),
  lag: known('Events that are not completed; null: not known now.'),
  inFlight: count(),
  succeeded: count('Events.'),
  failed: count('Attempts.'),
  parkedKeys: count(),
  deadLetters: count('Kept now.'),
})

const poolRow = Type.Object({
  function: Type.String(),
  version: Type.String({ description: '`latest` or a published number.' }),
  state: oneOf(['starting', 'ready', 'draining', 'quarantined', 'closed']),
  permitted: count('Workers that may run.'),
  workers: count('Threads alive.'),
  busy: count('Threads at work.'),
  succeeded: count(),
  failed: count(),
  serviceTimeMs: measured('Smoothed time of one event in ms; null before the first.'),
})

const sinkRow = Type.Object({
  name: Type.String(),
  kind: oneOf(['http', 'mqtt', 'kafka', 'stream']),
  ready: Type.Boolean(),
  detail,
})

export const overviewView = Type.Object({
  atMs: timeMs('When this was true.'),
  version: Type.String({ description: 'Of the gateway.' }),
  startedAtMs: timeMs(),
  ready: Type.Boolean({ description: 'Everything that has to run runs.' }),
  problems: Type.Array(problem, { description: 'What is wrong now, the worst first; at most 100.' }),
  problemCount: count('All of them.'),
  functionCount: count(),
  cores: count('Cores that the workers share.'),
  sources: Type.Array(sourceRow),
  streams: Type.Array(streamRow),
  triggers: Type.Array(triggerRow),
  pools: Type.Array(poolRow, { description: 'One for each version that something uses.' }),
  sinks: Type.Array(sinkRow),
})

export type Problem = View<typeof problem>
export type OverviewView = View<typeof overviewView>
