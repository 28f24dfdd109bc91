import Type from 'typebox'
import { count, known, nullable, oneOf, timeMs, type View } from './view-schema.ts'

export const deadLetterView = Type.Object({
  id: Type.Integer({ description: 'Ascending in the order of their making; a letter whose redrive fails keeps it.' }),
  trigger: Type.String(),
  stream: Type.String(),
  partition: count(),
  offset: count(),
  key: Type.String(),
  stage: oneOf(['source', 'handler', 'sink']),
  function: Type.String({ description: 'name@version that ran the last attempt; empty when none did.' }),
  reason: Type.String(),
  message: Type.String(),
  attempts: count('Failed ones, over all redrives.'),
  failures: Type.Array(Type.Unknown(), {
    description: 'The newest 1,000 failed attempts with their errors; `redrive` counts the redrives before, if any.',
  }),
  redrives: count('How many redrives of it have failed.'),
  redrive: known('The redrive that it is part of now; null: it lies still.'),
  results: Type.Array(Type.Unknown(), {
    description:
      'Results of an event that a sink refused: meta, contentType, data in base64, and sentTo, the sinks that have it all the same.',
  }),
  acceptedAtMs: timeMs('When the event was accepted, in ms since the epoch.'),
  createdAtMs: timeMs('When it became a dead letter for the first time, in ms since the epoch.'),
  lastAttemptAtMs: timeMs('When the last attempt ended, in ms since the epoch.'),
  event: Type.Record(Type.String(), Type.Unknown(), {
    description:
      'CloudEvents attributes, trace context, and what the protocol knew; only its id when it never was an event.',
  }),
  headerBase64: nullable(
    Type.String(),
    'Of what never was an event: what it had instead of attributes; of a Kafka record JSON with its key and headers.',
  ),
  dataBase64: nullable(
    Type.String(),
    'The original bytes; null for a tombstone. In a list the first 64 KiB, whole when asked for alone or exported.',
  ),
  dataBytes: count(),
})

export const deadLetterPage = Type.Object({
  items: Type.Array(deadLetterView),
  total: count('Kept of this trigger, whether they match or not.'),
  matching: count('As many as the filter lets through; counted up to 100,000.'),
  next: known('Give it as `before` for the next page; null at the end.'),
})

export const deadLetterDeletion = Type.Object({
  dryRun: Type.Boolean({ description: 'Nothing was deleted.' }),
  matching: count('Letters that the filter lets through.'),
  deleted: count('Letters that are part of a redrive stay.'),
})

export type DeadLetterView = View<typeof deadLetterView>
export type DeadLetterPage = View<typeof deadLetterPage>
export type DeadLetterDeletionView = View<typeof deadLetterDeletion>
