import Type, { type TSchema } from 'typebox'
import type { GatewayControl } from './gateway-control.ts'
import { SluiceError } from '../errors/sluice-error.ts'
import { functionSummary } from './views/function-view.ts'
import { scalingDecisionView, sinkView, sourceView, streamView } from './views/gateway-view.ts'
import { deadLetterPage, triggerView } from './views/trigger-view.ts'

/** One operation of the API. Both the server and the OpenAPI document are made from this table. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST'
  /** OpenAPI form below /v1, such as `/triggers/{name}`. */
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly query?: TSchema
  readonly body?: TSchema
  readonly answer: TSchema
  /** Statuses of problems beside 401 and 500. */
  readonly problems: readonly number[]
  readonly handle: (control: GatewayControl, request: ApiRequest) => Promise<unknown>
}

export interface ApiRequest {
  readonly name: string
  readonly query: Readonly<Record<string, unknown>>
  readonly body: unknown
}

const strict = { additionalProperties: false }

const list = <Item extends TSchema>(item: Item) => Type.Object({ items: Type.Array(item) })

const listOf = async <Item>(items: Promise<readonly Item[]>) => ({ items: await items })

const pauseBody = Type.Object(
  {
    reason: Type.String({ minLength: 1, maxLength: 500, description: 'Why; kept with the pause and shown.' }),
    by: Type.String({ minLength: 1, maxLength: 100, default: 'api', description: 'Who.' }),
  },
  strict,
)

const deadLetterQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
    before: Type.Optional(Type.Integer({ minimum: 1, description: '`next` of the page before.' })),
  },
  strict,
)

export const apiRoutes: readonly ApiRoute[] = [
  {
    method: 'GET',
    path: '/triggers',
    operationId: 'listTriggers',
    summary: 'All triggers with state and lag.',
    answer: list(triggerView),
    problems: [],
    handle: control => control.triggers({ limit: 1000 }),
  },
  {
    method: 'GET',
    path: '/triggers/{name}',
    operationId: 'getTrigger',
    summary: 'One trigger with state, lag by partition, parked keys and dead letters.',
    answer: triggerView,
    problems: [404],
    handle: async (control, { name }) => {
      const trigger = await control.trigger(name)
      if (trigger === undefined) throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no trigger '${name}'`)
      return trigger
    },
  },
  {
    method: 'POST',
    path: '/triggers/{name}/pause',
    operationId: 'pauseTrigger',
    summary: 'Pauses a trigger. Answers when the pause is durable and no invocation starts any more; ingest goes on.',
    body: pauseBody,
    answer: triggerView,
    problems: [400, 404, 503],
    handle: (control, { name, body }) => control.pauseTrigger(name, body as { reason: string; by: string }),
  },
  {
    method: 'POST',
    path: '/triggers/{name}/resume',
    operationId: 'resumeTrigger',
    summary: 'Resumes a trigger. Answers when that is durable.',
    answer: triggerView,
    problems: [404, 503],
    handle: (control, { name }) => control.resumeTrigger(name),
  },
  {
    method: 'GET',
    path: '/triggers/{name}/dead-letters',
    operationId: 'listDeadLetters',
    summary: 'Events that used up their attempts, newest first, with their history.',
    query: deadLetterQuery,
    answer: deadLetterPage,
    problems: [400, 404],
    handle: (control, { name, query }) =>
      control.deadLetters(name, query as unknown as { limit: number; before?: number }),
  },
  {
    method: 'GET',
    path: '/functions',
    operationId: 'listFunctions',
    summary: 'All functions with their worker pools.',
    answer: list(functionSummary),
    problems: [],
    handle: control => control.functions({ labels: [], limit: 1000 }),
  },
  {
    method: 'GET',
    path: '/sources',
    operationId: 'listSources',
    summary: 'All sources: what they accepted and refused.',
    answer: list(sourceView),
    problems: [],
    handle: control => listOf(control.sources()),
  },
  {
    method: 'GET',
    path: '/streams',
    operationId: 'listStreams',
    summary: 'All streams with their partitions.',
    answer: list(streamView),
    problems: [],
    handle: control => listOf(control.streams()),
  },
  {
    method: 'GET',
    path: '/sinks',
    operationId: 'listSinks',
    summary: 'All sinks and whether they are ready.',
    answer: list(sinkView),
    problems: [],
    handle: control => listOf(control.sinks()),
  },
  {
    method: 'GET',
    path: '/scaling',
    operationId: 'listScalingDecisions',
    summary: 'The last scaling decisions with their reasons, newest first.',
    answer: list(scalingDecisionView),
    problems: [],
    handle: control => listOf(control.scaling()),
  },
]
