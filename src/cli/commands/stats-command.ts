import { type Command, Option } from 'commander'
import type { StatsView } from '../../api/views/stats-view.ts'
import { apiPath } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { duration } from '../option-parsers.ts'
import { formatStats } from '../reports/stats-report.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type StatsOptions = ApiCommandOptions & { readonly version?: string; readonly window: number }

/** `sluice stats`: what the versions of a function did. */
export function addStatsCommand(program: Command, io: CommandIo): void {
  withApiOptions(
    program.command('stats <function>').description('show invocations, durations and usage by version'),
    io,
  )
    .option('--version <version>', 'only this one: latest or a number')
    .addOption(
      new Option('--window <duration>', 'what the series covers')
        .argParser(duration(1_000, 3_600_000))
        .default(3_600_000, '1h'),
    )
    .option('--json', 'print JSON, with the whole series')
    .addHelpText(
      'after',
      `
INVOCATIONS are attempts. QUEUE is the time from acceptance to the start. MIB·S is memory over time: with CPU, what
pay-per-use counts.

Examples:
  sluice stats price
  sluice stats price --version 4 --window 10m
  sluice stats price --json | jq '.totals[].p95Ms'`,
    )
    .action(async (name: string, options: StatsOptions) => {
      const query = { version: options.version, window: options.window }
      const view = await clientOf(options, io).json<StatsView>('GET', apiPath('functions', name, 'stats'), { query })
      if (options.json === true) return printJson(io, view)
      io.out(formatStats(view, io.terminal))
    })
}
