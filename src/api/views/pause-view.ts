import Type from 'typebox'
import { known, list, nullable, oneOf, timeMs, type View } from './view-schema.ts'

/** One pause, with what it is of; what does not apply is null. */
export const pauseEntry = Type.Object({
  id: Type.String({ description: 'Made of what is paused: a pause that is repeated has the same.' }),
  kind: oneOf(['trigger', 'partition', 'key', 'version', 'source']),
  trigger: nullable(Type.String(), 'Name; its uid when it is not there any more.'),
  partition: known('Of the stream of the trigger.'),
  key: nullable(Type.String()),
  function: nullable(Type.String()),
  version: nullable(Type.String(), '`latest` or a published number.'),
  source: nullable(Type.String()),
  state: oneOf(['pausing', 'paused'], 'pausing: something of it still runs; nothing more starts.'),
  reason: Type.String(),
  by: Type.String(),
  sinceMs: timeMs(),
  expiresAtMs: known('It ends by itself then; null: somebody has to end it.'),
})

export const pauseList = list(pauseEntry)

export type PauseEntry = View<typeof pauseEntry>

/** What is to be paused, by the names that people use. A function or an alias stands for the triggers that name it. */
export type PauseTarget =
  | { readonly kind: 'trigger'; readonly trigger: string }
  | { readonly kind: 'partition'; readonly trigger: string; readonly partition: number }
  | { readonly kind: 'key'; readonly trigger: string; readonly key: string }
  | { readonly kind: 'version'; readonly function: string; readonly version: string }
  | { readonly kind: 'source'; readonly source: string }
  | { readonly kind: 'function'; readonly function: string }
  | { readonly kind: 'alias'; readonly function: string; readonly alias: string }
