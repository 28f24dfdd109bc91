import { type Command, Option } from 'commander'
import type { LogLineView, LogPage } from '../../api/views/log-view.ts'
import { apiPath, type ApiClient, type ApiQuery } from '../api-client.ts'
import { colorsOf } from '../colors.ts'
import type { CommandIo } from '../command-io.ts'
import { followLogs } from '../follow-logs.ts'
import { formatLogLine } from '../format-log-line.ts'
import { pointInTime, wholeNumber } from '../option-parsers.ts'
import { clientOf, printJson, printJsonLine, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type LogsOptions = ApiCommandOptions & {
  readonly follow?: boolean
  readonly level?: string
  readonly since?: number
  readonly until?: number
  readonly text?: string
  readonly invocation?: string
  readonly trace?: string
  readonly version?: string
  readonly limit: number
  readonly ids?: boolean
}

/** Most lines of one answer of the API. */
const pageLimit = 1000

/** `sluice logs`: what a function wrote and what happened to it. */
export function addLogsCommand(program: Command, io: CommandIo): void {
  withApiOptions(
    program.command('logs <function>').description('show what a function wrote and what happened to it'),
    io,
  )
    .option('-f, --follow', 'go on with lines as they come, until Ctrl-C')
    .addOption(new Option('--level <level>', 'the least level').choices(['trace', 'debug', 'info', 'warn', 'error']))
    .option('--since <when>', 'not before: 10m (ago) or a time', pointInTime())
    .addOption(new Option('--until <when>', 'before: 10m (ago) or a time').argParser(pointInTime()).conflicts('follow'))
    .option('--text <text>', 'only lines that contain this, in message or fields')
    .option('--invocation <id>', 'only of this invocation')
    .option('--trace <id>', 'only of this trace')
    .option('--version <version>', 'only of this version: latest or a number')
    .option('--limit <count>', 'the newest so many', wholeNumber(1, 100_000), 100)
    .option('--ids', 'tell the invocation of each line')
    .option('--json', 'print JSON; with --follow one value a line')
    .addHelpText(
      'after',
      `
Times are local on a terminal, UTC elsewhere. A connection that breaks is made again: no line is lost or repeated.

Examples:
  sluice logs price --follow
  sluice logs price --since 1h --level warn
  sluice logs price --invocation 01J9Z3… --json
  sluice logs price --trace 0af7651916cd43dd8448eb211c80319c
  sluice logs price --follow --json | jq -r .message`,
    )
    .action(async (name: string, options: LogsOptions) => {
      const client = clientOf(options, io)
      const { level, since: from, until: to, text, invocation, trace, version } = options
      const query = { level, from, to, text, invocation, trace, version }
      const print = (line: LogLineView) =>
        options.json === true
          ? printJsonLine(io, line)
          : io.out(formatLogLine(line, io.terminal, { ids: options.ids === true }))
      if (options.follow === true)
        return follow(client, io, name, { ...query, limit: Math.min(options.limit, pageLimit) }, print)
      const lines = await newestLines(client, name, query, options.limit)
      if (options.json === true) return printJson(io, lines)
      if (lines.length === 0) io.err('no lines\n')
      for (const line of lines) print(line)
    })
}

/** Ascending, page after page from the newest. */
async function newestLines(
  client: ApiClient,
  name: string,
  query: ApiQuery,
  limit: number,
): Promise<readonly LogLineView[]> {
  const path = apiPath('functions', name, 'logs')
  const lines: LogLineView[] = []
  let before: number | undefined
  do {
    const left = Math.min(limit - lines.length, pageLimit)
    const page: LogPage = await client.json<LogPage>('GET', path, { query: { ...query, limit: left, before } })
    lines.push(...page.items)
    before = page.next ?? undefined
  } while (before !== undefined && lines.length < limit)
  return lines.reverse()
}

async function follow(
  client: ApiClient,
  io: CommandIo,
  name: string,
  query: ApiQuery,
  onLine: (line: LogLineView) => void,
): Promise<void> {
  const stop = new AbortController()
  const release = io.onInterrupt(() => stop.abort())
  const { dim } = colorsOf(io.errTerminal)
  try {
    await followLogs(client, name, query, {
      signal: stop.signal,
      onLine,
      onLost: reason => io.err(dim(`sluice: connection lost (${reason}); trying again …\n`)),
      onBack: () => io.err(dim('sluice: connected again\n')),
    })
  } finally {
    release()
  }
}
