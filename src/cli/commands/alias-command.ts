import { type Command, InvalidArgumentError, Option } from 'commander'
import type { AliasView, ShadowReport, WeightedVersionView } from '../../api/views/alias-view.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, orNone, type ApiClient } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { numberFrom, wholeNumber } from '../option-parsers.ts'
import { formatWeights } from '../plan/alias-plan.ts'
import { aliasBody, preconditionOf } from '../plan/carry-out.ts'
import { formatAlias } from '../reports/alias-report.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type AliasOptions = ApiCommandOptions & {
  /** false: --no-shadow. */
  readonly shadow?: number | false
  readonly shadowPercent?: number
  readonly message?: string
  readonly delete?: boolean
  readonly force?: boolean
  readonly show?: boolean
}

/** `sluice alias`: shows an alias, or moves it in one step. */
export function addAliasCommand(program: Command, io: CommandIo): void {
  withApiOptions(
    program
      .command('alias <function> <alias>')
      .description('show where an alias points, or move it in one step')
      .argument('[version[=weight]...]', 'the version, or versions with weights in percent', parseWeights),
    io,
  )
    .addOption(
      new Option('--shadow <version>', 'copy events to this version, too; its results are suppressed').argParser(
        wholeNumber(1),
      ),
    )
    .option('--no-shadow', 'stop copying events')
    .addOption(
      new Option('--shadow-percent <percent>', 'share of the events that is copied').argParser(numberFrom(1, 100)),
    )
    .option('-m, --message <text>', 'description of the alias')
    .option('--show', 'show it, with the report of its shadow (as without a version)')
    .option('--delete', 'delete it')
    .option('--force', 'with --delete: although triggers need it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Events of one key stay with one version while the weights stand. Where nothing is said of shadow and description, they
stay as they are. To move step by step and back by itself: sluice rollout.

Examples:
  sluice alias price live 4
  sluice alias price live 3=90 4=10
  sluice alias price live 3 --shadow 4 --shadow-percent 20
  sluice alias price live --show
  sluice alias price old --delete`,
    )
    .action(async (name: string, alias: string, versions: readonly WeightedVersionView[], options: AliasOptions) => {
      const client = clientOf(options, io)
      // Commander has an empty list where none is given.
      const weights = versions.length === 0 ? undefined : versions
      const path = apiPath('functions', name, 'aliases', alias)
      if (options.delete === true) {
        const query = { force: options.force }
        const answer = await client.json('DELETE', path, { query })
        return options.json === true ? printJson(io, answer) : io.out(`Deleted ${name}@${alias}.\n`)
      }
      // Commander has `shadow: true` as the default of a flag with a --no- form.
      const changesShadow = typeof options.shadow === 'number' || options.shadow === false
      const isChange =
        weights !== undefined || changesShadow || options.shadowPercent !== undefined || options.message !== undefined
      if (!isChange || options.show === true) return show(client, io, name, alias, options)
      const current = await orNone(client.json<AliasView>('GET', path))
      const body = bodyOf(weights, options, current)
      const view = await client.json<AliasView>('PUT', path, { headers: preconditionOf(current?.revision), body })
      if (options.json === true) return printJson(io, view)
      const before = current === undefined ? '' : ` (was ${formatWeights(current.weights)})`
      const shadow = view.shadow === null ? '' : `, shadow ${view.shadow.version} gets ${view.shadow.percent} %`
      io.out(`${name}@${alias} → ${formatWeights(view.weights)}${before}${shadow}\n`)
      if (current?.rollout?.state === 'running' && view.rollout?.state !== 'running') {
        io.err(`note: this ended the rollout to ${current.rollout.to}\n`)
      }
    })
}

function bodyOf(
  weights: readonly WeightedVersionView[] | undefined,
  options: AliasOptions,
  current: AliasView | undefined,
): object {
  const wanted = weights ?? current?.weights
  if (wanted === undefined) throw new SluiceError('SLUICE_CLI_USAGE', 'a new alias needs a version')
  const sum = wanted.reduce((total, { weight }) => total + weight, 0)
  if (Math.abs(sum - 100) > 1e-6) {
    throw new SluiceError('SLUICE_CLI_USAGE', `the weights add up to ${Number(sum.toFixed(2))}, not to 100`)
  }
  if (options.shadowPercent !== undefined && typeof options.shadow !== 'number' && current?.shadow == null) {
    throw new SluiceError('SLUICE_CLI_USAGE', '--shadow-percent goes with --shadow')
  }
  const version = typeof options.shadow === 'number' ? options.shadow : current?.shadow?.version
  const percent = options.shadowPercent ?? current?.shadow?.percent ?? 100
  return aliasBody(wanted, {
    description: options.message ?? current?.description ?? '',
    shadow: options.shadow === false || version === undefined ? null : { version, percent },
  })
}

async function show(
  client: ApiClient,
  io: CommandIo,
  name: string,
  alias: string,
  options: AliasOptions,
): Promise<void> {
  const path = ['functions', name, 'aliases', alias]
  const view = await client.json<AliasView>('GET', apiPath(...path))
  const shadow =
    view.shadow === null ? undefined : await orNone(client.json<ShadowReport>('GET', apiPath(...path, 'shadow')))
  if (options.json === true) return printJson(io, { ...view, shadowReport: shadow ?? null })
  io.out(formatAlias(view, shadow, io.terminal))
}

/** `4`, or `3=90 4=10`: one after the other, as commander gives them. */
function parseWeights(
  text: string,
  previous: readonly WeightedVersionView[] | undefined,
): readonly WeightedVersionView[] {
  const [, version, weight] = /^v?([1-9]\d{0,8})(?:=(\d+(?:\.\d{1,2})?)%?)?$/.exec(text) ?? []
  if (version === undefined)
    throw new InvalidArgumentError('It must be a version (4) or a version with its weight (4=10).')
  const all = [...(previous ?? []), { version: Number(version), weight: weight === undefined ? 100 : Number(weight) }]
  const sum = all.reduce((total, one) => total + one.weight, 0)
  if (sum > 100 + 1e-6) throw new InvalidArgumentError(`The weights add up to ${sum}, not to 100.`)
  return all
}
