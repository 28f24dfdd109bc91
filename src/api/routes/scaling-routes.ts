import Type from 'typebox'
import { namePattern } from '../../config/sections/name.ts'
import { answers, ok, route, type ApiRoute } from '../api-route.ts'
import { externalMetricView, scalingSeriesView, scalingView } from '../views/scaling-view.ts'
import { strict, versionText } from './route-fields.ts'

const which = {
  function: Type.Optional(Type.String({ pattern: namePattern, description: 'Only this function.' })),
  version: Type.Optional(versionText),
}

const scalingQuery = Type.Object(
  { ...which, limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'Most decisions.' }) },
  strict,
)

const seriesQuery = Type.Object(
  {
    ...which,
    window: Type.Integer({
      minimum: 1_000,
      maximum: 3_600_000,
      default: 3_600_000,
      description: 'What the series cover, in ms until now.',
    }),
  },
  strict,
)

export const scalingRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/scaling',
    operationId: 'getScaling',
    tag: 'gateway',
    summary: 'How many workers each version has and why, and the decisions of the last hour with their inputs.',
    query: scalingQuery,
    answers: { 200: answers(scalingView) },
    handle: async (control, { query }) => ok(await control.scaling(query)),
  }),
  route({
    method: 'GET',
    path: '/scaling/series',
    operationId: 'getScalingSeries',
    tag: 'gateway',
    summary: 'Workers, waiting events and rates of each version over time.',
    query: seriesQuery,
    answers: { 200: answers(scalingSeriesView) },
    handle: async (control, { query: { window, ...query } }) =>
      ok(await control.scalingSeries({ ...query, windowMs: window })),
  }),
  route({
    method: 'GET',
    path: '/scaling/external',
    operationId: 'getExternalMetric',
    tag: 'gateway',
    summary: 'How many nodes the load would fill, for KEDA (metrics-api) and for an HPA as an external metric.',
    answers: { 200: answers(externalMetricView, 'While some lag is not known the answer is 503, and both hold.') },
    handle: async control => ok(await control.externalMetric()),
  }),
]
