import { InvalidArgumentError, type Command } from 'commander'
import type { PauseEntry, PauseTarget } from '../../api/views/pause-view.ts'
import type { SeekView } from '../../api/views/seek-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, type ApiClient } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { confirm } from '../confirm.ts'
import { countOf, formatAge, formatDuration } from '../format-quantity.ts'
import { formatTable, type Column } from '../format-table.ts'
import { duration, pointInTime } from '../option-parsers.ts'
import { describePause, isOfTarget, parsePauseTarget, targetUsage } from '../pause-target.ts'
import { userName } from '../user-name.ts'
import { dropParked } from './drop-parked.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

interface PauseOptions extends ApiCommandOptions {
  readonly reason: string
  readonly by: string
  readonly for?: number
  readonly until?: number
}

interface ResumeOptions extends ApiCommandOptions {
  readonly atTime?: number
  readonly atOffset?: { readonly partition: number; readonly offset: number }
  readonly skip?: boolean
  readonly dropParked?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
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
    .option(
      '--at-time <time>',
      'of a trigger: go on with what arrived then, such as 2h (ago) or 2026-03-01T08:00:00Z',
      pointInTime(),
    )
    .option('--at-offset <partition:offset>', 'of a trigger: go on there in this partition', placeOf)
    .option('--skip', 'of a trigger: go on with what arrives from now on')
    .option('--drop-parked', 'of a trigger or key: what it has parked becomes dead letters instead of running')
    .option('--dry-run', 'only tell what would be skipped, repeated or dropped')
    .option('--yes', 'do not ask before events are skipped or dropped')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  sluice resume telemetry-alert --at-time 2h --dry-run\n  sluice resume telemetry-alert\n  sluice resume key telemetry-alert device-7\n  sluice resume key telemetry-alert device-8 --drop-parked\n  sluice resume function price`,
    )
    .action(async (first: string, more: readonly string[], options: ResumeOptions) => {
      const target = parsePauseTarget([first, ...more])
      const client = clientOf(options, io)
      const to = seekTargetOf(options)
      if (to !== undefined && target.kind !== 'trigger')
        throw new SluiceError('SLUICE_CLI_USAGE', 'only a trigger can go on at another place')
      const isDry = options.dryRun === true
      if (isDry && to === undefined && options.dropParked !== true)
        throw new SluiceError('SLUICE_CLI_USAGE', 'a dry run is of --at-time, --at-offset, --skip or --drop-parked')
      if (options.dropParked === true) await dropParked(io, client, target, options)
      if (isDry && to === undefined) return
      if (target.kind === 'trigger') {
        if (to !== undefined && !(await seek(io, client, target.trigger, to, options))) return
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

/** Resolves with whether the trigger is to be resumed. */
async function seek(
  io: CommandIo,
  client: ApiClient,
  trigger: string,
  to: unknown,
  { dryRun, yes, json }: ResumeOptions,
): Promise<boolean> {
  const path = apiPath('triggers', trigger, 'seek')
  const plan = await client.json<SeekView>('POST', path, { body: { to, dryRun: true } })
  if (dryRun === true) {
    if (json === true) printJson(io, plan)
    else io.out(`${trigger} would ${describeSeek(plan)}\n`)
    return false
  }
  if (plan.skipped > 0 && yes !== true) await confirm(io, `${trigger} will ${describeSeek(plan)}. Go on?`)
  const moved = await client.json<SeekView>('POST', path, { body: { to } })
  if (moved.notMoved.length > 0)
    throw new SluiceError(
      'SLUICE_DISPATCH_PLACE',
      `${trigger} stays paused: partitions ${moved.notMoved.join(', ')} are held by another member of its Kafka group and were not moved; end that member and try again, or resume ${trigger} as it is now`,
    )
  if (json !== true) io.out(`${trigger} will ${describeSeek(moved)}\n`)
  return true
}

function describeSeek({ skipped, repeated, parked }: SeekView): string {
  const parts = [
    ...(skipped > 0 ? [`skip up to ${countOf(skipped, 'event')}, which never run`] : []),
    ...(repeated > 0 ? [`repeat up to ${countOf(repeated, 'event')}`] : []),
  ]
  const moves = parts.length === 0 ? 'go on where it stopped' : parts.join(' and ')
  return parked === 0 ? moves : `${moves}; ${countOf(parked, 'parked event')} run first, whatever their place`
}

function seekTargetOf({ atTime, atOffset, skip }: ResumeOptions): unknown {
  const given = [
    atTime === undefined ? undefined : { timestampMs: atTime },
    atOffset,
    skip === true ? 'end' : undefined,
  ]
  const targets = given.filter(target => target !== undefined)
  if (targets.length > 1) throw new SluiceError('SLUICE_CLI_USAGE', 'give one of --at-time, --at-offset and --skip')
  return targets[0]
}

function placeOf(text: string): { partition: number; offset: number } {
  const [, partition, offset] = /^(\d{1,7}):(\d{1,15})$/.exec(text) ?? []
  if (offset === undefined) throw new InvalidArgumentError('It must be a partition and an offset, such as 3:1200.')
  return { partition: Number(partition), offset: Number(offset) }
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
