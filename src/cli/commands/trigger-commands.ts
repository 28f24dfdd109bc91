import { userInfo } from 'node:os'
import type { Command } from 'commander'
import type { DeadLetterPage, DeadLetterView, TriggerView } from '../../api/views/trigger-view.ts'
import type { CommandIo } from '../command-io.ts'
import { formatTable, type Column } from '../format-table.ts'
import { wholeNumber } from '../option-parsers.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

const deadLetterColumns: readonly Column<DeadLetterView>[] = [
  { title: 'ID', value: row => String(row.id) },
  { title: 'AT', value: row => new Date(row.createdAtMs).toISOString() },
  { title: 'PLACE', value: row => `${row.stream}/${row.partition}/${row.offset}` },
  { title: 'KEY', value: row => row.key },
  { title: 'STAGE', value: row => row.stage },
  { title: 'ATTEMPTS', value: row => row.failures.length },
  { title: 'REASON', value: row => row.reason },
  { title: 'MESSAGE', value: row => (row.message.length > 100 ? `${row.message.slice(0, 99)}…` : row.message) },
]

/** `sluice pause`, `resume`, `dead-letters`. */
export function addTriggerCommands(program: Command, io: CommandIo): void {
  const path = (trigger: string) => `/v1/triggers/${encodeURIComponent(trigger)}`

  withApiOptions(program.command('pause <trigger>').description('stop running a trigger; events keep arriving'), io)
    .requiredOption('--reason <text>', 'why; it is kept and shown')
    .option('--by <name>', 'who', userName())
    .option('--json', 'print JSON')
    .action(async (trigger: string, options: ApiCommandOptions & { reason: string; by: string }) => {
      const { reason, by } = options
      const view = (await clientOf(options, io).post(`${path(trigger)}/pause`, { reason, by })) as TriggerView
      if (options.json === true) return printJson(io, view)
      io.out(`${trigger} is ${view.state}; ${lagOf(view)}\n`)
    })

  withApiOptions(program.command('resume <trigger>').description('go on with a paused trigger, where it stopped'), io)
    .option('--json', 'print JSON')
    .action(async (trigger: string, options: ApiCommandOptions) => {
      const view = (await clientOf(options, io).post(`${path(trigger)}/resume`)) as TriggerView
      if (options.json === true) return printJson(io, view)
      io.out(`${trigger} is ${view.state}; ${lagOf(view)}\n`)
    })

  withApiOptions(program.command('dead-letters <trigger>').description('show events that used up their attempts'), io)
    .option('--limit <count>', 'newest letters to show, 1 to 500', wholeNumber(1, 500), 50)
    .option('--before <id>', 'only letters older than this id', wholeNumber(1))
    .option('--json', 'print JSON, with the events')
    .action(async (trigger: string, options: ApiCommandOptions & { limit: number; before?: number }) => {
      const before = options.before === undefined ? '' : `&before=${options.before}`
      const query = `?limit=${options.limit}${before}`
      const page = (await clientOf(options, io).get(`${path(trigger)}/dead-letters${query}`)) as DeadLetterPage
      if (options.json === true) return printJson(io, page)
      if (page.items.length === 0) return io.out('no dead letters\n')
      io.out(formatTable(deadLetterColumns, page.items))
      if (page.next !== null) io.out(`${page.total} in all; older ones: --before ${page.next}\n`)
    })
}

const lagOf = (view: TriggerView): string =>
  view.lag === null ? 'how many events wait is not known now' : `${view.lag} event${view.lag === 1 ? '' : 's'} to go`

/** Containers run users that have no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'cli'
  }
}
