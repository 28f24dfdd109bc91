import Type from 'typebox'
import { logLineView } from './log-view.ts'
import { count, type View } from './view-schema.ts'

/** An asynchronous invocation that is durable. */
export const acceptedInvocation = Type.Object({
  id: Type.String({ description: 'Of the event; also the invocation id of its logs.' }),
  stream: Type.String(),
  partition: count(),
  offset: count(),
})

/** The answer of a function with what it logged meanwhile. */
export const loggedInvocation = Type.Object({
  status: Type.Integer({ minimum: 100, maximum: 599 }),
  headers: Type.Record(Type.String(), Type.String()),
  body: Type.Optional(Type.String({ description: 'When it is UTF-8 text.' })),
  bodyBase64: Type.Optional(Type.String({ description: 'When it is not.' })),
  durationMs: Type.Number({ minimum: 0 }),
  version: Type.String({ description: '`latest` or a published number: the version that ran.' }),
  logs: Type.Array(logLineView),
})

export type AcceptedInvocation = View<typeof acceptedInvocation>
export type LoggedInvocation = View<typeof loggedInvocation>
