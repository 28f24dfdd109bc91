import Type from 'typebox'
import { count, type View } from './view-schema.ts'

/** What moving the place of a trigger does, or would do. */
export const seekView = Type.Object({
  moved: Type.Boolean({ description: 'false: a dry run.' }),
  skipped: count('Events that will not run, at most: those that the filter of the trigger leaves out are among them.'),
  repeated: count('Events that run again, at most.'),
  parked: count('Events that are parked; they stay, and run when the trigger is resumed.'),
  notMoved: Type.Array(count(), {
    description: 'Partitions that another member of the Kafka group holds: they stand where they stood.',
  }),
  partitions: Type.Array(
    Type.Object({
      partition: count(),
      from: count('Next offset that is not completed.'),
      to: count('Next offset that runs.'),
    }),
  ),
})

export type SeekView = View<typeof seekView>
