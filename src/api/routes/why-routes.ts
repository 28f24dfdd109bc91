import Type, { type Static } from 'typebox'
import { namePattern } from '../../config/sections/name.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { answers, ok, route, type ApiRoute } from '../api-route.ts'
import { whyView } from '../views/why-view.ts'
import type { WhyQuery } from '../why-control.ts'
import { strict } from './route-fields.ts'

const place = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description }))

const whyQuery = Type.Object(
  {
    event: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: 'Id of an event.' })),
    partition: place('With stream and offset: the event at that place.'),
    offset: place('With stream and partition: the event at that place.'),
    key: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: 'An ordering key.' })),
    trigger: Type.Optional(
      Type.String({ pattern: namePattern, description: 'Only in this trigger; alone: the trigger itself.' }),
    ),
    stream: Type.Optional(Type.String({ pattern: namePattern, description: 'Only in this stream.' })),
    source: Type.Optional(Type.String({ pattern: namePattern, description: 'Alone: why a source takes nothing.' })),
    search: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 20_000,
      description:
        'With event: newest events of each stream that are looked through, if nothing that waits has the id.',
    }),
  },
  strict,
)

export const whyRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/why',
    operationId: 'why',
    tag: 'triggers',
    summary:
      'Why an event, the events of a key, a trigger or a source do not run: one sentence for each, and its facts.',
    query: whyQuery,
    answers: { 200: answers(whyView) },
    problems: [404],
    handle: async (control, { query }) => ok(await control.why(questionOf(query))),
  }),
]

/** @throws {SluiceError} SLUICE_API_INVALID_REQUEST when it asks about nothing, or about two things at once. */
function questionOf(query: Static<typeof whyQuery>): WhyQuery {
  const { event, partition, offset, key, trigger, stream, source, search } = query
  const inTrigger = trigger === undefined ? {} : { trigger }
  const inStream = stream === undefined ? {} : { stream }
  const isPlace = partition !== undefined || offset !== undefined
  if ([event !== undefined, isPlace, key !== undefined].filter(Boolean).length > 1)
    throw invalid('query must have one of event, key, and stream with partition and offset')
  if (source !== undefined) {
    if (event === undefined && !isPlace && key === undefined && trigger === undefined && stream === undefined)
      return { kind: 'source', source }
    throw invalid('query must have source alone')
  }
  if (event !== undefined) return { kind: 'event', id: event, search, ...inTrigger, ...inStream }
  if (key !== undefined) return { kind: 'key', key, ...inTrigger, ...inStream }
  if (isPlace) {
    if (partition === undefined || offset === undefined || stream === undefined)
      throw invalid('query must have stream, partition and offset together')
    return { kind: 'position', stream, partition, offset, ...inTrigger }
  }
  if (trigger === undefined || stream !== undefined)
    throw invalid('query must have event, key, stream with partition and offset, or trigger or source alone')
  return { kind: 'trigger', trigger }
}

const invalid = (message: string): SluiceError => new SluiceError('SLUICE_API_INVALID_REQUEST', message)
