import type { ReplayedEvent, ReplayReport } from '../../replay/replay.ts'
import { colorsOf, type Colors, type Paint } from '../colors.ts'
import type { Terminal } from '../command-io.ts'
import { formatTable, type Column } from '../format-table.ts'
import { countOf, formatDuration } from '../format-quantity.ts'
import { plainText, truncate } from '../terminal-text.ts'

type Verdict = ReplayedEvent['verdict']

const order: readonly Verdict[] = ['same', 'fixed', 'new', 'different', 'failed']
/** Characters of what happened in the table; below it stands more. */
const maxDetail = 60

const columns: readonly Column<ReplayedEvent>[] = [
  { title: 'EVENT', value: ({ id }) => id },
  { title: 'KEY', value: ({ key }) => key ?? '', leaveOut: 2 },
  { title: 'PLACE', value: ({ stream, partition, offset }) => `${stream}/${partition}/${offset}`, leaveOut: 1 },
  { title: 'TOOK', value: ({ durationMs }) => formatDuration(durationMs), leaveOut: 3 },
  { title: 'VERDICT', value: ({ verdict }) => verdict, color: ({ verdict }) => colorOf(verdict) },
  { title: 'WHAT', value: ({ detail }) => truncate(plainText(detail), maxDetail) },
]

/** A line for each event, then what is different of those that are, and a sum. */
export function formatReplay({ events, trigger }: ReplayReport, terminal: Terminal | undefined): string {
  const colors = colorsOf(terminal)
  const table = formatTable(columns, events, terminal)
  const changed = events.filter(({ recorded, replayed }) => recorded !== undefined || replayed !== undefined)
  const diffs = changed.map(event => diffOf(event, colors)).join('')
  const sums = order
    .map(verdict => [verdict, events.filter(event => event.verdict === verdict).length] as const)
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => paintOf(verdict, colors)(`${count} ${verdict}`))
  const against = trigger === '' ? '' : `, compared with trigger ${trigger}`
  return `${table}${diffs}\n${countOf(events.length, 'event')}${against}: ${sums.join(', ')}\n`
}

function diffOf(event: ReplayedEvent, colors: Colors): string {
  const { id, verdict, detail, recorded, replayed, stack } = event
  const lines = ['', `${paintOf(verdict, colors)(verdict)} ${plainText(id)}: ${plainText(detail)}`]
  if (recorded !== undefined) lines.push(...shown('-', recorded).map(colors.red))
  if (replayed !== undefined) lines.push(...shown('+', replayed).map(colors.green))
  if (stack !== undefined && verdict === 'failed')
    lines.push(
      ...stack
        .split('\n')
        .slice(1, 6)
        .map(line => colors.dim(`  ${plainText(line)}`)),
    )
  return lines.map(line => `${line}\n`).join('')
}

const shown = (mark: string, text: string): string[] => text.split('\n').map(line => `  ${mark} ${plainText(line)}`)

function colorOf(verdict: Verdict): 'green' | 'red' | 'yellow' {
  if (verdict === 'same' || verdict === 'fixed') return 'green'
  return verdict === 'new' ? 'yellow' : 'red'
}

const paintOf = (verdict: Verdict, colors: Colors): Paint => colors[colorOf(verdict)]
