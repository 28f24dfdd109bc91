import { type Command, InvalidArgumentError, Option } from 'commander'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import type { TriggerConfig } from '../../config/sections/trigger.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { apiPath } from '../api-client.ts'
import { colorsOf } from '../colors.ts'
import type { CommandIo } from '../command-io.ts'
import { formatTable } from '../format-table.ts'
import { defaultBreaker, defaultTrigger } from '../manifest/default-definition.ts'
import { assertName } from '../manifest/find-function.ts'
import { collect, duration, jsonValue, pointInTime, wholeNumber } from '../option-parsers.ts'
import { preconditionOf, putTrigger } from '../plan/carry-out.ts'
import { formatAction, formatFieldChanges } from '../plan/format-change.ts'
import { planTrigger } from '../plan/trigger-plan.ts'
import { formatTrigger, triggerColumns } from '../reports/trigger-report.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

interface TriggerFlags {
  readonly stream?: string
  readonly function?: string
  readonly filter?: unknown
  /** false: --no-sinks. */
  readonly sinks?: false
  readonly sink?: readonly string[]
  readonly start?: TriggerConfig['start']
  readonly ordering?: TriggerConfig['ordering']
  readonly delivery?: TriggerConfig['delivery']
  readonly maxInFlight?: number
  readonly maxAttempts?: number
  readonly maxAge?: number
  readonly retryMode?: NonNullable<TriggerConfig['retry']>['mode']
  readonly breaker?: NonNullable<TriggerConfig['breaker']> | 'off'
  readonly description?: string
  readonly enabled?: boolean
  readonly disabled?: boolean
}

