import type { TSchema } from 'typebox'
import { problemStatuses, type ApiAnswerSpec, type ApiBody, type ApiRoute, type ApiTag } from '../api-route.ts'
import { apiRoutes } from '../api-routes.ts'
import { ifMatchPattern } from '../request/read-precondition.ts'
import { gatewayHealth } from '../views/gateway-view.ts'
import { problemView } from '../views/problem-view.ts'
import { namedSchemas } from './named-schemas.ts'
import { SchemaReferences, type Json } from './schema-references.ts'

const tags: Readonly<Record<ApiTag, string>> = {
  functions: 'Functions and their published versions.',
  aliases: 'Names for versions: moved at once, or in steps that go back by themselves.',
  invocations: 'Running a function past its sources.',
  observations: 'Figures and logs of functions.',
  triggers: 'Which events of which stream run which function.',
  pauses: 'What starts nothing for the time being: triggers and parts of them, versions, sources.',
  'dead-letters': 'Events that used up their attempts, and messages that could not become events.',
  gateway: 'Sources, streams, sinks, and the process.',
}

/** Problems by status: the name of the response, what it means, its headers. */
const problemResponses: Readonly<Record<number, readonly [name: string, description: string, ...headers: string[]]>> = {
  400: ['Invalid', 'The request is not valid; `detail` names the field.'],
  401: ['Unauthorized', 'The bearer token is missing or wrong.', 'WwwAuthenticate'],
  403: ['Forbidden', 'The execution role of the function forbids it.'],
  404: ['NotFound', 'It is not there.'],
  409: ['Conflict', 'Its state does not allow it: it is in use, disabled, or managed by the configuration file.'],
  412: ['OtherRevision', 'It was changed meanwhile, or exists although it must not: read it again.'],
  413: ['TooLarge', 'The body is too large.'],
  415: ['UnsupportedType', 'The content type is not taken.'],
  416: ['OutOfRange', 'The log has no such partition or offset.'],
  422: [
    'Unprocessable',
    'The request is well formed, but does not hold: the code does not load, a version is not there.',
  ],
  429: ['TooMany', 'Too many requests.', 'RetryAfter'],
  500: ['Internal', 'A mistake of the gateway; its log has the details.'],
  502: ['Failed', 'The function failed.'],
  503: ['Unavailable', 'The gateway stops, is overloaded, or cannot write now.', 'RetryAfter'],
  504: ['TimedOut', 'The function did not answer in time.'],
}

const headers = {
  Etag: { description: 'The revision, for if-match.', schema: { type: 'string', pattern: '^"[0-9]+"$' } },
  RetryAfter: { description: 'Seconds.', required: true, schema: { type: 'string', pattern: '^[0-9]+$' } },
  WwwAuthenticate: { required: true, schema: { type: 'string' } },
}

const preconditionParameters = {
  IfMatch: {
    name: 'if-match',
    in: 'header',
    description: 'Only if it has this revision: the etag of an earlier answer. * means: only if it exists.',
    schema: { type: 'string', pattern: ifMatchPattern, examples: ['"12"'] },
  },
  IfNoneMatch: {
    name: 'if-none-match',
    in: 'header',
    description: 'Only if it does not exist.',
    schema: { type: 'string', const: '*' },
  },
}

const security = [{}, { token: [] }]

/** The OpenAPI 3.1 document of the API, made from the table of routes. */
export function openapiDocument(version: string): Json {
  const schemas = new SchemaReferences(namedSchemas)
  const paths: Record<string, Json> = {}
  for (const route of apiRoutes) {
    ;(paths[`/v1${route.path}`] ??= {})[route.method.toLowerCase()] = operationOf(route, schemas)
  }
  const problems = Object.values(problemResponses).map(([name, description, ...names]) => [
    name,
    {
      description,
      ...(names.length === 0
        ? {}
        : { headers: Object.fromEntries(names.map(header => [kebab(header), headerRef(header)])) }),
      content: { 'application/problem+json': { schema: schemas.of(problemView, 'answer') } },
    },
  ])
  Object.assign(paths, processPaths(schemas))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version,
      description:
        'Event-streaming gateway. Errors are RFC 9457 problem documents with a stable `code`. Fields that are not known ' +
        'are refused. Answers may get further fields.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: schemas.components,
      responses: Object.fromEntries(problems) as Json,
      parameters: preconditionParameters,
      headers,
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Only when api.token is set.' } },
    },
  }
}

