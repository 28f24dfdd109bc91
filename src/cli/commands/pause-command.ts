import { InvalidArgumentError, type Command } from 'commander'
import type { PauseEntry, PauseTarget } from '../../api/views/pause-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, type ApiClient } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { formatAge, formatDuration } from '../format-quantity.ts'
import { formatTable, type Column } from '../format-table.ts'
import { duration, pointInTime } from '../option-parsers.ts'
import { describePause, isOfTarget, parsePauseTarget, targetUsage } from '../pause-target.ts'
import { userName } from '../user-name.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

interface PauseOptions extends ApiCommandOptions {
  readonly reason: string
  readonly by: string
  readonly for?: number
  readonly until?: number
}

/** `sluice pause`, `resume`, `pauses`. */
export function addPauseCommands(program: Command, io: CommandIo): void {
  addPause(program, io)
  addResume(program, io)
  addPauses(program, io)
}

function addPause(program: Command, io: CommandIo): void {
  withApiOptions(program.command('pause <trigger> [names...]'), io)
    .description('stop running a trigger, or a part of it; events keep arriving')
    .usage(`[options] ${targetUsage}`)
    .requiredOption('--reason <text>', 'why; it is kept and shown')
    .option('--by <name>', 'who', userName())
    .option('--for <duration>', 'end it by itself after this time, such as 2h', duration(1_000))
    .option('--until <time>', 'end it by itself at this time, such as 2026-03-01T08:00:00Z', futureTime)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Done when nothing of it runs any more. It lasts through restarts, deployments and changes of the trigger.

  sluice pause alerts                    the whole trigger
  sluice pause partition alerts 3        one partition: its events wait in the log
  sluice pause key alerts device-7       one key: its events wait aside, the rest goes on
  sluice pause version price@3           a version, whoever feeds it; direct calls get 409
  sluice pause source hooks              a source: senders are refused, ticks are missed
  sluice pause function price            the triggers that run the function
  sluice pause alias price@live          the triggers that run the alias

Examples:
  sluice pause telemetry-alert --reason 'broken firmware 1.4.2'
  sluice pause key telemetry-alert device-7 --reason 'sends garbage' --for 2h`,
    )
    .action(async (first: string, more: readonly string[], options: PauseOptions) => {
      const { reason, by, for: afterMs, until } = options
      if (afterMs !== undefined && until !== undefined)
        throw new SluiceError('SLUICE_CLI_USAGE', 'give --for or --until, not both')
      const target = parsePauseTarget([first, ...more])
      const client = clientOf(options, io)
      const input = {
        reason,
        by,
        ...(afterMs === undefined ? {} : { expiresAfterMs: afterMs }),
        ...(until === undefined ? {} : { expiresAtMs: until }),
      }
      if (target.kind === 'trigger') {
        const path = apiPath('triggers', target.trigger, 'pause')
        const view = await client.json<TriggerView>('POST', path, { body: input })
        if (options.json === true) return printJson(io, view)
        return io.out(`${view.name} is ${view.state}; ${lagOf(view)}\n`)
      }
      const { items } = await client.json<{ readonly items: readonly PauseEntry[] }>('POST', apiPath('pauses'), {
        body: { target, ...input },
      })
      if (options.json === true) return printJson(io, items)
      for (const pause of items) io.out(`${describePause(pause)} is ${pause.state}\n`)
    })
}

function addResume(program: Command, io: CommandIo): void {
  withApiOptions(program.command('resume <trigger> [names...]'), io)
    .description('end a pause, and go on where it stopped')
    .usage(`[options] ${targetUsage}`)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  sluice resume telemetry-alert\n  sluice resume key telemetry-alert device-7\n  sluice resume function price`,
    )
    .action(async (first: string, more: readonly string[], options: ApiCommandOptions) => {
      const target = parsePauseTarget([first, ...more])
      const client = clientOf(options, io)
      if (target.kind === 'trigger') {
        const view = await client.json<TriggerView>('POST', apiPath('triggers', target.trigger, 'resume'))
        if (options.json === true) return printJson(io, view)
        return io.out(`${view.name} is ${view.state}; ${lagOf(view)}\n`)
      }
      const triggers = await triggersOf(client, target)
      const { items } = await client.json<{ readonly items: readonly PauseEntry[] }>('GET', apiPath('pauses'))
      const ended = items.filter(pause => isOfTarget(pause, target, triggers))
      for (const { id } of ended) await client.json('DELETE', apiPath('pauses', id))
      if (options.json === true) return printJson(io, ended)
      if (ended.length === 0) io.out('nothing of it is paused; sluice pauses shows what is\n')
      for (const pause of ended) io.out(`${describePause(pause)} is resumed\n`)
    })
}

const pauseColumns = (nowMs: number): readonly Column<PauseEntry>[] => [
  { title: 'PAUSED', value: describePause },
  { title: 'STATE', value: row => row.state, leaveOut: 2 },
  { title: 'SINCE', value: row => `${formatAge(row.sinceMs, nowMs)} ago`, leaveOut: 1 },
  {
    title: 'ENDS',
    value: row => (row.expiresAtMs === null ? 'never' : `in ${formatDuration(Math.max(0, row.expiresAtMs - nowMs))}`),
  },
  { title: 'BY', value: row => row.by },
  { title: 'REASON', value: row => row.reason },
]

function addPauses(program: Command, io: CommandIo): void {
  withApiOptions(program.command('pauses').description('show everything that is paused'), io)
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExamples:\n  sluice pauses\n  sluice pauses --json | jq -r '.[].id'`)
    .action(async (options: ApiCommandOptions) => {
      const client = clientOf(options, io)
      const { items } = await client.json<{ readonly items: readonly PauseEntry[] }>('GET', apiPath('pauses'))
      if (options.json === true) return printJson(io, items)
      io.out(items.length === 0 ? 'nothing is paused\n' : formatTable(pauseColumns(Date.now()), items, io.terminal))
    })
}

/** Names of the triggers that a function or an alias stands for. */
async function triggersOf(client: ApiClient, target: PauseTarget): Promise<ReadonlySet<string>> {
  if (target.kind !== 'function' && target.kind !== 'alias') return new Set()
  const triggers = await client.list<TriggerView>(apiPath('triggers'), { function: target.function })
  const isMeant = ({ functionRef }: TriggerView): boolean =>
    target.kind === 'function' || functionRef === `${target.function}@${target.alias}`
  return new Set(triggers.filter(isMeant).map(({ name }) => name))
}

function futureTime(text: string): number {
  const atMs = pointInTime()(text)
  if (atMs <= Date.now()) throw new InvalidArgumentError('It must be a time to come; for how long is --for.')
  return atMs
}

const lagOf = (view: TriggerView): string =>
  view.lag === null ? 'how many events wait is not known now' : `${view.lag} event${view.lag === 1 ? '' : 's'} to go`
