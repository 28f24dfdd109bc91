import Type from 'typebox'
import { count, known, nullable, oneOf, timeMs, type View } from './view-schema.ts'

/** Everything that an answer may say. The first group is about events, the second about triggers and keys. */
export const verdicts = [
  'running',
  'worker-starting',
  'publishing',
  'sink-refuses',
  'burying',
  'leaving',
  'next',
  'no-worker',
  'no-permit',
  'no-version',
  'retry-waits',
  'behind',
  'parked',
  'not-taken',
  'paused',
  'disabled',
  'stopped',
  'not-assigned',
  'done',
  'dead-letter',
  'filtered',
  'skipped',
  'before-start',
  'expired',
  'missing',
  'not-accepted',
  'idle',
  'at-work',
  'nothing-waits',
] as const

const failure = Type.Object({ reason: Type.String(), message: Type.String() }, { description: 'Of the last attempt.' })

export const whyFacts = Type.Object(
  {
    attempt: Type.Optional(count('The attempt that runs or comes next.')),
    maxAttempts: Type.Optional(count()),
    failure: Type.Optional(failure),
    dueAtMs: Type.Optional(timeMs('When the next attempt may begin; ms since the epoch.')),
    sinceMs: Type.Optional(timeMs('Since when it is so; ms since the epoch.')),
    atMs: Type.Optional(timeMs('When it happened; ms since the epoch.')),
    version: Type.Optional(Type.String({ description: 'name@version of the function.' })),
    workers: Type.Optional(count('Workers that the version may have now.')),
    ready: Type.Optional(count('Events that could start now if a worker was free.')),
    limit: Type.Optional(Type.String({ description: 'What the function is limited to: limited to 10/s.' })),
    scaling: Type.Optional(Type.String({ description: 'What the controller decided last for the version, and why.' })),
    reason: Type.Optional(Type.String({ description: 'What somebody said, such as the reason of a pause.' })),
    by: Type.Optional(Type.String({ description: 'Who paused it.' })),
    paused: Type.Optional(
      Type.String({ description: 'What is paused, if not the trigger: as in key price-orders c7.' }),
    ),
    untilMs: Type.Optional(timeMs('When the pause ends by itself; ms since the epoch.')),
    problem: Type.Optional(Type.String({ description: 'What is wrong, in words.' })),
    ahead: Type.Optional(count('Events before it: of its key, or of its partition where it is not read yet.')),
    behind: Type.Optional(
      Type.Object(
        {
          offset: count(),
          state: oneOf(['running', 'retry-waits', 'parked', 'no-version', 'ready', 'sink-refuses', 'burying']),
          attempt: Type.Optional(count()),
          maxAttempts: Type.Optional(count()),
          dueAtMs: Type.Optional(timeMs()),
          failure: Type.Optional(failure),
        },
        { description: 'The event that it waits for, of the same key and partition.' },
      ),
    ),
    redrive: Type.Optional(count('The redrive that runs it again.')),
    deadLetter: Type.Optional(count('Id of the dead letter.')),
    stage: Type.Optional(Type.String({ description: 'Where the dead letter was made: source, handler or sink.' })),
    filter: Type.Optional(Type.String({ description: 'The condition of the filter that does not hold.' })),
    offset: Type.Optional(count('The first offset that is kept, or the one that the next event will get.')),
    waiting: Type.Optional(count('Events that wait or run.')),
    offsets: Type.Optional(Type.Array(count(), { description: 'The oldest events of the key that wait, at most 20.' })),
    lag: Type.Optional(count('Events that are not completed.')),
  },
  { description: 'What the sentence is made of; absent: it does not matter here, or is not known.' },
)

export const whyAnswer = Type.Object({
  trigger: Type.String(),
  functionRef: Type.String(),
  stream: Type.String(),
  partition: known('Of the event that the sentence is about; null: it is about no single event.'),
  offset: known(),
  key: nullable(Type.String(), 'Null: the event has none, or it is not known.'),
  verdict: oneOf([...verdicts]),
  sentence: Type.String({ description: 'Why it runs or does not run. Times are ISO 8601 in UTC.' }),
  next: nullable(Type.String(), 'What could be done about it; null: nothing need be.'),
  facts: whyFacts,
})

export const whySource = Type.Object({
  source: Type.String(),
  kind: oneOf(['http', 'mqtt', 'kafka', 'schedule']),
  stream: nullable(Type.String(), 'What it feeds.'),
  verdict: oneOf(['taking', 'paused', 'impaired', 'starting', 'stopped']),
  sentence: Type.String({ description: 'Whether it takes events, and why not. Times are ISO 8601 in UTC.' }),
  next: nullable(Type.String(), 'What could be done about it; null: nothing need be.'),
  facts: whyFacts,
})

export const whyEvent = Type.Object({
  stream: Type.String(),
  partition: count(),
  offset: count(),
  id: nullable(Type.String()),
  source: nullable(Type.String()),
  type: nullable(Type.String()),
  key: nullable(Type.String()),
  acceptedAtMs: known(),
  traceId: nullable(Type.String(), 'Trace in which it was accepted.'),
  dataBytes: known(),
})

export const whyView = Type.Object({
  atMs: timeMs('When this was so.'),
  events: Type.Array(whyEvent, { description: 'The events that were asked about, as they are kept now.' }),
  answers: Type.Array(whyAnswer, { description: 'One for each event and trigger.' }),
  sources: Type.Array(whySource, {
    description: 'The source that was asked about; otherwise those that feed what was asked about and are paused.',
  }),
  searched: nullable(
    Type.Object({
      streams: Type.Array(Type.String()),
      events: count('Newest events of these streams that were looked through.'),
      complete: Type.Boolean({ description: 'Whether these are all events that the streams keep.' }),
    }),
    'Null: nothing had to be looked for.',
  ),
})

export type Verdict = (typeof verdicts)[number]
export type WhyFacts = View<typeof whyFacts>
export type WhyAnswer = View<typeof whyAnswer>
export type WhySource = View<typeof whySource>
export type WhyEvent = View<typeof whyEvent>
export type WhyView = View<typeof whyView>
