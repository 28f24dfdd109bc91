import type { ScaledVersionView, ScalingDecisionView, ScalingView } from '../../api/views/scaling-view.ts'
import type { Terminal } from '../command-io.ts'
import { countOf, formatDuration, threeDigits } from '../format-quantity.ts'
import { formatTable, type Column } from '../format-table.ts'

type Version = ScaledVersionView

/** What was never measured is no number. */
const known = <Value, Shown>(value: Value | null | undefined, show: (value: Value) => Shown): Shown | undefined =>
  value === null || value === undefined ? undefined : show(value)

const isAtWork = ({ permitted, workers, inputs, problem }: Version): boolean =>
  permitted > 0 || workers > 0 || problem !== null || (inputs?.waiting ?? 1) > 0

const versionColumns: readonly Column<Version>[] = [
  { title: 'VERSION', value: row => `${row.function}@${row.version}` },
  {
    title: 'WORKERS',
    value: row => (row.workers === row.permitted ? String(row.workers) : `${row.workers}→${row.permitted}`),
    color: row => (row.state === 'quarantined' ? 'red' : undefined),
  },
  { title: 'OF', value: row => row.policy.maxWorkers, leaveOut: 4 },
  { title: 'BUSY', value: row => row.busy, leaveOut: 3 },
  // A version that was not sampled yet has no lag to tell.
  { title: 'WAITING', value: row => (row.inputs === null ? undefined : row.inputs.waiting) },
  { title: 'IN/S', value: row => known(row.inputs, ({ arrivalsPerS }) => threeDigits(arrivalsPerS)) },
  { title: 'DONE/S', value: row => known(row.inputs, ({ completedPerS }) => threeDigits(completedPerS)), leaveOut: 2 },
  { title: 'CALL', value: row => known(row.inputs?.serviceTimeMs, formatDuration) },
  { title: 'CPU', value: row => known(row.inputs?.cpuShare, share => `${threeDigits(share * 100)} %`), leaveOut: 5 },
  { title: 'WHY', value: row => row.problem ?? row.reason, leaveOut: 1 },
]

const decisionColumns: readonly Column<ScalingDecisionView>[] = [
  { title: 'AT', value: ({ atMs }) => clock(atMs) },
  { title: 'VERSION', value: row => `${row.function}@${row.version}` },
  { title: 'WORKERS', value: row => `${row.from}→${row.to}` },
  { title: 'WHY', value: whyOf },
]

/** Versions as they are now, and what was decided lately. Versions without anything to do are counted only. */
export function formatScaling(view: ScalingView, mostDecisions: number, terminal: Terminal | undefined): string {
  if (view.versions.length === 0) return 'nothing uses a version now\n'
  const shown = view.versions.filter(isAtWork)
  const idle = view.versions.length - shown.length
  const parts: string[] = []
  if (shown.length > 0) parts.push(formatTable(versionColumns, shown, terminal))
  if (idle > 0) parts.push(`${shown.length > 0 ? '+ ' : ''}${countOf(idle, 'version')} without work or workers\n`)
  const decisions = view.decisions.slice(0, mostDecisions)
  parts.push(
    '\n',
    decisions.length === 0 ? 'no change within the last hour\n' : formatTable(decisionColumns, decisions, terminal),
  )
  return parts.join('')
}

/** One decision as a line that stays. */
export function formatDecision(decision: ScalingDecisionView): string {
  const { atMs, function: name, version, from, to } = decision
  return `${clock(atMs)}  ${name}@${version}  ${from}→${to}  ${whyOf(decision)}\n`
}

/** The reason without the numbers that stand before it. */
function whyOf({ from, to, reason }: ScalingDecisionView): string {
  const change = `${from}→${to}: `
  return reason.startsWith(change) ? reason.slice(change.length) : reason
}

const clock = (atMs: number): string => new Date(atMs).toTimeString().slice(0, 8)
