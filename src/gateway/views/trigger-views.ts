import type { PartitionView, TriggerView } from '../../api/views/trigger-view.ts'
import { parseFunctionRef } from '../../config/function-ref.ts'
import type { TriggerRecord } from '../../registry/registry-records.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import type { RunningTrigger, WaitingTrigger } from '../fleet/trigger-fleet.ts'
import type { LogEnds } from '../fleet/version-lag.ts'
import { groupOf } from '../home-streams.ts'
import { pauseViewOf } from './pause-views.ts'

export interface TriggerViewParts {
  readonly ends: LogEnds
  /** Dead letters that are kept, by trigger uid. */
  readonly deadLetters: ReadonlyMap<string, number>
}

/** A trigger that runs, as the API shows it. */
export async function triggerViewOf(trigger: RunningTrigger, parts: TriggerViewParts): Promise<TriggerView> {
  const { dispatch, record, routes } = trigger
  const partitions = await partitionsOf(trigger, parts.ends)
  const { counters, state, problem, pauseRecord } = dispatch
  const isKnown = partitions.length > 0 && partitions.every(({ lag }) => lag !== null)
  return {
    ...fieldsOf(record),
    managedBy: trigger.isInternal === true ? 'gateway' : record.managedBy,
    state: state === 'blocked' || state === 'stopping' ? 'stopped' : state,
    resolvesTo: routes.refs.targets.map(({ engine, weight }) => ({ version: engine.version.version, weight })),
    problem: routes.problem ?? null,
    retryMode: retryModeOf(trigger),
    lag: isKnown ? partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0) + dispatch.parkedEvents : null,
    inFlight: partitions.reduce((sum, { inFlight }) => sum + inFlight, 0),
    parkedKeys: dispatch.parkedKeys,
    parkedEvents: dispatch.parkedEvents,
    retries: counters.retried,
    delayed: counters.delayed,
    succeeded: counters.succeeded,
    failed: counters.failed,
    deadLetters: parts.deadLetters.get(record.uid) ?? 0,
    partitions,
    paused: pauseRecord === undefined ? null : pauseViewOf(pauseRecord),
    breaker: breakerViewOf(trigger),
    ...(problem === undefined ? {} : { detail: problem }),
  }
}

/** A trigger that cannot run now. */
export function waitingTriggerViewOf(
  { record, problem }: WaitingTrigger,
  pause: PauseRecord | undefined,
  deadLetters: ReadonlyMap<string, number>,
): TriggerView {
  return {
    ...fieldsOf(record),
    managedBy: record.managedBy,
    state: record.definition.enabled ? 'stopped' : 'disabled',
    resolvesTo: [],
    problem,
    retryMode: record.definition.retry?.mode ?? 'in-order',
    lag: null,
    inFlight: 0,
    parkedKeys: 0,
    parkedEvents: 0,
    retries: 0,
    delayed: 0,
    succeeded: 0,
    failed: 0,
    deadLetters: deadLetters.get(record.uid) ?? 0,
    partitions: [],
    paused: pause === undefined ? null : pauseViewOf(pause),
    breaker: null,
    detail: problem,
  }
}

/** What its versions make of a failed event; where they differ, order is given up for some. */
function retryModeOf({ routes, record }: RunningTrigger): TriggerView['retryMode'] {
  const isDelayed = routes.targetsOf().some(({ retry }) => retry.mode === 'delayed')
  return isDelayed ? 'delayed' : (record.definition.retry?.mode ?? 'in-order')
}

function breakerViewOf({ dispatch }: RunningTrigger): TriggerView['breaker'] {
  const status = dispatch.breaker?.status
  return status === undefined ? null : { ...status, probeAtMs: status.probeAtMs ?? null }
}

function fieldsOf(record: TriggerRecord) {
  const { name, uid, definition, revision, createdAtMs, updatedAtMs, expiresAtMs } = record
  return {
    name,
    uid,
    stream: definition.stream,
    function: parseFunctionRef(definition.function)?.name ?? definition.function,
    functionRef: definition.function,
    ordering: definition.ordering,
    delivery: definition.delivery ?? 'at-least-once',
    sinks: definition.sinks,
    definition,
    expiresAtMs: expiresAtMs ?? null,
    revision,
    createdAtMs,
    updatedAtMs,
  }
}

async function partitionsOf({ dispatch, log, record }: RunningTrigger, logEnds: LogEnds): Promise<PartitionView[]> {
  const [ends, committed] = await Promise.all([
    logEnds.of(log).catch(() => undefined),
    log.committed(groupOf(record.uid)).catch(() => undefined),
  ])
  const progress = new Map(dispatch.partitions().map(entry => [entry.partition, entry]))
  return Array.from({ length: log.partitionCount }, (_, partition) => {
    const done = progress.get(partition)?.completed ?? committed?.get(partition) ?? null
    const known = ends?.[partition]?.end
    // Ends are a moment older than what was completed since.
    const end = known === undefined ? null : Math.max(known, done ?? 0)
    const lag = end === null ? null : Math.max(0, end - (done ?? ends?.[partition]?.low ?? 0))
    return {
      partition,
      committed: committed?.get(partition) ?? null,
      end,
      lag,
      inFlight: progress.get(partition)?.inFlight ?? 0,
    }
  })
}
