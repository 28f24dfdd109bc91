import type { Readable } from 'node:stream'
import Type, { type Static, type TObject, type TSchema } from 'typebox'
import type { GatewayControl } from './gateway-control.ts'
import type { LogsQuery, ObservationControl } from './observation-control.ts'
import type { Precondition, Put } from './precondition.ts'
import type { PathParameter } from './request/path-parameters.ts'

/** One operation of the API. Both the server and the OpenAPI document are made from a table of these. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** OpenAPI form below /v1, such as `/triggers/{name}`. */
  readonly path: string
  readonly operationId: string
  readonly tag: ApiTag
  readonly summary: string
  /** One entry per `{…}` of the path. */
  readonly parameters: Readonly<Record<string, PathParameter>>
  readonly query: TObject
  /** Which headers it takes: `if-match`, or `if-none-match` as well. */
  readonly precondition: 'none' | 'match' | 'match-or-absent'
  readonly body: ApiBody
  /** By status, or `default` for any other. */
  readonly answers: Readonly<Record<string, ApiAnswerSpec>>
  /** Statuses of problems beside those that every operation of its kind has; see {@link problemStatuses}. */
  readonly problems: readonly number[]
  readonly handle: (control: GatewayControl, request: ApiRequest) => Promise<ApiAnswer>
}

export type ApiTag =
  'functions' | 'aliases' | 'invocations' | 'observations' | 'triggers' | 'pauses' | 'dead-letters' | 'gateway'

/** none: a body is refused. json: checked against the schema. bytes: left as it is. */
export type ApiBody =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'json'
      readonly schema: TObject
      /** false: every field has a default. */
      readonly required: boolean
      /** Default 1 MiB. */
      readonly maxBytes?: number
      readonly example: unknown
    }
  | { readonly kind: 'bytes'; readonly description: string; readonly example: unknown }

export interface ApiAnswerSpec {
  readonly description: string
  /** By media type; undefined: anything. */
  readonly content: Readonly<Record<string, TSchema | undefined>>
  /** Whether it carries an `etag`. */
  readonly isTagged?: boolean
}

/** A request whose parts are checked. */
export interface ApiRequest<Query = unknown, Body = unknown> {
  /** `''`, 0 where the path has none. */
  readonly name: string
  readonly version: number
  readonly alias: string
  readonly id: string
  readonly query: Query
  readonly body: Body
  readonly precondition: Precondition
  readonly contentType: string
  /** Without those that authenticate the caller. */
  readonly headers: Readonly<Record<string, string>>
  /** Aborted when the caller is gone. */
  readonly gone: AbortSignal
  /** Follows logs until the server closes. */
  readonly follow: (control: ObservationControl, functionName: string, query: LogsQuery) => Promise<Readable>
  /** Tells what paths answer, with the caller's rights, until the server closes. */
  readonly watch: (paths: readonly string[]) => Readable
}

export type ApiAnswer =
  | { readonly kind: 'json'; readonly status: number; readonly value: unknown }
  | {
      readonly kind: 'bytes'
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly bytes: Buffer
    }
  | { readonly kind: 'stream'; readonly contentType: string; readonly stream: Readable }

const noQuery = Type.Object({}, { additionalProperties: false })

type OptionalParts = 'parameters' | 'query' | 'precondition' | 'body' | 'problems'

/** What a row of the table says; the rest has its default. */
export type RouteDefinition<Query extends TObject, Body> = Omit<ApiRoute, OptionalParts | 'handle'> &
  Partial<Pick<ApiRoute, 'parameters' | 'precondition' | 'problems'>> & {
    readonly query?: Query
    readonly body?: Body
    readonly handle: (
      control: GatewayControl,
      request: ApiRequest<Static<Query>, BodyValue<Body>>,
    ) => Promise<ApiAnswer>
  }

type BodyValue<Body> = Body extends { readonly kind: 'json'; readonly schema: infer Schema extends TSchema }
  ? Static<Schema>
  : Body extends { readonly kind: 'bytes' }
    ? Buffer
    : undefined

/** A row of the table, with the types of its query and body in its handler. */
export function route<Query extends TObject = typeof noQuery, Body extends ApiBody = { readonly kind: 'none' }>(
  definition: RouteDefinition<Query, Body>,
): ApiRoute {
  const { query = noQuery, body = { kind: 'none' }, parameters = {}, precondition = 'none', problems = [] } = definition
  return {
    ...definition,
    query,
    body,
    parameters,
    precondition,
    problems,
    // The server checks a request against the schemas whose types these are.
    handle: definition.handle as ApiRoute['handle'],
  }
}

/** A body in JSON. */
export const jsonBody = <Schema extends TObject>(
  schema: Schema,
  example: unknown,
  options: { readonly required?: boolean; readonly maxBytes?: number } = {},
) => ({ kind: 'json', schema, required: true, example, ...options }) as const

/** The specification of an answer in JSON. */
export const answers = (schema: TSchema, description = 'Done.'): ApiAnswerSpec => ({
  description,
  content: { 'application/json': schema },
})

/** As {@link answers}, with an entity tag. */
export const taggedAnswers = (schema: TSchema, description?: string): ApiAnswerSpec => ({
  ...answers(schema, description),
  isTagged: true,
})

export const ok = (value: unknown): ApiAnswer => ({ kind: 'json', status: 200, value })

export const okList = (items: readonly unknown[]): ApiAnswer => ok({ items })

export const accepted = (value: unknown): ApiAnswer => ({ kind: 'json', status: 202, value })

/** 201 for what was created, 200 for what was there. */
export const put = ({ created, view }: Put<unknown>): ApiAnswer => ({
  kind: 'json',
  status: created ? 201 : 200,
  value: view,
})

/** All statuses of problems that an operation may answer. */
export function problemStatuses(route: ApiRoute): readonly number[] {
  const statuses = new Set([400, 401, 500, 503, ...route.problems])
  if (Object.keys(route.parameters).length > 0) statuses.add(404)
  if (route.precondition !== 'none') statuses.add(412)
  // A body that nobody asked for may be too large, too, and its content type none.
  if (route.method !== 'GET') statuses.add(413).add(415)
  return [...statuses].sort((a, b) => a - b)
}