function operationOf(route: ApiRoute, schemas: SchemaReferences): Json {
  const parameters = parametersOf(route)
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    security,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...requestBodyOf(route.body, schemas),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.answers).map(([status, answer]) => [status, responseOf(answer, schemas)]),
      ),
      ...problemRefs(problemStatuses(route)),
    },
  }
}

function parametersOf(route: ApiRoute): Json[] {
  const inPath = Object.entries(route.parameters).map(([name, { schema }]) => {
    const { description, ...rest } = schema as TSchema & { readonly description?: string }
    return { name, in: 'path', required: true, description, schema: { ...rest } }
  })
  const inQuery = Object.entries(route.query.properties).map(([name, schema]) => {
    const { description, ...rest } = schema as TSchema & { readonly description?: string }
    return {
      name,
      in: 'query',
      required: false,
      ...(description === undefined ? {} : { description }),
      schema: { ...rest },
    }
  })
  const inHeaders = {
    none: [],
    match: [parameterRef('IfMatch')],
    'match-or-absent': [parameterRef('IfMatch'), parameterRef('IfNoneMatch')],
  }[route.precondition]
  return [...inPath, ...inQuery, ...inHeaders]
}

function requestBodyOf(body: ApiBody, schemas: SchemaReferences): Json {
  switch (body.kind) {
    case 'none':
      return {}
    case 'json': {
      const content = { schema: schemas.of(body.schema, 'request'), example: body.example }
      return { requestBody: { required: body.required, content: { 'application/json': content } } }
    }
    case 'bytes': {
      const content = { 'application/json': { example: body.example }, '*/*': {} }
      return { requestBody: { required: false, description: body.description, content } }
    }
  }
}

function responseOf({ description, content, isTagged }: ApiAnswerSpec, schemas: SchemaReferences): Json {
  return {
    description,
    ...(isTagged === true ? { headers: { etag: headerRef('Etag') } } : {}),
    content: Object.fromEntries(
      Object.entries(content).map(([type, schema]) => [
        type,
        schema === undefined ? {} : { schema: schemas.of(schema, 'answer') },
      ]),
    ),
  }
}

/** What is served beside the table: the document itself, probes and metrics. */
function processPaths(schemas: SchemaReferences): Record<string, Json> {
  const health = (operationId: string, summary: string, isNot: string): Json => {
    const content = { 'application/json': { schema: schemas.of(gatewayHealth, 'answer') } }
    const responses = { 200: { description: 'Yes.', content }, 503: { description: isNot, content } }
    return { get: { operationId, tags: ['gateway'], summary, security: [], responses } }
  }
  const text = (operationId: string, summary: string, type: string): Json => {
    const responses = { 200: { description: 'Done.', content: { [type]: {} } }, ...problemRefs([401, 500]) }
    return { get: { operationId, tags: ['gateway'], summary, security, responses } }
  }
  return {
    '/v1/openapi.json': text('getOpenapi', 'This document.', 'application/json'),
    '/healthz': health('healthz', 'Whether the process can go on.', 'It has to be restarted.'),
    '/readyz': health('readyz', 'Whether everything that has to run runs, part by part.', 'Something does not run.'),
    '/metrics': text('metrics', 'Metrics in the Prometheus text format.', 'text/plain'),
  }
}

const problemRefs = (statuses: readonly number[]): Json =>
  Object.fromEntries(
    statuses.map(status => {
      const response = problemResponses[status]
      if (response === undefined) throw new TypeError(`an operation answers ${status}, which has no response`)
      return [status, { $ref: `#/components/responses/${response[0]}` }]
    }),
  )

const headerRef = (name: string): Json => ({ $ref: `#/components/headers/${name}` })

const parameterRef = (name: string): Json => ({ $ref: `#/components/parameters/${name}` })

const kebab = (name: string): string => name.replaceAll(/(?<=[a-z])[A-Z]/g, letter => `-${letter}`).toLowerCase()
