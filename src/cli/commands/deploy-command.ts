import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { AliasView } from '../../api/views/alias-view.ts'
import type { FunctionView } from '../../api/views/function-view.ts'
import type { VersionView } from '../../api/views/version-view.ts'
import type { FunctionDefinition } from '../../config/sections/function-definition.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, orNone, type ApiClient } from '../api-client.ts'
import { bundleFunction, type Bundle } from '../bundle/bundle-function.ts'
import { colorsOf } from '../colors.ts'
import type { CommandIo } from '../command-io.ts'
import { exitCodes } from '../exit-codes.ts'
import { countOf, formatBytes } from '../format-quantity.ts'
import { defaultDefinition } from '../manifest/default-definition.ts'
import { assertName, functionOfFile, functionOfManifest, type FoundFunction } from '../manifest/find-function.ts'
import { manifestName } from '../manifest/read-manifests.ts'
import { collectPairs, duration, wholeNumber } from '../option-parsers.ts'
import { formatWeights, planAlias } from '../plan/alias-plan.ts'
import { putAlias, putFunction } from '../plan/carry-out.ts'
import { formatFunctionPlan } from '../plan/format-change.ts'
import { managedByLabel, planFunction, withManagedBy, type FunctionPlan } from '../plan/function-plan.ts'
import { withProgress } from '../progress.ts'
import { shownPath } from '../shown-path.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

interface DefinitionFlags {
  readonly handler?: string
  readonly env?: Readonly<Record<string, string>>
  readonly label?: Readonly<Record<string, string>>
  readonly timeout?: number
  readonly memory?: number
}

type DeployOptions = ApiCommandOptions &
  DefinitionFlags & {
    readonly file?: string
    readonly manifest: string
    readonly publish?: boolean
    readonly alias?: string
    readonly message?: string
    readonly dryRun?: boolean
  }

