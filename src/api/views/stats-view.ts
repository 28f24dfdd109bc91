import Type from 'typebox'
import { count, measured, timeMs, type View } from './view-schema.ts'

const durations = {
  meanMs: measured(),
  p50Ms: measured(),
  p95Ms: measured(),
  p99Ms: measured(),
}

const statsFields = {
  version: Type.String({ description: '`latest` or a published number.' }),
  invocations: count('Attempts of stream events and direct invocations.'),
  succeeded: count(),
  failures: count('Attempts that failed, timeouts among them.'),
  retries: count('Attempts after the first.'),
  deadLetters: count(),
  timeouts: count(),
  coldStarts: count('Workers that were started for work that waited.'),
  ...durations,
  queueDelay: Type.Object(durations, { description: 'From acceptance to the start of the attempt.' }),
  cpuMs: Type.Number({ minimum: 0, description: 'CPU time of its workers.' }),
  memoryMiBSeconds: Type.Number({ minimum: 0, description: 'Heap of its workers over time.' }),
  workerSeconds: Type.Number({ minimum: 0, description: 'Time that its workers lived.' }),
}

export const versionStatsView = Type.Object(statsFields)

export const statsSampleView = Type.Object({ atMs: timeMs('Start of the interval.'), ...statsFields })

/** What the versions of a function did. Durations are of attempts; null: there was none. */
export const statsView = Type.Object({
  function: Type.String(),
  atMs: timeMs('When this was true.'),
  windowMs: count('What the series covers.'),
  intervalMs: count('Length of one interval of the series.'),
  totals: Type.Array(versionStatsView, { description: 'By version, since the start of the gateway.' }),
  series: Type.Array(statsSampleView, { description: 'By interval and version, ascending by time.' }),
})

export type VersionStatsView = View<typeof versionStatsView>
export type StatsSampleView = View<typeof statsSampleView>
export type StatsView = View<typeof statsView>
