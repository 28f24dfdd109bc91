import Type from 'typebox'
import { count, known, measured, nullable, oneOf, timeMs, type View } from './view-schema.ts'
import { verdicts } from './why-view.ts'

const timeOrNull = (description: string) => nullable(timeMs(), description)

export const attemptView = Type.Object({
  attempt: count('1 for the first try.'),
  version: Type.String({ description: 'name@version of the function that ran it.' }),
  startedAtMs: timeMs('When it began: its end less its duration. ms since the epoch.'),
  durationMs: Type.Number({ minimum: 0 }),
  outcome: oneOf(
    ['succeeded', 'failed', 'batch-failed', 'suspect'],
    'batch-failed: the call of several events failed. suspect: its worker died, and it is not known why. Both are not charged.',
  ),
  reason: Type.Optional(Type.String({ description: 'error, timeout, crash …' })),
  error: Type.Optional(Type.String({ description: 'At most 500 characters.' })),
  traceId: Type.Optional(Type.String({ description: 'Trace of its span, where it is sampled.' })),
})

export const recentResultView = Type.Object({
  contentType: Type.String(),
  meta: Type.Record(Type.String(), Type.Unknown(), { description: 'What the handler wished for, such as its type.' }),
  dataBytes: count('Of the whole.'),
  crc32: count('Of the whole.'),
  text: nullable(Type.String(), 'What is kept of it, at most 4 KiB; null: it is no text.'),
  dataBase64: Type.Optional(Type.String({ description: 'What is kept of it, at most 4 KiB. Only with data=true.' })),
})

export const sinkDeliveryView = Type.Object({
  sink: Type.String(),
  outcome: oneOf(['delivered', 'failed']),
  attempts: count(),
  startedAtMs: timeMs(),
  durationMs: Type.Number({ minimum: 0, description: 'Over all attempts, waiting included.' }),
  error: Type.Optional(Type.String()),
})

export const eventInTrigger = Type.Object({
  trigger: Type.String(),
  functionRef: nullable(Type.String(), 'Null: there is no such trigger any more.'),
  state: oneOf([...verdicts], 'As in /v1/why.'),
  sentence: Type.String({ description: 'The state in words, as in /v1/why. Times are ISO 8601 in UTC.' }),
  next: nullable(Type.String(), 'What could be done about it; null: nothing need be.'),
  waitedMs: measured('From acceptance to the begin of the first attempt that is known.'),
  attempts: Type.Array(attemptView, { description: 'Oldest first.' }),
  results: known('How many the attempt that succeeded had; null: not known.'),
  result: Type.Array(recentResultView, { description: 'Those that are kept, at most 16 KiB.' }),
  sinks: Type.Array(sinkDeliveryView),
  parkedAtMs: timeOrNull('When it was last set aside.'),
  finishedAtMs: timeOrNull('When it was done, or a dead letter.'),
  recorded: Type.Boolean({
    description:
      'False: the state is known, but not how it came to it: it was left out at a high rate, or before the index began, or a crash lost it.',
  }),
})

export const recentEventView = Type.Object({
  stream: Type.String(),
  partition: count(),
  offset: count(),
  id: nullable(Type.String()),
  source: nullable(Type.String()),
  type: nullable(Type.String()),
  key: nullable(Type.String()),
  traceId: nullable(Type.String(), 'Trace that it came with, or in which it was accepted.'),
  acceptedAtMs: known('When it was accepted, and durable; ms since the epoch.'),
  dataBytes: known(),
  triggers: Type.Array(eventInTrigger),
  event: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'CloudEvents attributes, trace context, and what the protocol knew. Only with data=true.',
    }),
  ),
  dataBase64: Type.Optional(
    nullable(Type.String(), 'The bytes of the event; null: it has none, or they are gone. Only with data=true.'),
  ),
})

export const recentEventPage = Type.Object({
  atMs: timeMs('When this was so.'),
  items: Type.Array(recentEventView, { description: 'Newest first: by what happened last.' }),
  next: known('Give it as `before` for the next page; null at the end.'),
  incomplete: nullable(
    Type.Object({
      leftOut: count('Events that the index left out.'),
      crashes: count('How often the gateway ended without having written its last moments.'),
      fromMs: timeMs(),
      toMs: timeMs(),
      sentence: Type.String(),
    }),
    'Null: nothing is missing of what the index is to hold.',
  ),
})

export type AttemptView = View<typeof attemptView>
export type RecentResultView = View<typeof recentResultView>
export type SinkDeliveryView = View<typeof sinkDeliveryView>
export type EventInTrigger = View<typeof eventInTrigger>
export type RecentEventView = View<typeof recentEventView>
export type RecentEventPage = View<typeof recentEventPage>
