import type { styleText } from 'node:util'
import type { DeadLetter } from './gateway-api.ts'
import { repeatCommand } from './options.ts'
import type { Counts, Summary } from './summary.ts'
import { kinds, type Kind } from './workload.ts'

type Style = Parameters<typeof styleText>[0]
/** Colours a text for the terminal, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

interface Column {
  readonly title: string
  readonly value: (counts: Counts) => number | null | undefined
  /** Above zero it is painted red. */
  readonly mustBeZero?: boolean
}

const always: readonly Column[] = [
  { title: 'accepted', value: counts => counts.accepted },
  { title: 'processed', value: counts => counts.done },
  { title: 'dead letters', value: counts => counts.deadLettered },
  { title: 'duplicates', value: counts => counts.duplicates },
]
const speed: readonly Column[] = [
  { title: 'events/s', value: counts => counts.eventsPerS },
  { title: 'p50 ms', value: counts => counts.sendToDoneMs?.p50 },
  { title: 'p99 ms', value: counts => counts.sendToDoneMs?.p99 },
]
const survival: readonly Column[] = [
  { title: 'lost', value: counts => counts.lost, mustBeZero: true },
  { title: 'out of order', value: counts => counts.outOfOrder, mustBeZero: true },
]

/** The summary for people, at most 80 columns wide but for long messages of dead letters. */
export function formatSummary(
  summary: Summary,
  deadLetters: ReadonlyMap<Kind, readonly DeadLetter[]>,
  paint: Paint,
): string {
  const isKilled = summary.kills > 0
  const lines = [
    ...table(summary, isKilled ? [...always, ...survival] : [...always, ...speed], paint),
    '',
    ...(isKilled ? killNotes(summary) : speedNotes(summary)),
    ...deadLetterNotes(deadLetters),
    '',
    ...verdict(summary, paint),
  ]
  return lines.map(line => `${line === '' ? '' : '  '}${line}\n`).join('')
}

function table(summary: Summary, columns: readonly Column[], paint: Paint): string[] {
  const rows = kinds.flatMap(kind =>
    summary.kinds[kind] === null ? [] : [{ label: kind as string, counts: summary.kinds[kind] }],
  )
  const all = [...rows, { label: 'total', counts: summary.total }]
  const labelWidth = Math.max(...all.map(({ label }) => label.length))
  const cells = all.map(({ counts }) => columns.map(column => cell(column.value(counts))))
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map(row => (row[index] ?? '').length)),
  )
  const head =
    ' '.repeat(labelWidth) + columns.map(({ title }, index) => `  ${title.padStart(widths[index] ?? 0)}`).join('')
  const body = all.map(({ label, counts }, row) => {
    const numbers = columns.map((column, index) => {
      const text = `  ${(cells[row]?.[index] ?? '').padStart(widths[index] ?? 0)}`
      return column.mustBeZero && (column.value(counts) ?? 0) > 0 ? paint('red', text) : text
    })
    const line = label.padEnd(labelWidth) + numbers.join('')
    return label === 'total' ? paint('bold', line) : line
  })
  return [paint('dim', head), ...body.slice(0, -1), paint('dim', '─'.repeat(head.length)), ...body.slice(-1)]
}

/** Three digits are enough to read: tenths only below 100, and only where they say something. */
function cell(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  const digits = value < 100 && !Number.isInteger(value) ? 1 : 0
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function speedNotes({ total, ratePerS }: Summary): string[] {
  const { acceptToDoneMs: short } = total
  const notes = ['p50, p99: from handing an event in, so with its way to the disk, to its function done;']
  if (short !== null) notes.push(`from the acknowledgement on it is ${ms(short.p50)} and ${ms(short.p99)}.`)
  if (ratePerS > 0)
    notes.push(`The senders kept to ${ratePerS.toLocaleString('en-US')}/s each; --rate 0 lets them run free.`)
  return notes
}

function killNotes(summary: Summary): string[] {
  const { kills, readyMs, total, eventsPerKind: events } = summary
  const sorted = [...readyMs].sort((a, b) => a - b)
  const [least = 0, median = 0, most = 0] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
  const duplicates = total.duplicates
  const times = kills === 1 ? 'once' : `${kills} times`
  const notes = [`Killed with SIGKILL ${times}; ready again after ${ms(least)} to ${ms(most)}, median ${ms(median)}.`]
  if (duplicates > 0)
    notes.push('Duplicates are what at-least-once costs: in flight when it was killed, or sent again.')
  return [...notes, `The same again: ${repeatCommand({ ...summary, events })}`]
}

function deadLetterNotes(deadLetters: ReadonlyMap<Kind, readonly DeadLetter[]>): string[] {
  const [kind, letter] =
    [...deadLetters].map(([kind, letters]) => [kind, letters[0]] as const).find(([, first]) => first) ?? []
  if (kind === undefined || letter === undefined) return []
  return [`A dead letter of ${kind}, after ${letter.attempts} attempts: ${letter.message}`]
}

function verdict({ ok, problems, total }: Summary, paint: Paint): string[] {
  if (!ok) return problems.map(problem => paint('red', `✗ ${problem}`))
  const doubt = total.deadLettered === 1 ? 'the dead letter was' : `all ${total.deadLettered} dead letters were`
  return [paint('green', `✓ Nothing lost, every key in order; ${doubt} poison on purpose.`)]
}

function ms(value: number): string {
  return value < 1000 ? `${value < 10 ? value.toFixed(1) : Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`
}
