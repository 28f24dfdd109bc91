import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { problemContentType, problemOf } from '../errors/problem-details.ts'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import { apiRoutes, type ApiRoute } from './api-routes.ts'
import { hasBearerToken } from './bearer-token.ts'
import type { GatewayControl } from './gateway-control.ts'
import { openapiDocument, withoutDefaulted } from './openapi.ts'

export interface RegisterApiOptions {
  /** false: only /healthz, /readyz and /metrics. Default true. */
  readonly enabled?: boolean
  /** Bearer token for /v1 and /metrics; absent: none is asked for. Probes never need one. */
  readonly token?: string | undefined
  /** Shown in the OpenAPI document. */
  readonly version?: string
  /** Largest body of a direct invocation. Default 1 MiB. */
  readonly maxBodyBytes?: number
}

const allMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

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
    allow(scope, '/metrics', ['GET'])
    scope.get('/metrics', { onRequest: authenticate, logLevel: 'warn' }, async (_request, reply) => {
      const { contentType, body } = await control.metrics()
      return reply.header('cache-control', 'no-store').type(contentType).send(body)
    })
  })

  if (options.enabled === false) return
  await app.register(
    async scope => {
      scope.setErrorHandler(answerProblem)
      scope.setNotFoundHandler((request, reply) => {
        const error = new SluiceError(
          'SLUICE_API_NOT_FOUND',
          `there is nothing at ${pathOf(request)}; see /v1/openapi.json`,
        )
        return answerProblem(error, request, reply)
      })
      scope.addHook('onRequest', authenticate)
      const document = openapiDocument(version)
      scope.get('/openapi.json', () => document)
      for (const route of apiRoutes) registerRoute(scope, route, control)
      const paths = new Map<string, string[]>()
      for (const { path, method } of apiRoutes) paths.set(path, [...(paths.get(path) ?? []), method])
      for (const [path, methods] of paths) allow(scope, fastifyPath(path), methods)
      await scope.register(async invocations => registerInvocations(invocations, control, options.maxBodyBytes))
    },
    { prefix: '/v1' },
  )
}

function registerProbes(scope: FastifyInstance, control: GatewayControl): void {
  const probe = (path: string, answer: 'healthy' | 'ready') => {
    allow(scope, path, ['GET'])
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

function registerRoute(scope: FastifyInstance, route: ApiRoute, control: GatewayControl): void {
  scope.route({
    method: route.method,
    url: fastifyPath(route.path),
    schema: {
      ...(route.query === undefined ? {} : { querystring: withoutDefaulted(route.query) }),
      ...(route.body === undefined ? {} : { body: withoutDefaulted(route.body) }),
    },
    handler: async (request, reply) => {
      const { name = '' } = request.params as { name?: string }
      const answer = await route.handle(control, {
        name,
        query: request.query as Record<string, unknown>,
        body: request.body,
      })
      // Serialised here: a response schema would drop what a newer gateway adds.
      return reply.header('cache-control', 'no-store').type('application/json').send(JSON.stringify(answer))
    },
  })
}

/** Direct invocation: the body stays bytes, whatever it claims to be. */
function registerInvocations(scope: FastifyInstance, control: GatewayControl, maxBodyBytes = 1024 * 1024): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  const url = '/functions/:name/invocations'
  allow(scope, url, ['POST'])
  scope.post(url, { bodyLimit: maxBodyBytes }, async (request, reply) => {
    const { name } = request.params as { name: string }
    const gone = new AbortController()
    // Before the answer is written, a close means that nobody waits for it any more.
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) gone.abort(new Error('the caller is gone'))
    })
    const result = await control.invoke(name, {
      contentType: request.headers['content-type'] ?? '',
      headers: singleHeaders(request),
      body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      version: { kind: 'latest' },
      logs: false,
      signal: gone.signal,
    })
    return reply.code(result.status).headers(result.headers).send(result.body)
  })
}

function singleHeaders(request: FastifyRequest): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    // What authenticates the caller is not the function's business.
    if (name === 'authorization' || name === 'cookie' || value === undefined) continue
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

/** Answers 405 with `allow` for the other methods of a path; Fastify itself would say 404. */
function allow(scope: FastifyInstance, url: string, methods: readonly string[]): void {
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

async function answerProblem(
  thrown: FastifyError | SluiceError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const error = sluiceErrorOf(thrown)
  if (error.status >= 500) request.log.error({ err: thrown, code: error.code }, 'a request of the API failed')
  if (error.status === 503) reply.header('retry-after', '1')
  await reply
    .code(error.status)
    .type(problemContentType)
    .send(JSON.stringify(problemOf(error)))
}

/** What Fastify throws has its own codes; ours are what callers may rely on. */
function sluiceErrorOf(thrown: FastifyError | SluiceError): SluiceError {
  if (thrown instanceof SluiceError) return thrown
  if (thrown.statusCode === 413)
    return new SluiceError('SLUICE_API_BODY_TOO_LARGE', messageOf(thrown), { cause: thrown })
  if (thrown.statusCode !== undefined && thrown.statusCode < 500) {
    return new SluiceError('SLUICE_API_INVALID_REQUEST', messageOf(thrown), { cause: thrown })
  }
  return new SluiceError('SLUICE_INTERNAL', 'an internal error; the log has the details', { cause: thrown })
}

const fastifyPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1')

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? ''
