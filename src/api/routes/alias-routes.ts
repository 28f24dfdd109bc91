import Type, { type Static } from 'typebox'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { AliasInput } from '../alias-control.ts'
import { accepted, answers, jsonBody, ok, okList, put, route, taggedAnswers, type ApiRoute } from '../api-route.ts'
import { aliasName, functionName } from '../request/path-parameters.ts'
import { aliasView, shadowReport } from '../views/alias-view.ts'
import { deletionView } from '../views/lifetime-view.ts'
import { list } from '../views/view-schema.ts'
import { force, publishedVersion, strict } from './route-fields.ts'

const parameters = { name: functionName, alias: aliasName }
const path = '/functions/{name}/aliases/{alias}'

const aliasBody = Type.Object(
  {
    weights: Type.Optional(
      Type.Array(
        Type.Object(
          {
            version: publishedVersion(),
            weight: Type.Number({ minimum: 0, maximum: 100, description: 'In percent, at most two decimals.' }),
          },
          strict,
        ),
        { minItems: 1, maxItems: 100, description: 'Add up to 100.' },
      ),
    ),
    version: Type.Optional(publishedVersion('Instead of weights: this version gets everything.')),
    description: Type.String({ maxLength: 1000, default: '' }),
    shadow: Type.Optional(
      Type.Object(
        {
          version: publishedVersion(),
          percent: Type.Number({ minimum: 1, maximum: 100, default: 100, description: 'Share that is copied.' }),
        },
        { ...strict, description: 'Gets copies of the events, best effort; its results are suppressed.' },
      ),
    ),
  },
  strict,
)

const rolloutBody = Type.Object(
  {
    to: publishedVersion('The version that shall get everything in the end.'),
    steps: Type.Array(Type.Number({ minimum: 0.01, maximum: 100 }), {
      default: [10, 50, 100],
      minItems: 1,
      maxItems: 100,
      description: 'Weights of the new version in percent, ascending, the last one 100.',
    }),
    stepMs: Type.Integer({
      minimum: 100,
      maximum: 604_800_000,
      default: 60_000,
      description: 'How long a step is held before it is judged.',
    }),
    bounds: Type.Object(
      {
        maxErrorRate: Type.Optional(
          Type.Number({ minimum: 0, maximum: 1, description: 'Share of failed attempts of the new version.' }),
        ),
        maxP95Ms: Type.Optional(Type.Number({ minimum: 0, maximum: 3_600_000 })),
        maxP95Ratio: Type.Optional(
          Type.Number({ minimum: 0, maximum: 1000, description: 'Of the new version to the old one.' }),
        ),
        minInvocations: Type.Integer({
          minimum: 1,
          maximum: 1_000_000_000,
          default: 20,
          description: 'Invocations of the new version before a step is judged.',
        }),
      },
      { ...strict, default: {}, description: 'When it goes back by itself. Absent bounds are not looked at.' },
    ),
  },
  strict,
)

export const aliasRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/functions/{name}/aliases',
    operationId: 'listAliases',
    tag: 'aliases',
    summary: 'Aliases of a function by name.',
    parameters: { name: functionName },
    answers: { 200: answers(list(aliasView)) },
    handle: async (control, { name }) => okList(await control.aliases(name)),
  }),
  route({
    method: 'GET',
    path,
    operationId: 'getAlias',
    tag: 'aliases',
    summary: 'Where an alias points, with its shadow and its last rollout.',
    parameters,
    answers: { 200: taggedAnswers(aliasView) },
    handle: async (control, { name, alias }) => ok(await control.alias(name, alias)),
  }),
  route({
    method: 'PUT',
    path,
    operationId: 'putAlias',
    tag: 'aliases',
    summary:
      'Points an alias to one version or to weighted ones, in one atomic step. Events of one key stay with one version ' +
      'while the weights stand. A running rollout is aborted.',
    parameters,
    precondition: 'match-or-absent',
    body: jsonBody(aliasBody, {
      weights: [
        { version: 3, weight: 90 },
        { version: 4, weight: 10 },
      ],
    }),
    answers: { 200: taggedAnswers(aliasView, 'Moved.'), 201: taggedAnswers(aliasView, 'Created.') },
    problems: [409, 422],
    handle: async (control, { name, alias, body, precondition }) =>
      put(await control.putAlias(name, alias, aliasInput(body), precondition)),
  }),
  route({
    method: 'DELETE',
    path,
    operationId: 'deleteAlias',
    tag: 'aliases',
    summary: 'Deletes an alias. Refused while a trigger needs it, unless forced.',
    parameters,
    query: Type.Object({ force }, strict),
    precondition: 'match',
    answers: { 200: answers(deletionView) },
    problems: [409],
    handle: async (control, { name, alias, query, precondition }) => {
      await control.deleteAlias(name, alias, { force: query.force, precondition })
      return ok({ deleted: `${name}@${alias}` })
    },
  }),
  route({
    method: 'POST',
    path: `${path}/rollout`,
    operationId: 'startRollout',
    tag: 'aliases',
    summary: 'Moves an alias to a version in steps; goes back by itself when a bound is broken.',
    parameters,
    precondition: 'match',
    body: jsonBody(rolloutBody, { to: 4, steps: [10, 50, 100], stepMs: 60_000, bounds: { maxErrorRate: 0.01 } }),
    answers: { 202: taggedAnswers(aliasView, 'The first step is in force.') },
    problems: [409, 422],
    handle: async (control, { name, alias, body, precondition }) => {
      const { steps } = body
      if (steps.at(-1) !== 100 || steps.some((weight, index) => weight <= (steps[index - 1] ?? 0))) {
        throw invalid('steps must ascend, and the last one must be 100')
      }
      return accepted(await control.startRollout(name, alias, body, precondition))
    },
  }),
  route({
    method: 'DELETE',
    path: `${path}/rollout`,
    operationId: 'abortRollout',
    tag: 'aliases',
    summary: 'Ends the running rollout. The weights go back to those before it, unless `restore` is false.',
    parameters,
    query: Type.Object({ restore: Type.Boolean({ default: true }) }, strict),
    precondition: 'match',
    answers: { 200: taggedAnswers(aliasView) },
    problems: [409],
    handle: async (control, { name, alias, query, precondition }) =>
      ok(await control.abortRollout(name, alias, { restore: query.restore, precondition })),
  }),
  route({
    method: 'GET',
    path: `${path}/shadow`,
    operationId: 'getShadowReport',
    tag: 'aliases',
    summary: 'Where the results of the shadow version differ.',
    parameters,
    answers: { 200: answers(shadowReport) },
    handle: async (control, { name, alias }) => ok(await control.shadowReport(name, alias)),
  }),
]

function aliasInput({ weights, version, ...rest }: Static<typeof aliasBody>): AliasInput {
  if (weights !== undefined && version === undefined) return { weights, ...rest }
  if (version !== undefined && weights === undefined) return { weights: [{ version, weight: 100 }], ...rest }
  throw invalid('body must have either weights or version')
}

const invalid = (message: string): SluiceError => new SluiceError('SLUICE_API_INVALID_REQUEST', message)
