import type { AliasView, RolloutView, ShadowReport } from '../../api/views/alias-view.ts'
import type { Terminal } from '../command-io.ts'
import { formatAge, formatDuration } from '../format-quantity.ts'
import { formatFields, formatTable } from '../format-table.ts'
import { formatWeights } from '../plan/alias-plan.ts'
import { truncate } from '../terminal-text.ts'

/** An alias in full, with what its shadow version does differently. */
export function formatAlias(view: AliasView, shadow: ShadowReport | undefined, terminal: Terminal | undefined): string {
  const nowMs = Date.now()
  const { rollout } = view
  const fields = formatFields([
    ['alias', `${view.function}@${view.name}`],
    ['description', view.description],
    ['versions', formatWeights(view.weights)],
    ['shadow', view.shadow === null ? undefined : `${view.shadow.version} gets ${view.shadow.percent} % of the events`],
    ['rollout', rollout === null ? undefined : formatRollout(rollout, nowMs)],
    ['problem', view.problems.join('; ')],
    ['changed', `${formatAge(view.updatedAtMs, nowMs)} ago, revision ${view.revision}`],
  ])
  return shadow === undefined ? fields : `${fields}\n${formatShadow(shadow, terminal)}`
}

/** `to 4, running: step 2 of 3 (50 %), since 12 s: waiting for invocations: 4 of 20`. */
export function formatRollout(rollout: RolloutView, nowMs: number): string {
  const { state, to, step, steps, reason } = rollout
  const why = reason === undefined || reason === null || reason === '' ? '' : `: ${reason}`
  if (state === 'running') {
    const since = formatDuration(nowMs - rollout.stepSinceMs)
    return `to ${to}, running: step ${step + 1} of ${steps.length} (${steps[step] ?? 100} %), for ${since}${why}`
  }
  const ended = rollout.endedAtMs === null ? '' : `, ${formatAge(rollout.endedAtMs, nowMs)} ago`
  return `to ${to}, ${state}${ended}${why}`
}

function formatShadow(report: ShadowReport, terminal: Terminal | undefined): string {
  const counts = formatFields([
    ['compared', report.compared],
    ['same', report.same],
    ['different', report.different],
    ['failed only in shadow', report.failedOnlyInShadow],
    ['failed only in real', report.failedOnlyInReal],
    ['not run for lack of room', report.dropped],
  ])
  if (report.examples.length === 0) return counts
  const shown = (value: unknown) => truncate(typeof value === 'string' ? value : JSON.stringify(value), 60)
  return `${counts}\n${formatTable(
    [
      { title: 'EVENT', value: row => row.eventId },
      { title: 'KEY', value: row => row.key, leaveOut: 1 },
      { title: 'DIFFERENCE', value: row => row.difference },
      { title: 'REAL', value: row => shown(row.real), leaveOut: 2 },
      { title: 'SHADOW', value: row => shown(row.shadow), leaveOut: 2 },
    ],
    report.examples,
    terminal,
  )}`
}
