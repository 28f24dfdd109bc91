import Type from 'typebox'
import { known, oneOf, timeMs, type View } from './view-schema.ts'

/** One line of a function's log. */
export const logLineView = Type.Object({
  id: known('Ascending in the order of arrival; null: it is not kept yet.'),
  atMs: timeMs(),
  function: Type.String(),
  version: Type.String({ description: "`latest` or a published number; '' for the function as a whole." }),
  kind: oneOf(['console', 'lifecycle'], 'console: its code wrote it. lifecycle: created, published, deleted …'),
  level: oneOf(['trace', 'debug', 'info', 'warn', 'error']),
  message: Type.String(),
  fields: Type.Optional(Type.Unknown({ description: 'What was logged beside the message, as JSON.' })),
  invocationId: Type.Optional(Type.String()),
  trigger: Type.Optional(Type.String()),
  traceId: Type.Optional(Type.String()),
})

export const logPage = Type.Object({
  items: Type.Array(logLineView, { description: 'Newest first; with `after` oldest first.' }),
  next: known('Give it as `before` (with `after`: as `after`) for the next page; null at the end.'),
})

export type LogLineView = View<typeof logLineView>
export type LogPage = View<typeof logPage>
