import { apiRoutes, type ApiRoute } from './api-routes.ts'
import { gatewayHealth } from './views/gateway-view.ts'
import { problemView } from './views/problem-view.ts'

type Json = Record<string, unknown>

/** The OpenAPI 3.1 document of the API, made from the table of routes. */
export function openapiDocument(version: string): Json {
  const paths: Record<string, Json> = {}
  for (const route of apiRoutes) (paths[`/v1${route.path}`] ??= {})[route.method.toLowerCase()] = operation(route)
  paths['/v1/functions/{name}/invocations'] = { post: invocation }
  paths['/healthz'] = { get: health('healthz', 'Whether the process can go on; 503 asks for a restart.') }
  paths['/readyz'] = { get: health('readyz', 'Whether everything that has to run runs, part by part.') }
  paths['/metrics'] = {
    get: {
      operationId: 'metrics',
      summary: 'Metrics in the Prometheus text format.',
      security,
      responses: { 200: { description: 'Metrics.', content: { 'text/plain': {} } }, ...problems([401]) },
    },
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version,
      description: 'Event-streaming gateway. Errors are RFC 9457 problem documents with a stable `code`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: { Problem: problemView },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Only when api.token is set.' } },
    },
  }
}

const security = [{}, { token: [] }]

const problems = (statuses: readonly number[]): Json =>
  Object.fromEntries(
    statuses.map(status => [
      status,
      {
        description: 'A problem.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  )

const nameParameter = { name: 'name', in: 'path', required: true, schema: { type: 'string' } }

const json = (schema: unknown): Json => ({ 'application/json': { schema } })

function operation(route: ApiRoute): Json {
  const query = route.query as unknown as { properties: Json; required?: string[] } | undefined
  const parameters: Json[] = route.path.includes('{name}') ? [nameParameter] : []
  for (const [name, schema] of Object.entries(query?.properties ?? {})) {
    parameters.push({ name, in: 'query', required: false, schema })
  }
  return {
    operationId: route.operationId,
    summary: route.summary,
    security,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: json(withoutDefaulted(route.body)) } }),
    responses: {
      200: { description: 'Done.', content: json(route.answer) },
      ...problems([...route.problems, 401, 405, 500]),
    },
  }
}

/** TypeBox lists fields with a default as required, because they are there afterwards; a caller need not send them. */
export function withoutDefaulted(schema: unknown): Json {
  const { required, ...rest } = schema as { required?: string[]; properties: Record<string, { default?: unknown }> }
  const needed = (required ?? []).filter(name => rest.properties[name]?.default === undefined)
  return needed.length > 0 ? { ...rest, required: needed } : rest
}

const invocation: Json = {
  operationId: 'invokeFunction',
  summary: 'Runs a function once and answers with its result. Nothing is kept, nothing is retried.',
  security,
  parameters: [nameParameter],
  requestBody: {
    description: 'The data of the event, or a CloudEvent in structured or binary mode.',
    content: { '*/*': {} },
  },
  responses: {
    200: { description: "The function's result; a function may choose another status.", content: { '*/*': {} } },
    ...problems([400, 401, 404, 405, 413, 500, 503, 504]),
  },
}

const health = (operationId: string, summary: string): Json => ({
  operationId,
  summary,
  responses: {
    200: { description: 'Yes.', content: json(gatewayHealth) },
    503: { description: 'No.', content: json(gatewayHealth) },
  },
})
