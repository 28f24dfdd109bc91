import Type from 'typebox'
import { count, known, measured, nullable, oneOf, timeMs, type View } from './view-schema.ts'

const skipped = Type.Object(
  {
    redrivenTooOften: count('Their redrives have failed 3 times or more; `force` takes them, and so does naming them.'),
    neverAnEvent: count('Nothing could be read from them that a function could be given.'),
    beingRedriven: count('Part of a redrive that runs.'),
  },
  { description: 'Letters that match and are left where they are.' },
)

export const redrivePlan = Type.Object({
  trigger: Type.String(),
  matching: count('Letters that were asked for.'),
  total: count('Letters that a redrive takes.'),
  skipped,
})

export const redriveView = Type.Object({
  id: Type.Integer(),
  trigger: Type.String(),
  state: oneOf(
    ['running', 'done', 'cancelled'],
    'done: every letter has succeeded or is back. cancelled: no more are taken; those under way end.',
  ),
  filter: Type.Record(Type.String(), Type.Unknown(), { description: 'Which letters; empty: all.' }),
  total: count('Letters that it takes.'),
  redriven: count('Taken so far: under way, succeeded or failed.'),
  succeeded: count('The letter is gone.'),
  failed: count('The letter is back, with a longer history.'),
  inFlight: count('Under way: waiting for their turn, running, or between two attempts.'),
  guarded: count('Letters that were left out because their redrives had failed too often.'),
  ratePerSecond: measured('null: as fast as the trigger takes them.'),
  version: nullable(Type.String(), 'The version or alias that runs them; null: what the trigger runs.'),
  startedAtMs: timeMs(),
  endedAtMs: known(),
})

export type RedrivePlanView = View<typeof redrivePlan>
export type RedriveView = View<typeof redriveView>
