import type { SinkView, SourceView, StreamView } from '../../api/views/gateway-view.ts'
import type { OverviewView, Problem } from '../../api/views/overview-view.ts'
import type { ScaledVersionView } from '../../api/views/scaling-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'

export interface OverviewParts {
  readonly atMs: number
  readonly version: string
  readonly startedAtMs: number
  readonly ready: boolean
  readonly problems: readonly Problem[]
  readonly functionCount: number
  readonly cores: number
  readonly sources: readonly SourceView[]
  readonly streams: readonly StreamView[]
  readonly triggers: readonly TriggerView[]
  readonly versions: readonly ScaledVersionView[]
  readonly sinks: readonly SinkView[]
}

/** More problems than this nobody reads. */
const mostProblems = 100

/** The gateway in one answer: the views of its stages, shortened to what one looks at every second. Pure. */
export function overviewOf({ problems, sources, streams, triggers, versions, ...rest }: OverviewParts): OverviewView {
  return {
    ...rest,
    problems: problems.slice(0, mostProblems),
    problemCount: problems.length,
    sources: sources.map(({ name, kind, state, stream, accepted, refused }) => ({
      ...{ name, kind, state, stream, accepted },
      refused: sum(Object.values(refused)),
    })),
    streams: streams.map(({ name, kind, partitions, bytes }) => ({
      ...{ name, kind, bytes },
      partitions: partitions.length,
      appended: sum(partitions.map(({ end }) => end)),
      kept: sum(partitions.map(({ low, end }) => end - low)),
    })),
    triggers: triggers.map(trigger => {
      const { name, stream, function: functionName, functionRef, sinks, state, managedBy } = trigger
      const { lag, inFlight, succeeded, failed, parkedKeys, deadLetters } = trigger
      return {
        ...{ name, stream, function: functionName, functionRef, sinks, state, isInternal: managedBy === 'gateway' },
        ...{ lag, inFlight, succeeded, failed, parkedKeys, deadLetters },
      }
    }),
    pools: versions.map(({ function: functionName, version, state, permitted, workers, busy, totals, inputs }) => ({
      ...{ function: functionName, version, state, permitted, workers, busy },
      succeeded: totals.succeeded,
      failed: totals.failed,
      serviceTimeMs: inputs?.serviceTimeMs ?? null,
    })),
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
