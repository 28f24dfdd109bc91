import { Readable } from 'node:stream'
import Type from 'typebox'
import { SluiceError } from '../../errors/sluice-error.ts'
import { answers, ok, route, type ApiRoute } from '../api-route.ts'
import { deadLetterId, deadLetterOwner } from '../request/path-parameters.ts'
import { deadLetterDeletion, deadLetterPage, deadLetterView } from '../views/dead-letter-view.ts'
import { deletionView } from '../views/lifetime-view.ts'
import { filterOf, letterFilterFields } from './dead-letter-filter.ts'
import { strict } from './route-fields.ts'

const parameters = { name: deadLetterOwner }

const listQuery = Type.Object(
  {
    ...letterFilterFields,
    limit: Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'Most letters of one answer.' }),
    before: Type.Optional(
      Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: '`next` of the page before.' }),
    ),
  },
  strict,
)

const deleteQuery = Type.Object(
  {
    ...letterFilterFields,
    all: Type.Boolean({ default: false, description: 'All letters: what is asked for without any filter.' }),
    dryRun: Type.Boolean({ default: false, description: 'Only tells how many.' }),
  },
  strict,
)

export const deadLetterRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/triggers/{name}/dead-letters',
    operationId: 'listDeadLetters',
    tag: 'dead-letters',
    summary: 'Events that used up their attempts, newest first, with their history.',
    parameters,
    query: listQuery,
    answers: { 200: answers(deadLetterPage) },
    handle: async (control, { name, query: { limit, before, ...filter } }) =>
      ok(
        await control.deadLetters(name, {
          limit,
          ...(before === undefined ? {} : { before }),
          filter: filterOf(filter, 'query'),
        }),
      ),
  }),
  route({
    method: 'GET',
    path: '/triggers/{name}/dead-letters/export',
    operationId: 'exportDeadLetters',
    tag: 'dead-letters',
    summary: 'Dead letters with all their bytes, oldest first, one JSON object per line.',
    parameters,
    query: Type.Object(letterFilterFields, strict),
    answers: {
      200: {
        description: 'A letter per line. A connection that breaks means that letters are missing.',
        content: { 'application/x-ndjson': deadLetterView },
      },
    },
    handle: async (control, { name, query }) => {
      const letters = await control.exportDeadLetters(name, filterOf(query, 'query'))
      return { kind: 'stream', contentType: 'application/x-ndjson', stream: Readable.from(linesOf(letters)) }
    },
  }),
  route({
    method: 'GET',
    path: '/triggers/{name}/dead-letters/{id}',
    operationId: 'getDeadLetter',
    tag: 'dead-letters',
    summary: 'One dead letter with the whole event and every attempt.',
    parameters: { ...parameters, id: deadLetterId },
    answers: { 200: answers(deadLetterView) },
    handle: async (control, { name, id }) => ok(await control.deadLetter(name, Number(id))),
  }),
  route({
    method: 'DELETE',
    path: '/triggers/{name}/dead-letters/{id}',
    operationId: 'deleteDeadLetter',
    tag: 'dead-letters',
    summary: 'Deletes a dead letter: its event is gone.',
    parameters: { ...parameters, id: deadLetterId },
    answers: { 200: answers(deletionView) },
    problems: [409],
    handle: async (control, { name, id }) => {
      await control.deleteDeadLetter(name, Number(id))
      return ok({ deleted: id })
    },
  }),
  route({
    method: 'DELETE',
    path: '/triggers/{name}/dead-letters',
    operationId: 'deleteDeadLetters',
    tag: 'dead-letters',
    summary: 'Deletes the dead letters that match a filter, or all.',
    parameters,
    query: deleteQuery,
    answers: { 200: answers(deadLetterDeletion) },
    handle: async (control, { name, query: { all, dryRun, ...texts } }) => {
      const filter = filterOf(texts, 'query')
      if (all === Object.keys(filter).length > 0)
        throw new SluiceError('SLUICE_API_INVALID_REQUEST', 'query must have a filter, or all=true, and not both')
      return ok(await control.deleteDeadLetters(name, filter, { dryRun }))
    },
  }),
]

async function* linesOf(letters: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const letter of letters) yield `${JSON.stringify(letter)}\n`
}
