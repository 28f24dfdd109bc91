import type { RedrivePlanView, RedriveView } from '../../api/views/redrive-view.ts'
import { countOf, formatDuration, groupDigits } from '../format-quantity.ts'
import type { Column } from '../format-table.ts'

/** The columns of `sluice dead-letters redrives`. */
export const redriveColumns: readonly Column<RedriveView>[] = [
  { title: 'REDRIVE', value: row => String(row.id) },
  { title: 'STATE', value: row => row.state, color: row => (row.state === 'running' ? 'yellow' : undefined) },
  { title: 'LETTERS', value: row => row.total },
  { title: 'SUCCEEDED', value: row => row.succeeded, color: () => 'green' },
  { title: 'FAILED', value: row => row.failed, color: row => (row.failed > 0 ? 'red' : undefined) },
  { title: 'IN FLIGHT', value: row => row.inFlight, leaveOut: 2 },
  { title: 'TOO OFTEN', value: row => row.guarded, leaveOut: 5 },
  { title: 'RATE', value: row => (row.ratePerSecond === null ? undefined : `${row.ratePerSecond}/s`), leaveOut: 4 },
  { title: 'VERSION', value: row => row.version ?? undefined, leaveOut: 3 },
  { title: 'STARTED', value: row => new Date(row.startedAtMs).toISOString(), leaveOut: 1 },
  { title: 'FILTER', value: filterText },
]

/** What a redrive would take, and what not. */
export function formatPlan({ trigger, matching, total, skipped }: RedrivePlanView): string {
  const { redrivenTooOften, neverAnEvent, beingRedriven } = skipped
  const left = [
    redrivenTooOften > 0 && `${groupDigits(redrivenTooOften)} whose redrives failed 3 times (--force takes them)`,
    neverAnEvent > 0 && `${groupDigits(neverAnEvent)} that never were events`,
    beingRedriven > 0 && `${groupDigits(beingRedriven)} that are being redriven`,
  ].filter(text => text !== false)
  const leaves = left.length === 0 ? '' : `; leaves ${left.join(', ')}`
  return `${trigger}: takes ${groupDigits(total)} of ${countOf(matching, 'dead letter')}${leaves}\n`
}

/** `redrive 3 of alert: done, 10 succeeded, 2 failed again in 4.2 s` */
export function formatRedrive(view: RedriveView): string {
  const { id, trigger, state, total, redriven, succeeded, failed, inFlight, startedAtMs, endedAtMs } = view
  const parts = [
    state === 'running' ? `running, ${groupDigits(redriven)} of ${groupDigits(total)} taken` : state,
    `${groupDigits(succeeded)} succeeded`,
    `${groupDigits(failed)} failed again`,
    ...(inFlight === 0 ? [] : [`${groupDigits(inFlight)} under way`]),
  ]
  const time = endedAtMs === null ? '' : ` in ${formatDuration(Math.max(0, endedAtMs - startedAtMs))}`
  return `redrive ${id} of ${trigger}: ${parts.join(', ')}${time}\n`
}

const barWidth = 24

/** One line with a bar. */
export function formatProgress(view: RedriveView, nowMs: number): string {
  const { total, succeeded, failed, inFlight, startedAtMs } = view
  const ended = succeeded + failed
  const share = total === 0 ? 1 : Math.min(1, ended / total)
  const filled = Math.floor(share * barWidth)
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
  const perMs = ended / Math.max(1, nowMs - startedAtMs)
  const left = ended === 0 || ended >= total ? '' : ` · ${formatDuration((total - ended) / perMs)} left`
  const counts = `${groupDigits(ended)}/${groupDigits(total)} · ${groupDigits(failed)} failed · ${groupDigits(inFlight)} under way`
  return `${bar} ${Math.floor(share * 100)} % · ${counts}${left}`
}

function filterText({ filter }: RedriveView): string {
  const entries = Object.entries(filter)
  if (entries.length === 0) return 'all'
  return entries
    .map(([name, value]) => {
      if (name === 'ids' && Array.isArray(value))
        return value.length > 5 ? countOf(value.length, 'id') : value.join(' ')
      if (name === 'fromMs' || name === 'toMs') return `${name.slice(0, -2)} ${new Date(Number(value)).toISOString()}`
      return `${name} ${String(value)}`
    })
    .join(', ')
}
