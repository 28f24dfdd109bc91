import Type, { type Static } from 'typebox'
import { SluiceError } from '../../errors/sluice-error.ts'
import { accepted, answers, jsonBody, ok, okList, route, type ApiRoute } from '../api-route.ts'
import type { RedriveInput } from '../redrive-control.ts'
import { deadLetterOwner, redriveId } from '../request/path-parameters.ts'
import { redrivePlan, redriveView } from '../views/redrive-view.ts'
import { list } from '../views/view-schema.ts'
import { filterOf, letterFilterFields } from './dead-letter-filter.ts'
import { strict } from './route-fields.ts'

const parameters = { name: deadLetterOwner }

const redriveBody = Type.Object(
  {
    ids: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 999_999_999_999_999 }), {
        minItems: 1,
        maxItems: 1_000,
        description: 'These letters, each of which has to be there.',
      }),
    ),
    filter: Type.Optional(
      Type.Object(letterFilterFields, { ...strict, description: 'Letters that match; at least one field.' }),
    ),
    all: Type.Boolean({ default: false, description: 'All letters.' }),
    dryRun: Type.Boolean({ default: false, description: 'Only tells what it would take.' }),
    ratePerSecond: Type.Optional(
      Type.Number({ minimum: 0.01, maximum: 100_000, description: 'Default: as fast as the trigger takes them.' }),
    ),
    version: Type.Optional(
      Type.String({
        pattern: '^(latest|[1-9][0-9]{0,8}|[a-z][a-z0-9-]{0,62})$',
        description: '`latest`, a number or an alias of the function. Default: what the trigger runs.',
      }),
    ),
    force: Type.Boolean({
      default: false,
      description: 'Takes those as well whose redrives have failed 3 times or more.',
    }),
  },
  { ...strict, description: 'Exactly one of ids, filter and all.' },
)

export const redriveRoutes: readonly ApiRoute[] = [
  route({
    method: 'POST',
    path: '/triggers/{name}/redrives',
    operationId: 'startRedrive',
    tag: 'dead-letters',
    summary: 'Gives dead letters to their own trigger again, in no order, or tells which.',
    parameters,
    body: jsonBody(redriveBody, { filter: { reason: 'timeout' }, ratePerSecond: 100 }),
    answers: {
      200: answers(redrivePlan, 'A dry run: what it would take.'),
      202: answers(redriveView, 'It is durable and goes on by itself.'),
    },
    problems: [409, 422],
    handle: async (control, { name, body }) => {
      const input = inputOf(body)
      if (body.dryRun) return ok(await control.planRedrive(name, input))
      return accepted(await control.startRedrive(name, input))
    },
  }),
  route({
    method: 'GET',
    path: '/triggers/{name}/redrives',
    operationId: 'listRedrives',
    tag: 'dead-letters',
    summary: 'Redrives of a trigger, newest first: those that run, and the last hundred that have ended.',
    parameters,
    answers: { 200: answers(list(redriveView)) },
    handle: async (control, { name }) => okList(await control.redrives(name)),
  }),
  route({
    method: 'GET',
    path: '/triggers/{name}/redrives/{id}',
    operationId: 'getRedrive',
    tag: 'dead-letters',
    summary: 'A redrive and how far it has come.',
    parameters: { ...parameters, id: redriveId },
    answers: { 200: answers(redriveView) },
    handle: async (control, { name, id }) => ok(await control.redrive(name, Number(id))),
  }),
  route({
    method: 'POST',
    path: '/triggers/{name}/redrives/{id}/cancel',
    operationId: 'cancelRedrive',
    tag: 'dead-letters',
    summary: 'Takes no more letters; those under way end.',
    parameters: { ...parameters, id: redriveId },
    answers: { 200: answers(redriveView) },
    handle: async (control, { name, id }) => ok(await control.cancelRedrive(name, Number(id))),
  }),
]

function inputOf(body: Static<typeof redriveBody>): RedriveInput {
  const { ids, all, ratePerSecond, version, force } = body
  const filter = body.filter === undefined ? undefined : filterOf(body.filter, 'body.filter')
  const isFiltered = filter !== undefined && Object.keys(filter).length > 0
  if ([ids !== undefined, isFiltered, all].filter(Boolean).length !== 1)
    throw new SluiceError(
      'SLUICE_API_INVALID_REQUEST',
      'body must have exactly one of ids, filter with a field, and all',
    )
  return {
    filter: ids === undefined ? { ...filter } : { ids },
    force,
    ...(ratePerSecond === undefined ? {} : { ratePerS: ratePerSecond }),
    ...(version === undefined ? {} : { version }),
  }
}