/** `sluice deploy`: bundles a function, shows what changes, and makes it the function's latest version. */
export function addDeployCommand(program: Command, io: CommandIo, setExitCode: (code: number) => void): void {
  withApiOptions(
    program.command('deploy').description('bundle a function and make it the latest version').argument('[name]'),
    io,
  )
    .option('--file <entry>', 'the module that exports the handler; without it, the manifest says')
    .option('--manifest <file>', 'the manifest', manifestName)
    .option('--publish', 'publish it as a numbered version, too')
    .option('--alias <alias>', 'publish it, and point this alias to it')
    .option('-m, --message <text>', 'description of the published version')
    .option('--handler <export>', 'with --file: name of the export to call')
    .option('--env <name=value>', 'with --file: an environment variable; repeatable', collectPairs)
    .option('--label <name=value>', 'with --file: a label; repeatable', collectPairs)
    .addOption(
      new Option('--timeout <duration>', 'with --file: limit of one attempt').argParser(duration(10, 3_600_000)),
    )
    .addOption(new Option('--memory <MiB>', 'with --file: heap of one worker').argParser(wholeNumber(16, 16_384)))
    .option('--dry-run', 'only show what would change; exits with 4 if something would')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Without --file the function is that of ${manifestName} in the working directory. With --file, what the options do not say
stays as it is on the gateway.

Examples:
  sluice deploy
  sluice deploy price --file src/price.ts --env REGION=eu
  sluice deploy --alias live -m 'discounts for bundles'
  sluice deploy --dry-run || echo 'something would change'`,
    )
    .action(async (name: string | undefined, options: DeployOptions) => {
      const found = findFunction(name, options, io)
      const client = clientOf(options, io)
      const isPublished = options.publish === true || options.alias !== undefined
      const current = await orNone(client.json<FunctionView>('GET', apiPath('functions', found.name)))
      const definition = definitionOf(found, options, current)
      const bundle = await withProgress(
        io,
        `bundling ${shownPath(found.entry)}`,
        bundleFunction({ ...found, handler: definition.handler }),
      )
      const plan = planFunction(found.name, { definition, publish: isPublished }, bundle, current)
      const report = options.json === true ? undefined : io
      if (report !== undefined) printPlan(report, found, bundle, plan)
      for (const warning of bundle.warnings) io.err(`warning: ${warning}\n`)

      if (options.dryRun === true) {
        if (plan.action !== 'unchanged' || plan.publishes?.isNew === true) setExitCode(exitCodes.changesPending)
        return report === undefined ? printJson(io, jsonOf(plan, undefined, undefined)) : undefined
      }
      const publication = isPublished ? { description: options.message ?? '', labels: {} } : undefined
      const { published } = await withProgress(
        io,
        `uploading ${formatBytes(bundle.bytes)} to ${client.url}`,
        putFunction(client, plan, bundle, publication),
      )
      if (report !== undefined) printDone(report, plan, published)
      const alias =
        options.alias === undefined || published === undefined
          ? undefined
          : await moveAlias(client, found.name, options.alias, published.version)
      if (report === undefined) return printJson(io, jsonOf(plan, published, alias))
      if (alias !== undefined) io.out(`${found.name}@${alias.name} → ${formatWeights(alias.weights)}\n`)
      printNext(report, found, plan)
    })
}

function findFunction(name: string | undefined, options: DeployOptions, io: CommandIo): FoundFunction {
  if (name !== undefined) assertName(name)
  if (options.file !== undefined) return functionOfFile(options.file, name, io.environment)
  for (const flag of ['handler', 'env', 'label', 'timeout', 'memory'] as const) {
    if (options[flag] === undefined) continue
    throw new SluiceError(
      'SLUICE_CLI_USAGE',
      `--${flag} goes with --file; in a project, write it into ${options.manifest}`,
    )
  }
  return functionOfManifest(resolve(options.manifest), name, io.environment)
}

function definitionOf(
  found: FoundFunction,
  flags: DefinitionFlags,
  current: FunctionView | undefined,
): FunctionDefinition {
  const base = found.definition ?? (current?.definition as FunctionDefinition | undefined) ?? defaultDefinition()
  const definition: FunctionDefinition = {
    ...base,
    ...(flags.handler === undefined ? {} : { handler: flags.handler }),
    ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }),
    ...(flags.memory === undefined ? {} : { memoryMiB: flags.memory }),
    environment: { ...base.environment, ...flags.env },
    labels: { ...base.labels, ...flags.label },
  }
  // What an apply made stays what it made.
  const mark = Object.hasOwn(definition.labels, managedByLabel) ? undefined : current?.definition.labels[managedByLabel]
  return withManagedBy(definition, mark)
}

async function moveAlias(client: ApiClient, name: string, alias: string, version: number): Promise<AliasView> {
  const current = await orNone(client.json<AliasView>('GET', apiPath('functions', name, 'aliases', alias)))
  const plan = planAlias(name, alias, version, undefined, current)
  if (typeof plan === 'string') throw new SluiceError('SLUICE_CLI_USAGE', plan)
  return plan.action === 'unchanged' && current !== undefined ? current : putAlias(client, plan)
}

function printPlan(io: CommandIo, { entry }: FoundFunction, bundle: Bundle, plan: FunctionPlan): void {
  const beside = bundle.files.size - 2
  const files = beside > 0 ? `, ${countOf(beside, 'data file')}` : ''
  const total = `${formatBytes(bundle.bytes)} with its source map${files}`
  io.out(
    `Bundled ${shownPath(entry)}: ${countOf(bundle.sources, 'source')}, ${formatBytes(bundle.moduleBytes)} (${total})\n`,
  )
  io.out(`${formatFunctionPlan(plan, colorsOf(io.terminal)).join('\n')}\n`)
}

function printDone(io: CommandIo, plan: FunctionPlan, published: VersionView | undefined): void {
  if (plan.action === 'unchanged') {
    if (published === undefined) io.out(`${plan.name} is as it shall be: nothing to do.\n`)
  } else io.out(`${plan.action === 'create' ? 'Created' : 'Updated'} ${plan.name}.\n`)
  if (published === undefined) return
  const place = `${plan.name}@${published.version}`
  io.out(plan.publishes?.isNew === false ? `${place} has this content already.\n` : `Published ${place}.\n`)
}

function printNext(io: CommandIo, { name, manifests }: FoundFunction, plan: FunctionPlan): void {
  if (plan.action === 'create') io.out(`\nTry it:  sluice invoke ${name} --data '{}'\n`)
  const triggers = [...(manifests?.triggers.values() ?? [])].filter(
    ({ definition }) => definition.function.split('@', 1)[0] === name,
  )
  if (plan.action === 'create' && triggers.length > 0) {
    io.out(`Its ${countOf(triggers.length, 'trigger')} of the manifest:  sluice apply -f ${manifestName}\n`)
  }
}

const jsonOf = (plan: FunctionPlan, published: VersionView | undefined, alias: AliasView | undefined): object => ({
  function: plan.name,
  action: plan.action,
  code: plan.code ?? null,
  fields: plan.fields,
  published: published?.version ?? null,
  alias: alias === undefined ? null : { name: alias.name, weights: alias.weights },
})
