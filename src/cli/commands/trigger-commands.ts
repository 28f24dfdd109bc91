import type { Command } from 'commander'
import type { DeadLetterPage, DeadLetterView } from '../../api/views/trigger-view.ts'
import { apiPath } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { formatTable, type Column } from '../format-table.ts'
import { wholeNumber } from '../option-parsers.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

const deadLetterColumns: readonly Column<DeadLetterView>[] = [
  { title: 'ID', value: row => String(row.id) },
  { title: 'AT', value: row => new Date(row.createdAtMs).toISOString(), leaveOut: 2 },
  { title: 'PLACE', value: row => `${row.stream}/${row.partition}/${row.offset}` },
  { title: 'KEY', value: row => row.key, leaveOut: 1 },
  { title: 'STAGE', value: row => row.stage, leaveOut: 4 },
  { title: 'ATTEMPTS', value: row => row.failures.length, leaveOut: 3 },
  { title: 'REASON', value: row => row.reason },
  { title: 'MESSAGE', value: row => (row.message.length > 100 ? `${row.message.slice(0, 99)}…` : row.message) },
]

/** `sluice dead-letters`. */
export function addTriggerCommands(program: Command, io: CommandIo): void {
  withApiOptions(program.command('dead-letters <trigger>').description('show events that used up their attempts'), io)
    .option('--limit <count>', 'newest letters to show, 1 to 500', wholeNumber(1, 500), 50)
    .option('--before <id>', 'only letters older than this id', wholeNumber(1))
    .option('--json', 'print JSON, with the events')
    .addHelpText(
      'after',
      `\nThose of a source are of events that could not be taken in.\n\nExamples:\n  sluice dead-letters telemetry-alert --limit 10\n  sluice dead-letters source:orders --json`,
    )
    .action(async (trigger: string, options: ApiCommandOptions & { limit: number; before?: number }) => {
      const path = apiPath('triggers', trigger, 'dead-letters')
      const query = { limit: options.limit, before: options.before }
      const page = await clientOf(options, io).json<DeadLetterPage>('GET', path, { query })
      if (options.json === true) return printJson(io, page)
      if (page.items.length === 0) return io.out('no dead letters\n')
      io.out(formatTable(deadLetterColumns, page.items, io.terminal))
      if (page.next !== null) io.out(`${page.total} in all; older ones: --before ${page.next}\n`)
    })
}
