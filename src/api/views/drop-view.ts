import Type from 'typebox'
import { count, type View } from './view-schema.ts'

/** What became of parked events that somebody does not want to run. */
export const dropView = Type.Object({
  dryRun: Type.Boolean(),
  parked: count('Events that were parked when it was asked for.'),
  dropped: count('Events that are dead letters now.'),
})

export type DropView = View<typeof dropView>
