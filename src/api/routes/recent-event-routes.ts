import Type, { type Static } from 'typebox'
import { namePattern } from '../../config/sections/name.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { answers, ok, route, type ApiRoute } from '../api-route.ts'
import type { RecentEventsQuery } from '../recent-events-control.ts'
import { recentEventPage } from '../views/recent-event-view.ts'
import { strict } from './route-fields.ts'

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description }))
const whole = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description }))
const name = (description: string) => Type.Optional(Type.String({ pattern: namePattern, description }))

const recentEventsQuery = Type.Object(
  {
    trace: Type.Optional(
      Type.String({
        pattern: '^([0-9a-f]{32}|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})$',
        description: 'A trace id, or a traceparent that has it.',
      }),
    ),
    id: text('Id of an event.'),
    key: text('An ordering key.'),
    partition: whole('With stream and offset: the event at that place.'),
    offset: whole('With stream and partition: the event at that place.'),
    stream: name('Only in this stream.'),
    trigger: name('Only in this trigger.'),
    failed: Type.Boolean({
      default: false,
      description: 'Only events with a failed attempt, a failed sink or a dead letter.',
    }),
    fromMs: whole('Only what happened then or later; ms since the epoch.'),
    toMs: whole('Only what happened before; ms since the epoch.'),
    before: whole('`next` of the page before.'),
    limit: Type.Integer({ minimum: 1, maximum: 200, default: 20 }),
    search: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 20_000,
      description: 'Newest events of each stream that are looked through for what the index does not have.',
    }),
    data: Type.Boolean({ default: false, description: 'Whether attributes and bytes of the events are told.' }),
  },
  strict,
)

export const recentEventRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/recent-events',
    operationId: 'listRecentEvents',
    tag: 'triggers',
    summary: 'What happened to recent events: found by trace, id, key or position, or the newest.',
    query: recentEventsQuery,
    answers: { 200: answers(recentEventPage) },
    problems: [404],
    handle: async (control, { query }) => ok(await control.recentEvents(questionOf(query))),
  }),
]

/** @throws {SluiceError} SLUICE_API_INVALID_REQUEST when it asks for two things at once. */
function questionOf(query: Static<typeof recentEventsQuery>): RecentEventsQuery {
  const { trace, id, key, partition, offset, ...rest } = query
  const { stream } = rest
  const isPlace = partition !== undefined || offset !== undefined
  if ([trace !== undefined, id !== undefined, key !== undefined, isPlace].filter(Boolean).length > 1)
    throw invalid('query must have at most one of trace, id, key, and stream with partition and offset')
  if (isPlace) {
    if (partition === undefined || offset === undefined || stream === undefined)
      throw invalid('query must have stream, partition and offset together')
    return { ...rest, wanted: { kind: 'place', place: { stream, partition, offset } } }
  }
  if (trace !== undefined)
    return { ...rest, wanted: { kind: 'trace', value: trace.length === 32 ? trace : trace.slice(3, 35) } }
  if (id !== undefined) return { ...rest, wanted: { kind: 'id', value: id } }
  if (key !== undefined) return { ...rest, wanted: { kind: 'key', value: key } }
  return { ...rest, wanted: { kind: 'newest' } }
}

const invalid = (message: string): SluiceError => new SluiceError('SLUICE_API_INVALID_REQUEST', message)
