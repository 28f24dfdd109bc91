import type { Command } from 'commander'
import type { FunctionSummary, FunctionView } from '../../api/views/function-view.ts'
import type { VersionView } from '../../api/views/version-view.ts'
import { apiPath } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { formatTable } from '../format-table.ts'
import { collect, wholeNumber } from '../option-parsers.ts'
import { formatFunction, functionColumns, versionColumns } from '../reports/function-report.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type ListOptions = ApiCommandOptions & { readonly label?: readonly string[] }
type DeleteOptions = ApiCommandOptions & { readonly force?: boolean }

/** `sluice functions`: the list, one in full, and what is done to them by name. */
export function addFunctionsCommand(program: Command, io: CommandIo): void {
  // The subcommands have options of the same names, which are theirs when they stand behind them.
  const group = withApiOptions(
    program.command('functions').description('list functions, show one, delete, enable or disable it'),
    io,
  )
    .enablePositionalOptions()
    .argument('[function]', 'show this one in full')
    .option('--label <name=value>', 'only those with this label; repeatable', collect)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  sluice functions --label team=billing
  sluice functions price
  sluice functions versions price
  sluice functions disable price
  sluice functions delete-version price 3
  sluice functions delete price --force`,
    )
    .action(async (name: string | undefined, options: ListOptions) => {
      if (name !== undefined) return show(io, name, options)
      const items = await clientOf(options, io).list<FunctionSummary>(apiPath('functions'), { label: options.label })
      if (options.json === true) return printJson(io, items)
      io.out(items.length === 0 ? 'no functions\n' : formatTable(functionColumns(Date.now()), items, io.terminal))
    })

  withApiOptions(group.command('show <function>').description('show one in full'), io)
    .option('--json', 'print JSON')
    .action((name: string, options: ApiCommandOptions) => show(io, name, options))

  withApiOptions(group.command('versions <function>').description('published versions, newest first'), io)
    .option('--json', 'print JSON')
    .action(async (name: string, options: ApiCommandOptions) => {
      const path = apiPath('functions', name, 'versions')
      const { items } = await clientOf(options, io).json<{ readonly items: readonly VersionView[] }>('GET', path)
      if (options.json === true) return printJson(io, items)
      io.out(items.length === 0 ? 'no versions\n' : formatTable(versionColumns(Date.now()), items, io.terminal))
    })

  withApiOptions(group.command('delete <function>').description('delete a function with all its versions'), io)
    .option('--force', 'although triggers or aliases need it: events of its triggers wait')
    .option('--json', 'print JSON')
    .action(async (name: string, options: DeleteOptions) => {
      const query = { force: options.force }
      const answer = await clientOf(options, io).json('DELETE', apiPath('functions', name), { query })
      if (options.json === true) return printJson(io, answer)
      io.out(`Deleted ${name}.\n`)
    })

  withApiOptions(
    group
      .command('delete-version <function>')
      .description('delete a published version')
      .argument('<version>', 'its number', wholeNumber(1)),
    io,
  )
    .option('--force', 'although a trigger or alias needs it')
    .option('--json', 'print JSON')
    .action(async (name: string, version: number, options: DeleteOptions) => {
      const path = apiPath('functions', name, 'versions', version)
      const answer = await clientOf(options, io).json('DELETE', path, { query: { force: options.force } })
      if (options.json === true) return printJson(io, answer)
      io.out(`Deleted ${name}@${version}.\n`)
    })

  for (const [verb, summary, done] of [
    ['enable', 'feed it again; events that waited come first', 'is enabled'],
    ['disable', 'stop feeding it; its events wait', 'is disabled; its events wait'],
  ] as const) {
    withApiOptions(group.command(`${verb} <function>`).description(summary), io)
      .option('--json', 'print JSON')
      .action(async (name: string, options: ApiCommandOptions) => {
        const view = await clientOf(options, io).json<FunctionView>('POST', apiPath('functions', name, verb))
        if (options.json === true) return printJson(io, view)
        io.out(`${name} ${done}\n`)
      })
  }
}

async function show(io: CommandIo, name: string, options: ApiCommandOptions): Promise<void> {
  const view = await clientOf(options, io).json<FunctionView>('GET', apiPath('functions', name))
  if (options.json === true) return printJson(io, view)
  io.out(formatFunction(view, io.terminal))
}