/** `sluice triggers`: the list, one in full, and making, changing and deleting them. */
export function addTriggersCommand(program: Command, io: CommandIo): void {
  const group = withApiOptions(
    program.command('triggers').description('list triggers with their lag, show, create, update or delete one'),
    io,
  )
    .enablePositionalOptions()
    .argument('[trigger]', 'show this one in full')
    .option('--function <function>', 'only those of this function')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  sluice triggers
  sluice triggers price-orders
  sluice triggers create price-orders --stream orders --function price@live --sink priced --start latest
  sluice triggers update price-orders --filter '{"type":"com.example.order.*"}'
  sluice triggers delete price-orders`,
    )
    .action(async (name: string | undefined, options: ApiCommandOptions & { readonly function?: string }) => {
      if (name !== undefined) return show(io, name, options)
      const query = { function: options.function }
      const items = await clientOf(options, io).list<TriggerView>(apiPath('triggers'), query)
      if (options.json === true) return printJson(io, items)
      io.out(items.length === 0 ? 'no triggers\n' : formatTable(triggerColumns, items, io.terminal))
    })

  withApiOptions(group.command('show <trigger>').description('show one in full'), io)
    .option('--json', 'print JSON')
    .action((name: string, options: ApiCommandOptions) => show(io, name, options))

  withFlags(
    withApiOptions(group.command('create <trigger>').description('run a function on the events of a stream'), io),
  )
    .addHelpText(
      'after',
      `
--start: earliest, latest, offset:<n>, 10m (ago) or 2026-03-01T08:00:00Z. Default: earliest.

Examples:
  sluice triggers create audit --stream orders --function audit
  sluice triggers create audit --stream orders --function audit@2 --start 1h --ordering none`,
    )
    .action(async (name: string, options: ApiCommandOptions & TriggerFlags) => {
      const { stream, function: functionRef } = options
      if (stream === undefined || functionRef === undefined) {
        throw new SluiceError('SLUICE_CLI_USAGE', 'a new trigger needs --stream and --function')
      }
      const definition = { ...defaultTrigger(), stream, function: functionRef, ...changesOf(options, undefined) }
      const view = await clientOf(options, io).json<TriggerView>('PUT', apiPath('triggers', assertName(name)), {
        headers: preconditionOf(undefined),
        body: definition,
      })
      if (options.json === true) return printJson(io, view)
      io.out(`Created ${name}: ${view.stream} → ${view.functionRef}\n`)
    })

  withFlags(withApiOptions(group.command('update <trigger>').description('change what is said, and nothing else'), io))
    .addHelpText(
      'after',
      `
Its stream and start cannot change: they need another trigger.

Examples:
  sluice triggers update price-orders --function price@live
  sluice triggers update price-orders --breaker '{"failureRate":0.8,"probes":5}'
  sluice triggers update price-orders --no-sinks --disabled`,
    )
    .action(async (name: string, options: ApiCommandOptions & TriggerFlags) => {
      const client = clientOf(options, io)
      const current = await client.json<TriggerView>('GET', apiPath('triggers', name))
      const { stream = current.definition.stream, function: functionRef = current.definition.function } = options
      const { breaker: _breaker, ...withoutBreaker } = current.definition
      const definition = {
        ...(options.breaker === 'off' ? withoutBreaker : current.definition),
        stream,
        function: functionRef,
        ...changesOf(options, current.definition),
      }
      const plan = planTrigger(name, definition, current)
      if (typeof plan === 'string') throw new SluiceError('SLUICE_CLI_USAGE', plan)
      const view = plan.action === 'unchanged' ? current : await putTrigger(client, plan)
      if (options.json === true) return printJson(io, view)
      const colors = colorsOf(io.terminal)
      io.out(
        [formatAction(plan.action, `trigger ${name}`, colors), ...formatFieldChanges(plan.fields, colors)].join('\n') +
          '\n',
      )
    })

  withApiOptions(group.command('delete <trigger>').description('delete a trigger; its dead letters stay'), io)
    .option('--json', 'print JSON')
    .action(async (name: string, options: ApiCommandOptions) => {
      const answer = await clientOf(options, io).json('DELETE', apiPath('triggers', name))
      if (options.json === true) return printJson(io, answer)
      io.out(`Deleted ${name}.\n`)
    })
}

function withFlags(command: Command): Command {
  return command
    .option('--stream <stream>', 'the stream whose events run it')
    .option('--function <function>', 'what to run: price, price@3 or price@live')
    .option('--filter <json>', 'only events that match', jsonValue)
    .option('--sink <sink>', 'where results go; repeatable', collect)
    .option('--no-sinks', 'results go nowhere')
    .option('--start <where>', 'where it begins', parseStart)
    .addOption(
      new Option('--ordering <order>', 'of what one event runs at a time').choices(['key', 'partition', 'none']),
    )
    .addOption(
      new Option('--delivery <how>', 'at-most-once: never repeated, lost by a crash').choices([
        'at-least-once',
        'at-most-once',
      ]),
    )
    .option('--max-in-flight <count>', 'events of one partition under way', wholeNumber(1, 100_000))
    .option('--max-attempts <count>', 'attempts in all, instead of what the function says', wholeNumber(1, 1000))
    .option(
      '--max-age <duration>',
      'age of an event beyond which it is not tried again',
      duration(1_000, 2_592_000_000),
    )
    .addOption(
      new Option('--retry-mode <mode>', 'delayed: later events of a key overtake one that failed').choices([
        'in-order',
        'delayed',
      ]),
    )
    .option(
      '--breaker <settings>',
      'pause by itself when attempts fail: on, off, or what differs, as JSON',
      parseBreaker,
    )
    .option('--description <text>', 'for people')
    .option('--enabled', 'it runs')
    .addOption(new Option('--disabled', 'it does not run').conflicts('enabled'))
    .option('--json', 'print JSON')
}

/** What the flags say beyond stream and function. */
function changesOf(
  flags: TriggerFlags,
  current: Pick<TriggerView['definition'], 'retry'> | undefined,
): Partial<TriggerConfig> {
  const { filter, start, ordering, delivery, maxInFlight, description, breaker } = flags
  const retry = retryOf(flags)
  const sinks = flags.sinks === false ? [] : flags.sink
  const enabled = flags.disabled === true ? false : flags.enabled
  return {
    ...(filter === undefined ? {} : { filter: filter as NonNullable<TriggerConfig['filter']> }),
    ...(start === undefined ? {} : { start }),
    ...(ordering === undefined ? {} : { ordering }),
    ...(delivery === undefined ? {} : { delivery }),
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
    ...(Object.keys(retry).length === 0 ? {} : { retry: { ...current?.retry, ...retry } }),
    ...(breaker === undefined || breaker === 'off' ? {} : { breaker }),
    ...(description === undefined ? {} : { description }),
    ...(sinks === undefined ? {} : { sinks: [...sinks] }),
    ...(enabled === undefined ? {} : { enabled }),
  }
}

/** What the flags say of the retry; the rest of what a trigger overrides stays. */
function retryOf({ maxAttempts, maxAge, retryMode }: TriggerFlags): NonNullable<TriggerConfig['retry']> {
  return {
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(maxAge === undefined ? {} : { maxAgeMs: maxAge }),
    ...(retryMode === undefined ? {} : { mode: retryMode }),
  }
}

function parseStart(text: string): TriggerConfig['start'] {
  if (text === 'earliest' || text === 'latest') return text
  const offset = /^offset:(\d+)$/.exec(text)?.[1]
  if (offset !== undefined) return { offset: wholeNumber(0)(offset) }
  try {
    return { timestampMs: pointInTime()(text) }
  } catch {
    throw new InvalidArgumentError(
      'It must be earliest, latest, offset:<n>, 10m (ago) or a time such as 2026-03-01T08:00:00Z.',
    )
  }
}

function parseBreaker(text: string): NonNullable<TriggerFlags['breaker']> {
  if (text === 'off') return text
  const settings = text === 'on' ? {} : jsonValue(text)
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings))
    throw new InvalidArgumentError(`It must be on, off, or an object such as '{"failureRate":0.8}'.`)
  return { ...defaultBreaker(), ...settings }
}

async function show(io: CommandIo, name: string, options: ApiCommandOptions): Promise<void> {
  const view = await clientOf(options, io).json<TriggerView>('GET', apiPath('triggers', name))
  if (options.json === true) return printJson(io, view)
  io.out(formatTrigger(view, io.terminal))
}
