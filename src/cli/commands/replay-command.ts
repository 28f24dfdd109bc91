import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { ReplayRequest } from '../../replay/replay.ts'
import type { CommandIo } from '../command-io.ts'
import { exitCodes } from '../exit-codes.ts'
import { collectPairs, duration, wholeNumber } from '../option-parsers.ts'
import { formatReplay } from '../reports/replay-report.ts'
import { plainText } from '../terminal-text.ts'
import { printJson } from './api-command.ts'

interface ReplayOptions {
  readonly function: string
  readonly handler: string
  readonly trigger?: string
  readonly batch?: true
  readonly env?: Readonly<Record<string, string>>
  readonly secret?: Readonly<Record<string, string>>
  readonly timeout: number
  readonly inspect?: true | number
  readonly quiet?: true
  readonly json?: true
}

const defaultInspectPort = 9229

/** `sluice replay`: captured events through a function in this process, compared with what was recorded. Needs no gateway. */
export function addReplayCommand(program: Command, io: CommandIo, setExitCode: (code: number) => void): void {
  program
    .command('replay <file>')
    .description('run captured events through a function here, and compare with what was recorded')
    .requiredOption(
      '--function <path>',
      'the module of the function: JavaScript, or TypeScript whose types can be erased',
    )
    .option('--handler <name>', 'the export that is called', 'default')
    .option('--trigger <trigger>', 'compare with what this trigger did; needed where the capture has several')
    .option('--batch', 'the handler takes batches: each event is one')
    .option('--env <name=value>', 'context.env; may be repeated', collectPairs)
    .option('--secret <name=value>', 'context.secrets; may be repeated', collectPairs)
    .addOption(new Option('--timeout <duration>', 'the time of one call').argParser(duration(1)).default(30_000, '30s'))
    .option('--inspect [port]', 'wait for a debugger (9229), and stop in front of each call', wholeNumber(0, 65_535))
    .option('--quiet', 'do not show what the function logs')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The function runs in this process: an endless loop ends with Ctrl-C, and process.exit() ends all of it. Bindings are not
there. Exit code 0: every event does as recorded, or fails no more; 1: some do not. Docs: docs/replay.md.

Examples:
  sluice replay failed.jsonl --function price.ts
  sluice replay failed.jsonl --function price.ts --inspect    then attach with chrome://inspect or an editor
  sluice replay orders.jsonl --function dist/price.mjs --env REGION=eu --json | jq '.events[].verdict'`,
    )
    .action(async (file: string, options: ReplayOptions) => {
      const { inspect, quiet, json } = options
      const request: ReplayRequest = {
        capture: file,
        functionFile: resolve(options.function),
        ...{ handler: options.handler, trigger: options.trigger, batch: options.batch, timeoutMs: options.timeout },
        ...{ env: options.env ?? {}, secrets: options.secret ?? {} },
        inspectPort: inspect === true ? defaultInspectPort : inspect,
        onInspecting: url =>
          io.err(`waiting for a debugger: ${url}\nIt stops in front of the first call; step into it.\n`),
        onLog: ({ level, message, fields }) => {
          if (quiet !== true)
            io.err(`${level.padEnd(5)} ${plainText(message)}${fields === undefined ? '' : ` ${plainText(fields)}`}\n`)
        },
      }
      const { replay } = await import('../../replay/replay.ts')
      const report = await replay(request)
      if (json === true) printJson(io, report)
      else io.out(formatReplay(report, io.terminal))
      if (report.events.some(({ verdict }) => verdict === 'different' || verdict === 'failed'))
        setExitCode(exitCodes.failed)
    })
}
