import type { TSchema } from 'typebox'
import { answers, ok, okList, route, type ApiRoute } from '../api-route.ts'
import type { StageControl } from '../gateway-control.ts'
import { overviewView } from '../views/overview-view.ts'
import { sinkView, sourceView, streamView } from '../views/gateway-view.ts'
import { list } from '../views/view-schema.ts'

const listRoute = (
  name: 'sources' | 'streams' | 'sinks',
  operationId: string,
  item: TSchema,
  summary: string,
): ApiRoute =>
  route({
    method: 'GET',
    path: `/${name}`,
    operationId,
    tag: 'gateway',
    summary,
    answers: { 200: answers(list(item)) },
    handle: async (control: StageControl) => okList(await control[name]()),
  })

export const stageRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/overview',
    operationId: 'getOverview',
    tag: 'gateway',
    summary: 'The gateway at a glance: every source, stream, trigger, pool and sink in a line, and what is wrong now.',
    answers: { 200: answers(overviewView) },
    handle: async control => ok(await control.overview()),
  }),
  listRoute('sources', 'listSources', sourceView, 'All sources: what they accepted and refused.'),
  listRoute('streams', 'listStreams', streamView, 'All streams with their partitions.'),
  listRoute('sinks', 'listSinks', sinkView, 'All sinks and whether they are ready.'),
]
