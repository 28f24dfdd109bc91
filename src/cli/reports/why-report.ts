import type { WhyAnswer, WhyEvent, WhySource, WhyView } from '../../api/views/why-view.ts'
import { colorsOf, type Colors } from '../colors.ts'
import type { Terminal } from '../command-io.ts'
import { countOf, formatBytes, formatDuration } from '../format-quantity.ts'
import { plainText } from '../terminal-text.ts'

/** What needs nobody, what somebody has decided or will pass, and what somebody should look at. */
const calm: readonly WhyAnswer['verdict'][] = [
  'done',
  'running',
  'publishing',
  'next',
  'idle',
  'at-work',
  'nothing-waits',
]
const bad: readonly WhyAnswer['verdict'][] = ['dead-letter', 'expired', 'stopped', 'no-version', 'missing']

/** Triggers that an event is not for are told last. */
const isApart = ({ verdict }: WhyAnswer): boolean => verdict === 'filtered' || verdict === 'before-start'

/** A sentence for each trigger, what could be done, and what is known of the event. */
export function formatWhy(
  { atMs, answers, events, sources, searched }: WhyView,
  terminal: Terminal | undefined,
): string {
  const colors = colorsOf(terminal)
  const time = (timeMs: number): string => formatTime(timeMs, atMs, terminal !== undefined)
  const lines: string[] = []
  for (const answer of answers.toSorted((a, b) => Number(isApart(a)) - Number(isApart(b)))) {
    const paint = bad.includes(answer.verdict)
      ? colors.red
      : calm.includes(answer.verdict)
        ? colors.green
        : colors.yellow
    lines.push(paint('● ') + withTimes(answer, time))
    if (answer.next !== null) lines.push(`    ${colors.cyan(plainText(answer.next))}`)
  }
  for (const source of sources) {
    lines.push((source.verdict === 'taking' ? colors.green : colors.yellow)('● ') + withTimes(source, time))
    if (source.next !== null) lines.push(`    ${colors.cyan(plainText(source.next))}`)
  }
  if (answers.length === 0 && sources.length === 0) {
    const streams = [...new Set(events.map(({ stream }) => stream))].join(', ')
    lines.push(
      streams === ''
        ? 'there is no trigger that it could wait for'
        : `no trigger reads ${streams}: nothing waits for it`,
    )
  }
  for (const event of events) lines.push(...eventLines(event, time, colors))
  if (searched !== null && !searched.complete)
    lines.push(
      colors.dim(
        `(found among the newest ${countOf(searched.events, 'event')} of ${searched.streams.join(', ')}; there may be older ones)`,
      ),
    )
  return lines.map(line => `${line}\n`).join('')
}

/** Times of the answer stand in its sentence in UTC; whatever else looks like a time is text of others. */
function withTimes({ sentence, facts }: WhyAnswer | WhySource, time: (timeMs: number) => string): string {
  let text = plainText(sentence)
  for (const timeMs of [facts.dueAtMs, facts.sinceMs, facts.untilMs, facts.atMs, facts.behind?.dueAtMs]) {
    if (timeMs === undefined) continue
    const utc = new Date(Math.floor(timeMs / 1000) * 1000).toISOString().replace('.000Z', 'Z')
    text = text.replace(utc, () => time(timeMs))
  }
  return text
}

function eventLines(event: WhyEvent, time: (timeMs: number) => string, { dim }: Colors): readonly string[] {
  const { id, type, source, acceptedAtMs, dataBytes, traceId } = event
  const facts = [
    id === null ? undefined : `event ${id}`,
    type === null ? undefined : `${type} from ${source}`,
    acceptedAtMs === null ? undefined : `accepted ${time(acceptedAtMs)}`,
    dataBytes === null ? undefined : formatBytes(dataBytes),
    traceId === null ? undefined : `trace ${traceId}`,
  ].filter(fact => fact !== undefined)
  return facts.length === 0 ? [] : [dim(`  ${plainText(facts.join(', '))}`)]
}

/** `14:02:10, in 12 s`; with the date on another day, and in UTC for a file. */
function formatTime(timeMs: number, nowMs: number, isLocal: boolean): string {
  const distanceMs = timeMs - nowMs
  const far = formatDuration(Math.max(1_000, Math.round(Math.abs(distanceMs) / 1000) * 1000))
  const relative = Math.abs(distanceMs) < 1_000 ? 'now' : distanceMs > 0 ? `in ${far}` : `${far} ago`
  return `${isLocal ? localTime(timeMs, nowMs) : new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z')}, ${relative}`
}

function localTime(timeMs: number, nowMs: number): string {
  const at = new Date(timeMs)
  const clock = at.toTimeString().slice(0, 8)
  if (at.toDateString() === new Date(nowMs).toDateString()) return clock
  return `${[at.getFullYear(), at.getMonth() + 1, at.getDate()].map(part => String(part).padStart(2, '0')).join('-')} ${clock}`
}
