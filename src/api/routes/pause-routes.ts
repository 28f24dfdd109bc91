import Type from 'typebox'
import { aliasPattern } from '../../config/function-ref.ts'
import { namePattern } from '../../config/sections/name.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { answers, jsonBody, ok, okList, route, type ApiRoute } from '../api-route.ts'
import type { PauseInput } from '../pause-control.ts'
import { pauseId } from '../request/path-parameters.ts'
import { pauseEntry, pauseList } from '../views/pause-view.ts'
import { strict, versionText } from './route-fields.ts'

const kind = <Kind extends string>(value: Kind) => Type.Literal(value)
const trigger = Type.String({ pattern: namePattern, description: 'Name of a trigger.' })
const functionName = Type.String({ pattern: namePattern, description: 'Name of a function.' })
const key = Type.String({ minLength: 1, maxLength: 4_096, description: 'A key, as its events carry it.' })
const partition = Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Of the stream of the trigger.' })
const alias = Type.String({ pattern: aliasPattern })

const target = Type.Union(
  [
    Type.Object({ kind: kind('trigger'), trigger }, strict),
    Type.Object({ kind: kind('partition'), trigger, partition }, strict),
    Type.Object({ kind: kind('key'), trigger, key }, strict),
    Type.Object({ kind: kind('version'), function: functionName, version: versionText }, strict),
    Type.Object(
      { kind: kind('source'), source: Type.String({ pattern: namePattern, description: 'Name of a source.' }) },
      strict,
    ),
    Type.Object({ kind: kind('function'), function: functionName }, strict),
    Type.Object({ kind: kind('alias'), function: functionName, alias }, strict),
  ],
  { description: 'What to pause. A function or an alias stands for the triggers that name it.' },
)

/** Longest time of a pause that ends by itself: a year. */
const maxPauseMs = 366 * 86_400_000

/** Why, who, and until when: of every pause. */
export const pauseFields = {
  reason: Type.String({ minLength: 1, maxLength: 500, description: 'Why; kept with the pause and shown.' }),
  by: Type.String({ minLength: 1, maxLength: 100, default: 'api', description: 'Who.' }),
  expiresAfterMs: Type.Optional(
    Type.Integer({ minimum: 1_000, maximum: maxPauseMs, description: 'It ends by itself after this time.' }),
  ),
  expiresAtMs: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000, description: 'It ends by itself at this time.' }),
  ),
}

const pauseBody = Type.Object({ target, ...pauseFields }, strict)

export const pauseRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/pauses',
    operationId: 'listPauses',
    tag: 'pauses',
    summary: 'Everything that is paused, oldest first.',
    answers: { 200: answers(pauseList) },
    handle: async control => okList(await control.pauses()),
  }),
  route({
    method: 'POST',
    path: '/pauses',
    operationId: 'pause',
    tag: 'pauses',
    summary:
      'Pauses a trigger, a partition or a key of it, a version, or a source. Answers when it is durable and nothing of it runs.',
    body: jsonBody(pauseBody, {
      target: { kind: 'key', trigger: 'alerts', key: 'device-7' },
      reason: 'broken firmware',
      by: 'ada',
      expiresAfterMs: 7_200_000,
    }),
    answers: { 200: answers(pauseList, 'What is paused now.') },
    problems: [404, 409],
    handle: async (control, { body: { target: of, ...input } }) =>
      okList(await control.pause(of, pauseInputOf(input, Date.now()))),
  }),
  route({
    method: 'DELETE',
    path: '/pauses/{id}',
    operationId: 'endPause',
    tag: 'pauses',
    summary: 'Ends a pause. Answers when that is durable.',
    parameters: { id: pauseId },
    answers: { 200: answers(pauseEntry, 'What was paused.') },
    handle: async (control, { id }) => ok(await control.endPause(id)),
  }),
]

/** @throws {SluiceError} SLUICE_API_INVALID_REQUEST for an end in two ways, or in the past. */
export function pauseInputOf(
  fields: {
    readonly reason: string
    readonly by: string
    readonly expiresAfterMs?: number
    readonly expiresAtMs?: number
  },
  nowMs: number,
): PauseInput {
  const { reason, by, expiresAfterMs, expiresAtMs } = fields
  if (expiresAfterMs !== undefined && expiresAtMs !== undefined)
    throw new SluiceError('SLUICE_API_INVALID_REQUEST', 'body must have expiresAfterMs or expiresAtMs, not both')
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs)
    throw new SluiceError('SLUICE_API_INVALID_REQUEST', `expiresAtMs is over: it is ${nowMs} now`)
  const endMs = expiresAtMs ?? (expiresAfterMs === undefined ? undefined : nowMs + expiresAfterMs)
  return { reason, by, ...(endMs === undefined ? {} : { expiresAtMs: endMs }) }
}
