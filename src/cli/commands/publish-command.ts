import type { Command } from 'commander'
import type { VersionView } from '../../api/views/version-view.ts'
import { apiPath } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { collectPairs } from '../option-parsers.ts'
import { shortHash } from '../plan/format-change.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type PublishOptions = ApiCommandOptions & {
  readonly message?: string
  readonly label?: Readonly<Record<string, string>>
}

/** `sluice publish`: an immutable, numbered copy of a function's latest version. */
export function addPublishCommand(program: Command, io: CommandIo): void {
  withApiOptions(
    program.command('publish <function>').description('make a numbered copy of the latest version that never changes'),
    io,
  )
    .option('-m, --message <text>', 'what is new in it')
    .option('--label <name=value>', 'a label of the version; repeatable', collectPairs)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  sluice publish price -m 'rounds to cents' --label ticket=T-12
  sluice alias price live $(sluice publish price --json | jq .version)`,
    )
    .action(async (name: string, options: PublishOptions) => {
      const body = { description: options.message ?? '', labels: options.label ?? {} }
      const view = await clientOf(options, io).json<VersionView>('POST', apiPath('functions', name, 'versions'), {
        body,
      })
      if (options.json === true) return printJson(io, view)
      const place = `${name}@${view.version}`
      const how = view.unchanged === true ? `${place} has the content of latest already` : `Published ${place}`
      io.out(`${how} (${shortHash(view.hash)}).\n`)
    })
}
