import type {
  AttemptView,
  EventInTrigger,
  RecentEventPage,
  RecentEventView,
} from '../../api/views/recent-event-view.ts'
import { colorsOf, type Colors, type Paint } from '../colors.ts'
import type { Terminal } from '../command-io.ts'
import { countOf, formatBytes, formatDuration } from '../format-quantity.ts'
import { padEnd, padStart, plainText, truncate } from '../terminal-text.ts'

/** Characters of a result or an error in one line. */
const maxShown = 120

/** One thing that happened. */
interface Step {
  /** Null: when is not known. */
  readonly atMs: number | null
  readonly text: string
  readonly paint?: Paint
}

/** The story of each event: when it was accepted, and in each trigger what happened to it, with aligned times. */
export function formatTrace(
  { items, atMs, incomplete, next }: RecentEventPage,
  terminal: Terminal | undefined,
): string {
  const colors = colorsOf(terminal)
  const lines: string[] = []
  for (const event of items) {
    if (lines.length > 0) lines.push('')
    lines.push(...eventLines(event, atMs, terminal !== undefined, colors))
  }
  if (items.length === 0) lines.push('nothing is known of such events')
  if (next !== null) lines.push('', colors.dim('(there are older ones: --limit)'))
  const isMissing = items.length === 0 || items.some(({ triggers }) => triggers.some(({ recorded }) => !recorded))
  if (incomplete !== null && isMissing) lines.push('', colors.dim(`(${plainText(incomplete.sentence)})`))
  return lines.map(line => `${line}\n`).join('')
}

function eventLines(event: RecentEventView, nowMs: number, isLocal: boolean, colors: Colors): readonly string[] {
  const { stream, partition, offset, id, key, type, source, traceId, dataBytes, acceptedAtMs, triggers } = event
  const facts = [
    type === null ? undefined : `${type} from ${source}`,
    dataBytes === null ? undefined : formatBytes(dataBytes),
    traceId === null ? undefined : `trace ${traceId}`,
  ].filter(fact => fact !== undefined)
  const name = `${id === null ? 'event' : `event ${id}`}${key === null ? '' : ` of key ${key}`}`
  const lines = [`${colors.bold(plainText(name))} in ${stream}/${partition}, offset ${offset}`]
  if (facts.length > 0) lines.push(colors.dim(`  ${plainText(facts.join(', '))}`))
  const firstMs = acceptedAtMs ?? triggers.flatMap(stepsOf(colors)).find(step => step.atMs !== null)?.atMs ?? null
  const line = stepLine(firstMs, nowMs, isLocal, colors)
  lines.push(line({ atMs: acceptedAtMs, text: 'accepted, and durable' }))
  if (triggers.length === 0) lines.push('  no trigger reads this stream: nothing waits for it')
  for (const trigger of triggers) {
    lines.push(`  ${headOf(trigger, colors)}`)
    lines.push(...stepsOf(colors)(trigger).map(line))
    if (trigger.state !== 'done' && trigger.state !== 'filtered') lines.push(`    ${plainText(trigger.sentence)}`)
    if (trigger.next !== null) lines.push(`    ${colors.cyan(plainText(trigger.next))}`)
    if (!trigger.recorded) lines.push(colors.dim('    how it came to this was not recorded'))
  }
  return lines
}

function headOf({ trigger, functionRef, state, waitedMs }: EventInTrigger, { green, red, yellow }: Colors): string {
  const paint = state === 'done' || state === 'filtered' ? green : state === 'dead-letter' ? red : yellow
  const waited = waitedMs === null ? '' : `, waited ${formatDuration(waitedMs)}`
  const what = functionRef === null ? '' : ` (${plainText(functionRef)})`
  return `${paint('●')} ${plainText(trigger)}${what}: ${paint(state)}${waited}`
}

const stepsOf =
  ({ red, green }: Colors) =>
  (trigger: EventInTrigger): readonly Step[] => {
    const { attempts, sinks, parkedAtMs, finishedAtMs, state, results, result } = trigger
    const steps: Step[] = attempts.map(attempt => ({
      atMs: attempt.startedAtMs,
      text: attemptText(attempt) + (attempt.outcome === 'succeeded' ? resultText(results, result) : ''),
      paint: attempt.outcome === 'succeeded' ? green : red,
    }))
    for (const { sink, outcome, attempts: tries, startedAtMs, durationMs, error } of sinks) {
      const times = tries === 1 ? '' : `, ${countOf(tries, 'attempt')}`
      const why = error === undefined ? '' : `: ${error}`
      const text = `sink ${sink}: ${outcome} in ${formatDuration(durationMs)}${times}${why}`
      steps.push({ atMs: startedAtMs, text, ...(error === undefined ? {} : { paint: red }) })
    }
    if (parkedAtMs !== null)
      steps.push({ atMs: parkedAtMs, text: 'parked: its key waits aside, its partition flows on' })
    const end = state === 'dead-letter' ? { text: 'dead letter', paint: red } : { text: 'done', paint: green }
    if (finishedAtMs !== null) steps.push({ atMs: finishedAtMs, ...end })
    // Stable: what ended in the same millisecond stays in this order.
    return steps.sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0))
  }

function attemptText({ attempt, version, outcome, durationMs, error }: AttemptView): string {
  const why = error === undefined ? '' : `: ${error}`
  return `attempt ${attempt}, ${version}: ${outcome} in ${formatDuration(durationMs)}${why}`
}

function resultText(count: number | null, kept: EventInTrigger['result']): string {
  if (count === null) return ''
  if (count === 0) return ', no result'
  const [first] = kept
  const shown = first === undefined ? '' : ` ${first.text ?? `${formatBytes(first.dataBytes)} of ${first.contentType}`}`
  return `, ${countOf(count, 'result')}${shown}`
}

/** `    14:02:00.012   +12 ms  attempt 1 …`: times of one event stand in columns. */
function stepLine(firstMs: number | null, nowMs: number, isLocal: boolean, { dim }: Colors): (step: Step) => string {
  // Told once in full, so that a time of yesterday is not taken for one of today.
  const withDate = firstMs !== null && dayOf(firstMs, isLocal) !== dayOf(nowMs, isLocal)
  const clock = (atMs: number): string => (withDate ? `${dayOf(atMs, isLocal)} ` : '') + clockOf(atMs, isLocal)
  const width = clock(0).length
  return ({ atMs, text, paint }) => {
    const since =
      atMs === null || firstMs === null || atMs === firstMs ? '' : `+${formatDuration(Math.max(0, atMs - firstMs))}`
    const time = atMs === null ? padEnd('', width) : clock(atMs)
    const what = truncate(plainText(text), maxShown)
    return `    ${dim(time)} ${dim(padStart(since, 9))}  ${paint === undefined ? what : paint(what)}`
  }
}

/** `14:02:00.012` here, `14:02:00.012Z` in UTC. */
function clockOf(atMs: number, isLocal: boolean): string {
  // A producer may have given any number for a time.
  if (Number.isNaN(new Date(atMs).getTime())) return String(atMs)
  if (!isLocal) return new Date(atMs).toISOString().slice(11)
  return `${new Date(atMs).toTimeString().slice(0, 8)}.${String(Math.floor(atMs) % 1000).padStart(3, '0')}`
}

function dayOf(atMs: number, isLocal: boolean): string {
  if (Number.isNaN(new Date(atMs).getTime())) return ''
  if (!isLocal) return new Date(atMs).toISOString().slice(0, 10)
  const at = new Date(atMs)
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(part => String(part).padStart(2, '0')).join('-')
}
