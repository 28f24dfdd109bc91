import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { RedrivePlanView, RedriveView } from '../../api/views/redrive-view.ts'
import { apiPath, type ApiClient } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { exitCodes } from '../exit-codes.ts'
import { countOf } from '../format-quantity.ts'
import { formatTable } from '../format-table.ts'
import { numberFrom, wholeNumber } from '../option-parsers.ts'
import { createLiveLine } from '../progress.ts'
import { formatPlan, formatProgress, formatRedrive, redriveColumns } from '../reports/redrive-report.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'
import {
  assertOneChoice,
  choiceText,
  confirm,
  isFiltered,
  letterFilter,
  letterId,
  withLetterFlags,
  type LetterChoice,
} from './dead-letter-flags.ts'

type RedriveOptions = ApiCommandOptions &
  LetterChoice & {
    readonly to?: string
    readonly rate?: number
    readonly force?: boolean
    readonly dryRun?: boolean
    readonly yes?: boolean
    readonly watch: boolean
  }

const pollMs = 500

/** `sluice dead-letters redrive`, `redrives` and `cancel`. */
export function addRedriveCommands(group: Command, io: CommandIo, setExitCode: (code: number) => void): void {
  withLetterFlags(
    withApiOptions(
      group.command('redrive <trigger> [ids...]').description('run some again, those of a filter, or all'),
      io,
    ),
  )
    .option('--all', 'all of the trigger')
    .option('--to <version>', 'latest, a version or an alias that runs them, instead of what the trigger runs')
    .option('--rate <count>', 'so many a second at most', numberFrom(0.01, 100_000))
    .option('--force', 'also those whose redrives have failed 3 times')
    .option('--dry-run', 'only tell what it would take')
    .option('-y, --yes', 'do not ask')
    .option('--no-watch', 'do not wait for the end')
    .option('--json', 'print JSON, once it has ended')
    .addHelpText(
      'after',
      `
Their events go to their own trigger alone, with the same bytes, past its filter, and in no order among others of their
key. One that fails again is a letter again. Ctrl-C ends the watching and not the redrive; it also goes on after a restart
of the gateway. Exits with 1 when letters failed again.

Examples:
  sluice dead-letters redrive alert 17 18
  sluice dead-letters redrive alert --since 1h --reason timeout --rate 100
  sluice dead-letters redrive alert --ran-by 3 --to 4 --dry-run
  sluice dead-letters redrive alert --all --yes --no-watch`,
    )
    .action(async (trigger: string, texts: readonly string[], options: RedriveOptions) => {
      const ids = texts.map(letterId)
      assertOneChoice(ids, options)
      const client = clientOf(options, io)
      const body = bodyOf(ids, options)
      const path = apiPath('triggers', trigger, 'redrives')
      const plan = await client.json<RedrivePlanView>('POST', path, { body: { ...body, dryRun: true } })
      const isQuiet = options.json === true
      if (options.dryRun === true) return isQuiet ? printJson(io, plan) : io.out(formatPlan(plan))
      if (plan.total === 0) {
        if (isQuiet) return printJson(io, plan)
        return io.out(`nothing to redrive\n${formatPlan(plan)}`)
      }
      if (ids.length === 0) {
        const what = `${countOf(plan.total, 'dead letter')} of ${trigger} (${choiceText(options)})`
        if (!isQuiet) io.out(formatPlan(plan))
        await confirm(io, `Redrive ${what}? [y/N] `, options)
      }
      const begun = await client.json<RedriveView>('POST', path, { body })
      const ended = options.watch ? await watch(client, io, begun) : begun
      if (isQuiet) printJson(io, ended)
      else io.out(formatRedrive(ended))
      if (ended.failed > 0) setExitCode(exitCodes.failed)
    })

  withApiOptions(group.command('redrives <trigger>').description('redrives that run or have ended'), io)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  sluice dead-letters redrives alert')
    .action(async (trigger: string, options: ApiCommandOptions) => {
      const path = apiPath('triggers', trigger, 'redrives')
      const { items } = await clientOf(options, io).json<{ readonly items: readonly RedriveView[] }>('GET', path)
      if (options.json === true) return printJson(io, items)
      io.out(items.length === 0 ? 'no redrives\n' : formatTable(redriveColumns, items, io.terminal))
    })

  withApiOptions(group.command('watch <trigger> <redrive>').description('follow a redrive until it has ended'), io)
    .option('--json', 'print JSON, once it has ended')
    .addHelpText('after', '\nExamples:\n  sluice dead-letters watch alert 3')
    .action(async (trigger: string, redrive: string, options: ApiCommandOptions) => {
      const client = clientOf(options, io)
      const path = apiPath('triggers', trigger, 'redrives', redriveId(redrive))
      const ended = await watch(client, io, await client.json<RedriveView>('GET', path))
      if (options.json === true) printJson(io, ended)
      else io.out(formatRedrive(ended))
      if (ended.failed > 0) setExitCode(exitCodes.failed)
    })

  withApiOptions(group.command('cancel <trigger> <redrive>').description('let a redrive take no more letters'), io)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  sluice dead-letters cancel alert 3')
    .action(async (trigger: string, redrive: string, options: ApiCommandOptions) => {
      const path = apiPath('triggers', trigger, 'redrives', redriveId(redrive), 'cancel')
      const view = await clientOf(options, io).json<RedriveView>('POST', path)
      if (options.json === true) return printJson(io, view)
      io.out(formatRedrive(view))
    })
}

const redriveId = wholeNumber(1)

function bodyOf(ids: readonly number[], options: RedriveOptions): Readonly<Record<string, unknown>> {
  const { to, rate, force } = options
  const { from, to: until, ...filter } = letterFilter(options)
  const times = {
    ...(from === undefined ? {} : { from: String(from) }),
    ...(until === undefined ? {} : { to: String(until) }),
  }
  return {
    ...(ids.length > 0 ? { ids } : {}),
    ...(isFiltered(options) ? { filter: { ...filter, ...times } } : {}),
    ...(options.all === true ? { all: true } : {}),
    ...(to === undefined ? {} : { version: to }),
    ...(rate === undefined ? {} : { ratePerSecond: rate }),
    ...(force === true ? { force } : {}),
  }
}

/** Shows how far it has come. Returns it when it has ended and nothing of it is under way, or when nobody watches. */
async function watch(client: ApiClient, io: CommandIo, first: RedriveView): Promise<RedriveView> {
  const path = apiPath('triggers', first.trigger, 'redrives', first.id)
  const leave = new AbortController()
  const release = io.onInterrupt(() => leave.abort())
  const live = createLiveLine(io)
  let view = first
  try {
    for (;;) {
      if (view.state !== 'running' && view.inFlight === 0) return view
      live.show(formatProgress(view, Date.now()))
      await sleep(pollMs, undefined, { signal: leave.signal })
      view = await client.json<RedriveView>('GET', path, { signal: leave.signal })
    }
  } catch (error) {
    if (!leave.signal.aborted) throw error
    live.clear()
    const again = `sluice dead-letters watch ${first.trigger} ${first.id}`
    io.err(`\nThe redrive goes on: \`${again}\` follows it, \`… cancel …\` ends it.\n`)
    return view
  } finally {
    live.clear()
    release()
  }
}
