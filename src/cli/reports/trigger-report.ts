import type { TriggerView } from '../../api/views/trigger-view.ts'
import type { Terminal } from '../command-io.ts'
import { formatAge, formatDuration } from '../format-quantity.ts'
import { formatFields, formatTable, type Column } from '../format-table.ts'
import { defaultTrigger } from '../manifest/default-definition.ts'
import { fieldChanges } from '../plan/field-changes.ts'
import { truncate } from '../terminal-text.ts'

/** The columns of `sluice triggers`. */
export const triggerColumns: readonly Column<TriggerView>[] = [
  { title: 'TRIGGER', value: row => row.name },
  { title: 'STATE', value: row => row.state, color: row => (row.state === 'running' ? 'green' : 'yellow') },
  { title: 'STREAM', value: row => row.stream, leaveOut: 1 },
  { title: 'FUNCTION', value: row => row.functionRef },
  { title: 'LAG', value: row => row.lag },
  { title: 'IN FLIGHT', value: row => row.inFlight, leaveOut: 4 },
  { title: 'PARKED KEYS', value: row => row.parkedKeys, leaveOut: 5 },
  { title: 'SUCCEEDED', value: row => row.succeeded, leaveOut: 2 },
  { title: 'RETRIES', value: row => row.retries, leaveOut: 3 },
  { title: 'DEAD LETTERS', value: row => row.deadLetters },
  { title: 'WHY', value: whyOf },
]

function whyOf({ paused, problem, detail }: TriggerView): string | undefined {
  if (paused !== null) return `${paused.reason} (${paused.by})`
  return problem ?? detail
}

/** One trigger in full. */
export function formatTrigger(view: TriggerView, terminal: Terminal | undefined): string {
  const nowMs = Date.now()
  const resolved = view.resolvesTo.map(({ version, weight }) => (weight === 100 ? version : `${version} ${weight} %`))
  const fields = formatFields([
    ['trigger', view.name],
    ['state', view.state],
    ['why', whyOf(view)],
    ['stream', view.stream],
    ['function', view.functionRef],
    ['runs', resolved.length === 0 ? 'nothing: its events wait' : `version ${resolved.join(', ')}`],
    ...definitionFields(view),
    ['order', orderOf(view)],
    ['delivery', view.delivery === 'at-most-once' ? 'at most once: never repeated, lost by a crash' : 'at least once'],
    ['sinks', view.sinks.length === 0 ? 'none' : view.sinks.join(', ')],
    [
      'managed by',
      view.managedBy === 'config'
        ? 'the configuration file of the gateway'
        : `the ${view.managedBy === 'api' ? 'API' : 'gateway'}`,
    ],
    ['consumer group', view.uid],
    ['lag', view.lag],
    ['in flight', view.inFlight],
    ['parked', view.parkedKeys === 0 ? undefined : `${view.parkedEvents} events of ${view.parkedKeys} keys`],
    ['succeeded', view.succeeded],
    ['failed attempts', view.failed],
    ['retries', view.retries],
    ['dead letters', view.deadLetters],
    ['circuit breaker', breakerOf(view, nowMs)],
    ['expires', view.expiresAtMs === null ? undefined : `in ${formatDuration(Math.max(0, view.expiresAtMs - nowMs))}`],
    ['changed', `${formatAge(view.updatedAtMs, nowMs)} ago, revision ${view.revision}`],
  ])
  if (view.partitions.length === 0) return fields
  const partitions = formatTable(
    [
      { title: 'PARTITION', value: row => row.partition },
      { title: 'COMMITTED', value: row => row.committed },
      { title: 'END', value: row => row.end },
      { title: 'LAG', value: row => row.lag },
      { title: 'IN FLIGHT', value: row => row.inFlight },
    ],
    view.partitions,
    terminal,
  )
  return `${fields}\n${partitions}`
}

function orderOf({ ordering, retryMode, delayed }: TriggerView): string {
  const order = { key: 'by key', partition: 'by partition', none: 'none' }[ordering]
  return retryMode === 'delayed' ? `${order}, given up for events that fail: ${delayed} so far` : order
}

function breakerOf({ breaker }: TriggerView, nowMs: number): string | undefined {
  if (breaker === null) return undefined
  const { state, attempts, failures, probeAtMs } = breaker
  if (probeAtMs !== null) return `${state}, probes in ${formatDuration(Math.max(0, probeAtMs - nowMs))}`
  return state === 'closed' ? `closed: ${failures} of ${attempts} attempts failed` : `${state}: probes run`
}

/** What its definition says beyond the defaults, and is not told elsewhere. */
function definitionFields({ definition }: TriggerView): readonly (readonly [string, string])[] {
  const { stream, function: functionRef, sinks } = definition
  return fieldChanges({ ...defaultTrigger(), stream, function: functionRef, sinks }, definition).map(({ path, to }) => [
    path,
    truncate(typeof to === 'string' ? to : (JSON.stringify(to) ?? '(none)'), 100),
  ])
}
