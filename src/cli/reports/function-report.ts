import type { FunctionSummary, FunctionView, PoolView } from '../../api/views/function-view.ts'
import type { VersionSummary } from '../../api/views/version-view.ts'
import type { Terminal } from '../command-io.ts'
import { countOf, formatAge, formatBytes, formatDuration, threeDigits } from '../format-quantity.ts'
import { formatFields, formatTable, type Column } from '../format-table.ts'
import { defaultDefinition } from '../manifest/default-definition.ts'
import { formatWeights } from '../plan/alias-plan.ts'
import { fieldChanges } from '../plan/field-changes.ts'
import { shortHash } from '../plan/format-change.ts'
import { truncate } from '../terminal-text.ts'
import { formatRollout } from './alias-report.ts'

/** The columns of `sluice functions`. */
export function functionColumns(nowMs: number): readonly Column<FunctionSummary>[] {
  return [
    { title: 'FUNCTION', value: row => row.name },
    { title: 'STATE', value: stateOf, color: row => (['ready', 'idle'].includes(stateOf(row)) ? 'green' : 'yellow') },
    { title: 'LATEST', value: latestOf },
    {
      title: 'ALIASES',
      value: row => row.aliases.map(({ name, weights }) => `${name} → ${formatWeights(weights)}`).join('; '),
      leaveOut: 2,
    },
    { title: 'WORKERS', value: row => sumOf(row, pool => pool.workers) },
    { title: 'BUSY', value: row => sumOf(row, pool => pool.busy), leaveOut: 4 },
    { title: 'SUCCEEDED', value: row => sumOf(row, pool => pool.succeeded), leaveOut: 1 },
    { title: 'FAILED', value: row => sumOf(row, pool => pool.failed), leaveOut: 1 },
    { title: 'BY', value: row => row.managedBy, leaveOut: 5 },
    { title: 'CHANGED', value: row => formatAge(row.updatedAtMs, nowMs), leaveOut: 3 },
    { title: 'LABELS', value: row => formatLabels(row.labels), leaveOut: 6 },
    { title: 'WHY', value: row => row.detail ?? row.running.find(pool => pool.detail !== undefined)?.detail },
  ]
}

const sumOf = ({ running }: FunctionSummary, value: (pool: PoolView) => number): number =>
  running.reduce((sum, pool) => sum + value(pool), 0)

/** The worst of its pools, unless it is switched off. */
function stateOf({ enabled, running }: FunctionSummary): string {
  if (!enabled) return 'disabled'
  const states = running.map(pool => pool.state)
  return (['quarantined', 'starting', 'ready', 'draining'] as const).find(state => states.includes(state)) ?? 'idle'
}

/** The published version that latest is the same as, or its hash. */
const latestOf = ({ latestPublishedAs, latestHash }: FunctionSummary): string =>
  latestPublishedAs === null ? shortHash(latestHash) : `= ${latestPublishedAs}`

export const formatLabels = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')

export function versionColumns(nowMs: number): readonly Column<VersionSummary>[] {
  return [
    { title: 'VERSION', value: row => row.version },
    { title: 'HASH', value: row => shortHash(row.hash) },
    { title: 'CODE', value: row => shortHash(row.codeHash), leaveOut: 1 },
    { title: 'PUBLISHED', value: row => `${formatAge(row.createdAtMs, nowMs)} ago` },
    { title: 'LABELS', value: row => formatLabels(row.labels), leaveOut: 2 },
    { title: 'DESCRIPTION', value: row => row.description },
  ]
}

const poolColumns: readonly Column<PoolView>[] = [
  { title: 'RUNNING', value: row => row.version },
  { title: 'STATE', value: row => row.state },
  { title: 'WORKERS', value: row => `${row.workers} of ${row.minWorkers}–${row.maxWorkers}` },
  { title: 'BUSY', value: row => row.busy },
  { title: 'SUCCEEDED', value: row => row.succeeded },
  { title: 'FAILED', value: row => row.failed },
  { title: 'COLD STARTS', value: row => row.coldStarts, leaveOut: 2 },
  { title: 'KILLED', value: row => row.killed, leaveOut: 1 },
  {
    title: 'MS PER EVENT',
    value: row => (row.serviceTimeMs === null ? null : threeDigits(row.serviceTimeMs)),
    leaveOut: 3,
  },
  { title: 'WHY', value: row => row.detail },
]

/** One function in full. */
export function formatFunction(view: FunctionView, terminal: Terminal | undefined): string {
  const nowMs = Date.now()
  const changed = `${formatAge(view.updatedAtMs, nowMs)} ago, revision ${view.revision}`
  const data = view.code.files.length - view.code.files.filter(({ name }) => name.startsWith('index.mjs')).length
  const parts = [
    formatFields([
      ['function', view.name],
      ['description', view.description],
      ['state', view.enabled ? stateOf(view) : 'disabled: its events wait'],
      ['managed by', view.managedBy === 'config' ? 'the configuration file of the gateway' : 'the API'],
      [
        'latest',
        `${shortHash(view.latestHash)}${view.latestPublishedAs === null ? ', not published' : `, published as ${view.latestPublishedAs}`}`,
      ],
      [
        'code',
        `${shortHash(view.code.hash)}, ${formatBytes(view.code.bytes)}${data > 0 ? ` with ${countOf(data, 'data file')}` : ''}`,
      ],
      ...definitionFields(view),
      [
        'expires',
        view.expiresAtMs === null ? undefined : `in ${formatDuration(Math.max(0, view.expiresAtMs - nowMs))}`,
      ],
      ['changed', changed],
      ['why', view.detail],
    ]),
  ]
  if (view.running.length > 0) parts.push(formatTable(poolColumns, view.running, terminal))
  if (view.aliases.length > 0) {
    parts.push(
      formatTable(
        [
          { title: 'ALIAS', value: row => row.name },
          { title: 'VERSIONS', value: row => formatWeights(row.weights) },
          {
            title: 'SHADOW',
            value: row => (row.shadow === null ? '' : `${row.shadow.version} ${row.shadow.percent} %`),
          },
          { title: 'ROLLOUT', value: row => (row.rollout === null ? '' : formatRollout(row.rollout, nowMs)) },
          { title: 'PROBLEM', value: row => row.problems.join('; ') },
        ],
        view.aliases,
        terminal,
      ),
    )
  }
  if (view.triggers.length > 0) {
    parts.push(
      formatTable(
        [
          { title: 'TRIGGER', value: row => row.name },
          { title: 'RUNS', value: row => row.functionRef },
        ],
        view.triggers,
        terminal,
      ),
    )
  }
  if (view.versions.length > 0) parts.push(formatTable(versionColumns(nowMs), view.versions.slice(0, 10), terminal))
  if (view.versions.length > 10) {
    parts.push(`${view.versions.length} versions in all: sluice functions versions ${view.name}\n`)
  }
  return parts.join('\n')
}

/** What its definition says beyond the defaults. */
function definitionFields({ definition }: FunctionView): readonly (readonly [string, string])[] {
  return fieldChanges({ ...defaultDefinition(), description: definition.description }, definition).map(
    ({ path, to }) => {
      const text = typeof to === 'string' ? to : JSON.stringify(to)
      return [path, truncate(text ?? '(none)', 100)]
    },
  )
}
