import { isUtf8 } from 'node:buffer'
import Type from 'typebox'
import { aliasPattern, parseVersionRef } from '../../config/function-ref.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { accepted, answers, ok, route, type ApiRoute } from '../api-route.ts'
import type { InvokeReply } from '../invocation-control.ts'
import { functionName } from '../request/path-parameters.ts'
import { acceptedInvocation, loggedInvocation, type LoggedInvocation } from '../views/invocation-view.ts'
import { strict, versionText } from './route-fields.ts'

const invocationQuery = Type.Object(
  {
    version: Type.Optional(versionText),
    alias: Type.Optional(Type.String({ pattern: aliasPattern, description: 'Instead of a version.' })),
    mode: Type.Enum(['sync', 'async'], {
      default: 'sync',
      description: 'sync: answers with the result; nothing is kept. async: answers when the event is durable.',
    }),
    logs: Type.Boolean({ default: false, description: 'sync only: answers with JSON that holds the logs, too.' }),
  },
  strict,
)

export const invocationRoutes: readonly ApiRoute[] = [
  route({
    method: 'POST',
    path: '/functions/{name}/invocations',
    operationId: 'invokeFunction',
    tag: 'invocations',
    summary: 'Runs a function past its sources: now, answering with its result, or as a durable event.',
    parameters: { name: functionName },
    query: invocationQuery,
    body: {
      kind: 'bytes',
      description: 'The data of the event, or a CloudEvent in structured or binary mode.',
      example: { sku: 'A-1', quantity: 3 },
    },
    answers: {
      200: {
        description: "The function's result; with `logs` a JSON object that holds it.",
        content: { 'application/json': loggedInvocation, '*/*': undefined },
      },
      202: answers(acceptedInvocation, 'mode=async: the event is durable.'),
      default: { description: 'A function may choose any status for its result.', content: { '*/*': undefined } },
    },
    problems: [409, 422, 429, 502, 504],
    handle: async (control, { name, query, contentType, headers, body, gone }) => {
      const { version, alias, mode, logs } = query
      if (version !== undefined && alias !== undefined) throw invalid('query must have version or alias, not both')
      if (mode === 'async' && logs)
        throw invalid('query must not have logs with mode=async: see GET …/logs?invocation=')
      const ref = parseVersionRef(alias ?? version ?? 'latest')
      const request = { version: ref, contentType, headers, body, logs, signal: gone }
      if (mode === 'async') return accepted(await control.invokeAsync(name, request))
      const reply = await control.invoke(name, request)
      if (logs) return ok(envelopeOf(reply))
      return { kind: 'bytes', status: reply.status, headers: reply.headers, bytes: reply.body }
    },
  }),
]

function envelopeOf({ status, headers, body, durationMs, version, logs }: InvokeReply): LoggedInvocation {
  const text = isUtf8(body) ? { body: body.toString('utf8') } : { bodyBase64: body.toString('base64') }
  return { status, headers, ...text, durationMs, version, logs }
}

const invalid = (message: string): SluiceError => new SluiceError('SLUICE_API_INVALID_REQUEST', message)
