import type { DeadLetterView } from '../../api/views/dead-letter-view.ts'
import type { Terminal } from '../command-io.ts'
import { countOf, formatBytes } from '../format-quantity.ts'
import { formatFields, formatTable, type Column } from '../format-table.ts'
import { plainLines, plainText } from '../terminal-text.ts'

/** The columns of `sluice dead-letters list`. */
export const deadLetterColumns: readonly Column<DeadLetterView>[] = [
  { title: 'ID', value: row => String(row.id) },
  { title: 'AT', value: row => timeText(row.createdAtMs), leaveOut: 2 },
  { title: 'PLACE', value: placeOf },
  { title: 'KEY', value: row => row.key, leaveOut: 1 },
  { title: 'STAGE', value: row => row.stage, leaveOut: 5 },
  { title: 'ATTEMPTS', value: row => row.attempts, leaveOut: 4 },
  {
    title: 'REDRIVES',
    value: row => (row.redrive === null ? row.redrives || undefined : `${row.redrives}, in #${row.redrive}`),
    leaveOut: 3,
  },
  { title: 'REASON', value: row => row.reason },
  { title: 'MESSAGE', value: row => (row.message.length > 100 ? `${row.message.slice(0, 99)}…` : row.message) },
]

/** A failed attempt as the gateway keeps it; histories of an older one have less. */
interface Attempt {
  readonly attempt?: number
  readonly atMs?: number
  readonly stage?: string
  readonly reason?: string
  readonly message?: string
  readonly version?: string
  readonly redrive?: number
}

const attemptColumns: readonly Column<Attempt>[] = [
  { title: 'REDRIVE', value: row => row.redrive },
  { title: 'ATTEMPT', value: row => row.attempt },
  { title: 'AT', value: row => (row.atMs === undefined ? undefined : timeText(row.atMs)), leaveOut: 2 },
  { title: 'STAGE', value: row => row.stage, leaveOut: 3 },
  { title: 'VERSION', value: row => row.version, leaveOut: 1 },
  { title: 'REASON', value: row => row.reason },
  { title: 'MESSAGE', value: row => row.message },
]

/** Text of an event that is shown; the rest is exported. */
const shownCharacters = 4_000

/** One letter in full. */
export function formatDeadLetter(view: DeadLetterView, terminal: Terminal | undefined): string {
  const { type, source, time, traceparent, datacontenttype } = view.event
  const fields = formatFields([
    ['dead letter', String(view.id)],
    ['trigger', view.trigger],
    ['place', placeOf(view)],
    ['event', text(view.event.id)],
    ['type', text(type)],
    ['source', text(source)],
    ['time', text(time)],
    ['key', view.key],
    ['trace', text(traceparent)],
    ['accepted', timeText(view.acceptedAtMs)],
    ['dead since', timeText(view.createdAtMs)],
    ['last attempt', timeText(view.lastAttemptAtMs)],
    ['stage', view.stage],
    ['function', view.function],
    ['reason', view.reason],
    ['message', view.message],
    ['redrives', view.redrives === 0 ? undefined : `${view.redrives} failed`],
    ['redriven by', view.redrive === null ? undefined : `redrive ${view.redrive}`],
    ['results', view.results.length === 0 ? undefined : `${countOf(view.results.length, 'result')} that no sink took`],
    [
      'data',
      view.dataBase64 === null ? 'none: a tombstone' : `${formatBytes(view.dataBytes)} ${text(datacontenttype)}`,
    ],
  ])
  const attempts = view.failures as readonly Attempt[]
  return [
    fields,
    ...(attempts.length === 0 ? [] : [formatTable(attemptColumns, attempts, terminal)]),
    ...(view.dataBase64 === null || view.dataBytes === 0 ? [] : [dataText(view.dataBase64)]),
  ].join('\n')
}

/** Text as it is, anything else not at all. */
function dataText(base64: string): string {
  const bytes = Buffer.from(base64, 'base64')
  try {
    const shown = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const more = shown.length > shownCharacters ? '\n… (--json has all of it)' : ''
    return `${plainLines(shown.slice(0, shownCharacters))}${more}\n`
  } catch {
    return '(no text; --json has it in base64)\n'
  }
}

function placeOf({ stream, partition, offset }: DeadLetterView): string {
  return `${stream}/${partition}/${offset}`
}

const timeText = (atMs: number): string => new Date(atMs).toISOString()

const text = (value: unknown): string => (typeof value === 'string' ? plainText(value) : '')
