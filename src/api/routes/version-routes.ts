import Type from 'typebox'
import { functionDefinitionFields } from '../../config/sections/function-definition.ts'
import { answers, jsonBody, ok, okList, put, route, type ApiRoute } from '../api-route.ts'
import { functionName, versionNumber } from '../request/path-parameters.ts'
import { deletionView } from '../views/lifetime-view.ts'
import { versionView } from '../views/version-view.ts'
import { list } from '../views/view-schema.ts'
import { force, strict } from './route-fields.ts'

const parameters = { name: functionName, version: versionNumber }

/** What is said of a version when it is published. */
export const publicationSchema = Type.Object(
  {
    description: Type.String({ maxLength: 1000, default: '', description: 'What is new, for people.' }),
    labels: functionDefinitionFields.labels,
  },
  { ...strict, description: 'Publishes latest.' },
)

export const versionRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/functions/{name}/versions',
    operationId: 'listVersions',
    tag: 'functions',
    summary: 'Published versions, newest first.',
    parameters: { name: functionName },
    answers: { 200: answers(list(versionView)) },
    handle: async (control, { name }) => okList(await control.versions(name)),
  }),
  route({
    method: 'POST',
    path: '/functions/{name}/versions',
    operationId: 'publishVersion',
    tag: 'functions',
    summary: 'Publishes an immutable, numbered copy of the latest version. If-match is the revision of the function.',
    parameters: { name: functionName },
    precondition: 'match',
    body: jsonBody(
      publicationSchema,
      { description: 'Rounds to cents', labels: { ticket: 'T-12' } },
      { required: false },
    ),
    answers: {
      200: answers(versionView, 'The newest version has this content already: `unchanged` is true.'),
      201: answers(versionView, 'Published.'),
    },
    problems: [409, 422],
    handle: async (control, { name, body, precondition }) =>
      put(await control.publishVersion(name, body, precondition)),
  }),
  route({
    method: 'GET',
    path: '/functions/{name}/versions/{version}',
    operationId: 'getVersion',
    tag: 'functions',
    summary: 'A published version.',
    parameters,
    answers: { 200: answers(versionView) },
    handle: async (control, { name, version }) => ok(await control.version(name, version)),
  }),
  route({
    method: 'DELETE',
    path: '/functions/{name}/versions/{version}',
    operationId: 'deleteVersion',
    tag: 'functions',
    summary: 'Deletes a published version; its number is never used again. If-match is the revision of the function.',
    parameters,
    query: Type.Object({ force }, strict),
    precondition: 'match',
    answers: { 200: answers(deletionView) },
    problems: [409],
    handle: async (control, { name, version, query, precondition }) => {
      await control.deleteVersion(name, version, { force: query.force, precondition })
      return ok({ deleted: `${name}@${version}` })
    },
  }),
]
