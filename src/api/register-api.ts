import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { problemOf } from '../errors/problem-details.ts'
import { SluiceError } from '../errors/sluice-error.ts'
import { answerProblem } from './answer-problem.ts'
import { apiRoutes } from './api-routes.ts'
import type { ApiAnswer, ApiRequest, ApiRoute } from './api-route.ts'
import { hasBearerToken } from './bearer-token.ts'
import { followLogs, type FollowLogsOptions } from './follow-logs.ts'
import type { GatewayControl } from './gateway-control.ts'
import { openapiDocument } from './openapi/openapi.ts'
import { nameWords } from './request/path-parameters.ts'
import { createReadRequest } from './request/read-request.ts'
import { serveDashboard } from './serve-dashboard.ts'
import { watchPaths, type PathAnswer, type WatchOptions } from './watch-paths.ts'

export interface RegisterApiOptions {
  /** false: only /healthz, /readyz and /metrics. Default true. */
  readonly enabled?: boolean
  /** Bearer token for /v1 and /metrics; absent: none is asked for. Probes never need one. */
  readonly token?: string | undefined
  /** Shown in the OpenAPI document. */
  readonly version?: string
  /** Largest body of an operation that does not say another. Default 1 MiB. */
  readonly maxBodyBytes?: number
  /** Whether the dashboard is served at /dashboard/. Default true; never without the API, which it asks for everything. */
  readonly dashboard?: boolean
  /** Of `GET …/logs?follow=true`. */
  readonly follow?: FollowLogsOptions
  /** Of `GET /live`. */
  readonly watch?: WatchOptions
}

const allMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Segments of a path are looked at by the router up to a length; names are shorter than that anyway. */
const longestName = 63

/** Adds health, metrics and the REST API to a server. All errors are problem+json with a stable code. */
export async function registerApi(
  app: FastifyInstance,
  control: GatewayControl,
  options: RegisterApiOptions = {},
): Promise<void> {
  const { token, version = '0.0.0' } = options
  const authenticate = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (token === undefined || hasBearerToken(request.headers.authorization, token)) return
    reply.header('www-authenticate', 'Bearer realm="sluice"')
    throw new SluiceError('SLUICE_API_UNAUTHORIZED', 'this needs the header `authorization: Bearer <api.token>`')
  }

  // A scope of its own: the parser and handlers below must not touch the sources on the same listener.
  await app.register(async scope => {
    scope.setErrorHandler(answerProblem)
    registerProbes(scope, control)
    refuseOthers(scope, '/metrics', ['GET'])
    scope.get('/metrics', { onRequest: authenticate, logLevel: 'warn' }, async (_request, reply) => {
      const { contentType, body } = await control.metrics()
      return reply.header('cache-control', 'no-store').type(contentType).send(body)
    })
  })

  if (options.enabled === false) return
  if (options.dashboard !== false) await app.register(scope => serveDashboard(scope))
  await app.register(
    async scope => {
      scope.setErrorHandler(answerProblem)
      scope.setNotFoundHandler((request, reply) => answerProblem(nothingAt(request), request, reply))
      scope.addHook('onRequest', authenticate)
      readBodiesAsBytes(scope)
      const closing = new AbortController()
      scope.addHook('preClose', async () => closing.abort())
      const follow: ApiRequest['follow'] = (from, functionName, query) =>
        followLogs(from, functionName, query, closing.signal, options.follow)
      const watchAs = (authorization: string | undefined) => (paths: readonly string[]) =>
        watchPaths(path => askPath(app, path, authorization), paths, closing.signal, options.watch)
      const streams = { follow, watchAs }
      for (const route of apiRoutes) registerRoute(scope, route, control, streams, options.maxBodyBytes)
      registerDocument(scope, version)
      const paths = new Map<string, string[]>()
      for (const { path, method } of apiRoutes) paths.set(path, [...(paths.get(path) ?? []), method])
      for (const [path, methods] of paths) refuseOthers(scope, fastifyPath(path), methods)
      // More specific than the sources' own `/*`, which would take what is left.
      scope.route({
        method: [...allMethods],
        url: '/*',
        onRequest: async request => {
          throw nothingAt(request)
        },
        handler: () => undefined,
      })
    },
    { prefix: '/v1' },
  )
}

