import Type from 'typebox'
import { scalingSchema } from '../../config/sections/scaling.ts'
import { count, known, measured, nullable, oneOf, timeMs, type View } from './view-schema.ts'

const version = Type.String({ description: '`latest` or a published number.' })

export const scalingInputsView = Type.Object(
  {
    waiting: known('Events that waited and could run; null: not known, and nothing is changed then.'),
    arrivalsPerS: Type.Number(),
    completedPerS: Type.Number(),
    runnableKeys: count('Different keys among the events in memory that could start.'),
    ready: count('Workers that had started.'),
    busy: count('Workers with something to do.'),
    running: count('Events in handlers.'),
    concurrency: count('Events that one worker runs at a time.'),
    serviceTimeMs: measured('Duration of a call; null before the first.'),
    cpuShare: measured('CPU time of a call as a share of its duration, 0 to 1.'),
    failureShare: measured('Share of failures among the latest attempts, 0 to 1.'),
    limit: nullable(
      Type.Object({ workers: count(), why: Type.String() }),
      'Most workers that other versions leave; null: as many as it needs.',
    ),
  },
  { description: 'What a decision was made of.' },
)

export const scalingDecisionView = Type.Object({
  atMs: timeMs(),
  function: Type.String(),
  version,
  from: count(),
  to: count(),
  reason: Type.String(),
  inputs: nullable(scalingInputsView, 'null: made without a sample, for the first event or a warm minimum.'),
})

export const scaledVersionView = Type.Object({
  function: Type.String(),
  version,
  state: oneOf(['starting', 'ready', 'draining', 'quarantined', 'closed']),
  permitted: count('Workers that may run: what was decided.'),
  workers: count('Threads alive.'),
  busy: count(),
  reason: Type.String({ description: 'Of the last decision, whether or not it changed anything.' }),
  problem: nullable(Type.String(), 'Why no worker could be started.'),
  policy: scalingSchema,
  memoryMiB: count('Heap limit of one worker.'),
  inputs: nullable(scalingInputsView, 'null: not sampled yet.'),
  totals: Type.Object(
    {
      received: count('Events taken in.'),
      succeeded: count(),
      failed: count('Attempts.'),
      handlerMs: Type.Number({ description: 'Sum of the durations of all calls.' }),
      cpuMs: Type.Number({ description: 'CPU time of its workers.' }),
      coldStarts: count(),
    },
    { description: 'Since the version began to be used. Differences between two answers are a recording of its load.' },
  ),
})

export const scalingView = Type.Object({
  atMs: timeMs('When this was true.'),
  cores: count('Cores that the workers share.'),
  memoryMiB: count('For the heaps of all workers.'),
  versions: Type.Array(scaledVersionView, { description: 'Versions that something uses, by name.' }),
  decisions: Type.Array(scalingDecisionView, { description: 'Changes of the last hour, newest first.' }),
})

export const scalingPointView = Type.Object({
  atMs: timeMs(),
  workers: count(),
  busy: count(),
  waiting: known(),
  arrivalsPerS: Type.Number(),
  completedPerS: Type.Number(),
})

export const scalingSeriesView = Type.Object({
  atMs: timeMs('When this was true.'),
  windowMs: count('What the series cover, at most.'),
  intervalMs: count('Between two points; longer where a version had nothing to do.'),
  series: Type.Array(Type.Object({ function: Type.String(), version, points: Type.Array(scalingPointView) }), {
    description: 'Ascending by time. A version that had nothing to do has no points.',
  }),
})

export const externalMetricView = Type.Object({
  kind: Type.Literal('ExternalMetricValueList'),
  apiVersion: Type.Literal('external.metrics.k8s.io/v1beta1'),
  metadata: Type.Object({}),
  items: Type.Array(
    Type.Object({
      metricName: Type.Literal('sluice_wanted_nodes'),
      metricLabels: Type.Record(Type.String(), Type.String()),
      timestamp: Type.String({ description: 'RFC 3339.' }),
      value: Type.String({ description: 'A Kubernetes quantity: 1500m is one and a half.' }),
    }),
  ),
  value: Type.Number({
    description: 'Nodes that the load would fill, not rounded: KEDA reads it with valueLocation: value.',
  }),
  nodes: count('Rounded up; 0 when nothing wants anything.'),
  reason: Type.String(),
})

export type ScalingInputsView = View<typeof scalingInputsView>
export type ScalingDecisionView = View<typeof scalingDecisionView>
export type ScaledVersionView = View<typeof scaledVersionView>
export type ScalingView = View<typeof scalingView>
export type ScalingSeriesView = View<typeof scalingSeriesView>
export type ExternalMetricView = View<typeof externalMetricView>
