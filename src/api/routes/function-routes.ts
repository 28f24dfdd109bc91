import Type from 'typebox'
import { functionDefinitionSchema, labelNamePattern } from '../../config/sections/function-definition.ts'
import { answers, jsonBody, ok, put, route, taggedAnswers, type ApiRoute } from '../api-route.ts'
import { codeSchema, decodeCode, maxUploadBytes } from '../code-upload.ts'
import { functionName } from '../request/path-parameters.ts'
import { functionSummary, functionView } from '../views/function-view.ts'
import { deletionView } from '../views/lifetime-view.ts'
import { codeContentView } from '../views/version-view.ts'
import { namePage } from '../views/view-schema.ts'
import { expiresAfterMs, force, pageFields, strict, versionPattern } from './route-fields.ts'
import { publicationSchema } from './version-routes.ts'

const parameters = { name: functionName }

const functionQuery = Type.Object(
  {
    ...pageFields,
    label: Type.Array(Type.String({ pattern: `${labelNamePattern.slice(0, -1)}=`, maxLength: 400 }), {
      default: [],
      maxItems: 16,
      description: 'name=value. Given several times, all must be there.',
      examples: [['team=billing']],
    }),
  },
  strict,
)

const functionBody = Type.Object(
  {
    definition: functionDefinitionSchema,
    code: Type.Optional(codeSchema),
    publish: Type.Optional(publicationSchema),
    expiresAfterMs: Type.Optional(expiresAfterMs),
  },
  strict,
)

const functionExample = {
  definition: {
    description: 'Prices an order',
    labels: { team: 'billing' },
    timeoutMs: 5_000,
    retry: { maxAttempts: 3 },
  },
  code: { module: 'export default async event => ({ total: event.data.quantity * 9.5 })' },
  publish: { description: 'First' },
}

export const functionRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/functions',
    operationId: 'listFunctions',
    tag: 'functions',
    summary: 'Functions by name, with what runs of them.',
    query: functionQuery,
    answers: { 200: answers(namePage(functionSummary)) },
    handle: async (control, { query: { label, ...page } }) => {
      const labels = label.map(text => ({
        name: text.slice(0, text.indexOf('=')),
        value: text.slice(text.indexOf('=') + 1),
      }))
      return ok(await control.functions({ labels, ...page }))
    },
  }),
  route({
    method: 'PUT',
    path: '/functions/{name}',
    operationId: 'putFunction',
    tag: 'functions',
    summary:
      'Creates a function or changes its latest version. The module is loaded in a throw-away worker first; running ' +
      'events are finished by the version that began them.',
    parameters,
    precondition: 'match-or-absent',
    body: jsonBody(functionBody, functionExample, { maxBytes: maxUploadBytes }),
    answers: { 200: taggedAnswers(functionView, 'Changed.'), 201: taggedAnswers(functionView, 'Created.') },
    problems: [403, 409, 422],
    handle: async (control, { name, body, precondition }) => {
      const { code, ...rest } = body
      const input = code === undefined ? rest : { ...rest, code: decodeCode(code) }
      return put(await control.putFunction(name, input, precondition))
    },
  }),
  route({
    method: 'GET',
    path: '/functions/{name}',
    operationId: 'getFunction',
    tag: 'functions',
    summary: 'A function: everything but its code.',
    parameters,
    answers: { 200: taggedAnswers(functionView) },
    handle: async (control, { name }) => ok(await control.function(name)),
  }),
  route({
    method: 'DELETE',
    path: '/functions/{name}',
    operationId: 'deleteFunction',
    tag: 'functions',
    summary: 'Deletes a function with all versions. Refused while a trigger or alias needs it, unless forced.',
    parameters,
    query: Type.Object({ force }, strict),
    precondition: 'match',
    answers: { 200: answers(deletionView) },
    problems: [409],
    handle: async (control, { name, query, precondition }) => {
      await control.deleteFunction(name, { force: query.force, precondition })
      return ok({ deleted: name })
    },
  }),
  ...(['enable', 'disable'] as const).map(verb =>
    route({
      method: 'POST',
      path: `/functions/{name}/${verb}`,
      operationId: `${verb}Function`,
      tag: 'functions',
      summary:
        verb === 'enable'
          ? 'Feeds a function again; events that waited come first.'
          : 'Stops feeding a function: its events wait, direct invocations are refused.',
      parameters,
      precondition: 'match',
      answers: { 200: taggedAnswers(functionView) },
      problems: [409],
      handle: async (control, { name, precondition }) =>
        ok(await control.enableFunction(name, verb === 'enable', precondition)),
    }),
  ),
  route({
    method: 'GET',
    path: '/functions/{name}/code',
    operationId: 'getFunctionCode',
    tag: 'functions',
    summary: 'The text of the module of a version, and which files lie beside it.',
    parameters,
    query: Type.Object({ version: Type.String({ pattern: versionPattern, default: 'latest' }) }, strict),
    answers: { 200: answers(codeContentView) },
    handle: async (control, { name, query: { version } }) =>
      ok(await control.functionCode(name, version === 'latest' ? version : Number(version))),
  }),
]
