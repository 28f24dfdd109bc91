import Type from 'typebox'
import { namePattern } from '../../config/sections/name.ts'
import { triggerSchema } from '../../config/sections/trigger.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { answers, jsonBody, ok, put, route, taggedAnswers, type ApiRoute } from '../api-route.ts'
import { triggerName } from '../request/path-parameters.ts'
import { deletionView, leaseView } from '../views/lifetime-view.ts'
import { triggerView } from '../views/trigger-view.ts'
import { dropView } from '../views/drop-view.ts'
import { seekView } from '../views/seek-view.ts'
import { namePage } from '../views/view-schema.ts'
import { pauseFields, pauseInputOf } from './pause-routes.ts'
import { expiresAfterMs, pageFields, strict } from './route-fields.ts'

const parameters = { name: triggerName }

const triggerQuery = Type.Object(
  {
    ...pageFields,
    function: Type.Optional(Type.String({ pattern: namePattern, description: 'Only triggers of this function.' })),
  },
  strict,
)

const triggerBody = Type.Object(
  { ...triggerSchema.properties, expiresAfterMs: Type.Optional(expiresAfterMs) },
  { ...strict, description: 'Runs a function on the events of a stream.' },
)

const pauseBody = Type.Object(pauseFields, strict)

const seekBody = Type.Object(
  {
    to: Type.Union(
      [
        Type.Literal('start'),
        Type.Literal('end'),
        Type.Object({ timestampMs: Type.Integer({ minimum: 0 }) }, strict),
        Type.Object({ partition: Type.Integer({ minimum: 0 }), offset: Type.Integer({ minimum: 0 }) }, strict),
      ],
      {
        description:
          'start: all that the log still has. end: only what arrives from now on. A partition: that one alone.',
      },
    ),
    dryRun: Type.Boolean({ default: false, description: 'Only tell what would be moved.' }),
  },
  strict,
)

const dropBody = Type.Object(
  {
    key: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, description: 'Only the events of this key.' })),
    by: Type.String({ minLength: 1, maxLength: 100, default: 'api', description: 'Who does not want them.' }),
    dryRun: Type.Boolean({ default: false, description: 'Only tell how many there are.' }),
  },
  strict,
)

const leaseBody = Type.Object(
  {
    function: Type.Optional(Type.String({ pattern: namePattern })),
    trigger: Type.Optional(Type.String({ pattern: namePattern })),
    expiresAfterMs,
  },
  { ...strict, description: 'At least one of function and trigger.' },
)

export const triggerRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/triggers',
    operationId: 'listTriggers',
    tag: 'triggers',
    summary: 'Triggers by name, with state and lag.',
    query: triggerQuery,
    answers: { 200: answers(namePage(triggerView)) },
    handle: async (control, { query }) => ok(await control.triggers(query)),
  }),
  route({
    method: 'GET',
    path: '/triggers/{name}',
    operationId: 'getTrigger',
    tag: 'triggers',
    summary: 'One trigger with state, lag by partition, parked keys and dead letters.',
    parameters,
    answers: { 200: taggedAnswers(triggerView) },
    handle: async (control, { name }) => ok(await control.trigger(name)),
  }),
  route({
    method: 'PUT',
    path: '/triggers/{name}',
    operationId: 'putTrigger',
    tag: 'triggers',
    summary: 'Associates a stream with a function, version or alias, or changes that.',
    parameters,
    precondition: 'match-or-absent',
    body: jsonBody(triggerBody, {
      stream: 'orders',
      function: 'price@live',
      filter: { type: 'com.example.order.*' },
      start: 'latest',
      sinks: ['priced'],
    }),
    answers: { 200: taggedAnswers(triggerView, 'Changed.'), 201: taggedAnswers(triggerView, 'Created.') },
    problems: [403, 409, 422],
    handle: async (control, { name, body: { expiresAfterMs, ...definition }, precondition }) => {
      const input = { definition, ...(expiresAfterMs === undefined ? {} : { expiresAfterMs }) }
      return put(await control.putTrigger(name, input, precondition))
    },
  }),
  route({
    method: 'DELETE',
    path: '/triggers/{name}',
    operationId: 'deleteTrigger',
    tag: 'triggers',
    summary: 'Deletes a trigger. Running events are finished; its dead letters stay.',
    parameters,
    precondition: 'match',
    answers: { 200: answers(deletionView) },
    problems: [409],
    handle: async (control, { name, precondition }) => {
      await control.deleteTrigger(name, precondition)
      return ok({ deleted: name })
    },
  }),
  route({
    method: 'POST',
    path: '/triggers/{name}/pause',
    operationId: 'pauseTrigger',
    tag: 'triggers',
    summary: 'Pauses a trigger. Answers when the pause is durable and no invocation starts any more; ingest goes on.',
    parameters,
    body: jsonBody(pauseBody, { reason: 'database upgrade', by: 'ada' }),
    answers: { 200: taggedAnswers(triggerView) },
    handle: async (control, { name, body }) => ok(await control.pauseTrigger(name, pauseInputOf(body, Date.now()))),
  }),
  route({
    method: 'POST',
    path: '/triggers/{name}/resume',
    operationId: 'resumeTrigger',
    tag: 'triggers',
    summary: 'Resumes a trigger. Answers when that is durable.',
    parameters,
    answers: { 200: taggedAnswers(triggerView) },
    handle: async (control, { name }) => ok(await control.resumeTrigger(name)),
  }),
  route({
    method: 'POST',
    path: '/triggers/{name}/seek',
    operationId: 'seekTrigger',
    tag: 'triggers',
    summary: 'Moves the place where a paused trigger goes on: forward skips events, back repeats them.',
    parameters,
    body: jsonBody(seekBody, { to: { timestampMs: 1_772_000_000_000 }, dryRun: true }),
    answers: { 200: answers(seekView) },
    problems: [409, 416, 503],
    handle: async (control, { name, body }) => ok(await control.seekTrigger(name, body)),
  }),
  route({
    method: 'POST',
    path: '/triggers/{name}/drop-parked',
    operationId: 'dropParked',
    tag: 'triggers',
    summary: 'Makes dead letters of what a paused trigger, or a paused key of it, has parked: it does not run.',
    parameters,
    body: jsonBody(dropBody, { key: 'device-7', by: 'ada', dryRun: true }),
    answers: { 200: answers(dropView) },
    problems: [409],
    handle: async (control, { name, body }) => ok(await control.dropParked(name, body)),
  }),
  route({
    method: 'POST',
    path: '/leases',
    operationId: 'renewLease',
    tag: 'triggers',
    summary: 'Lets a function, a trigger or both expire later: they were made with expiresAfterMs.',
    body: jsonBody(leaseBody, { function: 'price-dev', trigger: 'price-dev', expiresAfterMs: 60_000 }),
    answers: { 200: answers(leaseView) },
    problems: [404, 409, 422],
    handle: async (control, { body }) => {
      if (body.function === undefined && body.trigger === undefined) {
        throw new SluiceError('SLUICE_API_INVALID_REQUEST', 'body must have function, trigger, or both')
      }
      return ok(await control.renew(body))
    },
  }),
]
