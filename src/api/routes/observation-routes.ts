import Type, { type Static } from 'typebox'
import { SluiceError } from '../../errors/sluice-error.ts'
import { answers, ok, route, type ApiRoute } from '../api-route.ts'
import type { LogsQuery } from '../observation-control.ts'
import { functionName } from '../request/path-parameters.ts'
import { logLineView, logPage } from '../views/log-view.ts'
import { problemView } from '../views/problem-view.ts'
import { statsView } from '../views/stats-view.ts'
import { strict, time, timeOf, versionText } from './route-fields.ts'

const parameters = { name: functionName }

const statsQuery = Type.Object(
  {
    version: Type.Optional(versionText),
    window: Type.Integer({
      minimum: 1_000,
      maximum: 3_600_000,
      default: 3_600_000,
      description: 'What the series covers, in ms back from now.',
    }),
  },
  strict,
)

const lineId = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description }))

const logsQuery = Type.Object(
  {
    level: Type.Optional(Type.Enum(['trace', 'debug', 'info', 'warn', 'error'], { description: 'The least level.' })),
    from: time('Not before this time:'),
    to: time('Before this time:'),
    text: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'Part of the message or the fields, whatever its case.',
      }),
    ),
    invocation: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Only of this invocation.' })),
    trace: Type.Optional(Type.String({ pattern: '^[0-9a-f]{32}$', description: 'Only of this trace, by its id.' })),
    version: Type.Optional(versionText),
    limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'Most lines of one answer.' }),
    before: lineId('Only lines with a lower id, newest first.'),
    after: lineId('Only lines with a higher id, oldest first.'),
    follow: Type.Boolean({
      default: false,
      description:
        'Goes on with lines as they come, one JSON object per line: after the newest `limit`, or after all with a higher ' +
        'id than `after`.',
    }),
  },
  strict,
)

export const observationRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/functions/{name}/stats',
    operationId: 'getStats',
    tag: 'observations',
    summary: 'What the versions of a function did: invocations, durations, queue delay, usage; now and over time.',
    parameters,
    query: statsQuery,
    answers: { 200: answers(statsView) },
    handle: async (control, { name, query: { version, window } }) =>
      ok(await control.stats(name, { windowMs: window, ...(version === undefined ? {} : { version }) })),
  }),
  route({
    method: 'GET',
    path: '/functions/{name}/logs',
    operationId: 'getLogs',
    tag: 'observations',
    summary: 'What the code of a function wrote, and what happened to the function.',
    parameters,
    query: logsQuery,
    answers: {
      200: {
        description: 'A page; with `follow` one line of log per line. An empty line means nothing.',
        content: { 'application/json': logPage, 'application/x-ndjson': Type.Union([logLineView, problemView]) },
      },
    },
    handle: async (control, { name, query, follow }) => {
      const wanted = logsQueryOf(query)
      if (!query.follow) return ok(await control.logs(name, wanted))
      return { kind: 'stream', contentType: 'application/x-ndjson', stream: await follow(control, name, wanted) }
    },
  }),
]

function logsQueryOf(query: Static<typeof logsQuery>): LogsQuery {
  const { level, from, to, text, invocation, trace, version, limit, before, after, follow } = query
  if (before !== undefined && after !== undefined) throw invalid('query must have before or after, not both')
  if (follow && (before !== undefined || to !== undefined))
    throw invalid('query must not have before or to with follow')
  return {
    limit,
    ...(level === undefined ? {} : { level }),
    ...(from === undefined ? {} : { fromMs: timeOf(from, 'query.from') }),
    ...(to === undefined ? {} : { toMs: timeOf(to, 'query.to') }),
    ...(text === undefined ? {} : { text }),
    ...(invocation === undefined ? {} : { invocationId: invocation }),
    ...(trace === undefined ? {} : { traceId: trace }),
    ...(version === undefined ? {} : { version }),
    ...(before === undefined ? {} : { beforeId: before }),
    ...(after === undefined ? {} : { afterId: after }),
  }
}

const invalid = (message: string): SluiceError => new SluiceError('SLUICE_API_INVALID_REQUEST', message)