function registerProbes(scope: FastifyInstance, control: GatewayControl): void {
  const probe = (path: string, answer: 'healthy' | 'ready') => {
    refuseOthers(scope, path, ['GET'])
    scope.get(path, { logLevel: 'warn' }, async (_request, reply) => {
      const health = control.health()
      return reply
        .code(health[answer] ? 200 : 503)
        .header('cache-control', 'no-store')
        .send(health)
    })
  }
  probe('/healthz', 'healthy')
  probe('/readyz', 'ready')
}

function registerDocument(scope: FastifyInstance, version: string): void {
  let document: string | undefined
  const url = '/openapi.json'
  refuseOthers(scope, url, ['GET'])
  scope.get(url, async (_request, reply) => {
    document ??= JSON.stringify(openapiDocument(version))
    return reply.type('application/json').send(document)
  })
}

/** What a body is, the operation says, not its content type. */
function readBodiesAsBytes(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}

/** Answers that go on. */
interface Streams {
  readonly follow: ApiRequest['follow']
  readonly watchAs: (authorization: string | undefined) => ApiRequest['watch']
}

/** What a path answers to whoever has this authorization, by the same way that a request takes. */
async function askPath(app: FastifyInstance, path: string, authorization: string | undefined): Promise<PathAnswer> {
  const problem = (error: SluiceError): PathAnswer => {
    const document = problemOf(error)
    return { status: document.status, body: JSON.stringify(document) }
  }
  try {
    const headers = authorization === undefined ? {} : { authorization }
    const reply = await app.inject({ method: 'GET', url: path, headers })
    if (/^application\/(problem\+)?json/.test(String(reply.headers['content-type']))) {
      return { status: reply.statusCode, body: reply.body }
    }
    return problem(new SluiceError('SLUICE_API_INVALID_REQUEST', `${path} cannot be watched: it does not answer JSON`))
  } catch (error) {
    return problem(SluiceError.from(error))
  }
}

function registerRoute(
  scope: FastifyInstance,
  route: ApiRoute,
  control: GatewayControl,
  { follow, watchAs }: Streams,
  maxBodyBytes = 1024 * 1024,
): void {
  const read = createReadRequest(route)
  scope.route({
    method: route.method,
    url: fastifyPath(route.path),
    bodyLimit: (route.body.kind === 'json' ? route.body.maxBytes : undefined) ?? maxBodyBytes,
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const answer = await route.handle(control, {
        ...read(request, reply),
        follow,
        watch: watchAs(request.headers.authorization),
      })
      return send(reply, answer, route)
    },
  })
}

function send(reply: FastifyReply, answer: ApiAnswer, route: ApiRoute): FastifyReply {
  switch (answer.kind) {
    case 'bytes':
      return reply.code(answer.status).headers(answer.headers).send(answer.bytes)
    case 'stream':
      return reply.header('cache-control', 'no-store').type(answer.contentType).send(answer.stream)
    case 'json': {
      const { status, value } = answer
      if (route.answers[status]?.isTagged === true) {
        reply.header('etag', `"${(value as { readonly revision: number }).revision}"`)
      }
      // Serialised here: a response schema would drop what a newer gateway adds.
      return reply.code(status).header('cache-control', 'no-store').type('application/json').send(JSON.stringify(value))
    }
  }
}

/** Answers 405 with `allow` for the other methods of a path; Fastify itself would say 404. */
function refuseOthers(scope: FastifyInstance, url: string, methods: readonly string[]): void {
  scope.route({
    method: allMethods.filter(method => !methods.includes(method)),
    url,
    // Without this, a body in a format that the scope does not read would be answered 415 first.
    onRequest: async (request, reply) => {
      reply.header('allow', methods.join(', '))
      const message = `${request.method} is not possible at ${pathOf(request)}; use ${methods.join(' or ')}`
      throw new SluiceError('SLUICE_API_METHOD_NOT_ALLOWED', message)
    },
    handler: () => undefined,
  })
}

function nothingAt(request: FastifyRequest): SluiceError {
  const path = pathOf(request)
  const isTooLong = path.split('/').some(segment => segment.length > longestName)
  return isTooLong
    ? new SluiceError('SLUICE_API_INVALID_REQUEST', `a part of the path is too long; names are ${nameWords}`)
    : new SluiceError('SLUICE_API_NOT_FOUND', `there is nothing at ${path}; see /v1/openapi.json`)
}

const fastifyPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1')

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? ''
