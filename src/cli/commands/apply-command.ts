import type { Command } from 'commander'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import { hasChanges, planApply, type ApplyPlan } from '../apply/apply-plan.ts'
import { formatApplyPlan } from '../apply/format-apply.ts'
import { readGatewayState } from '../apply/gateway-state.ts'
import { pendingChanges, runApply, type ApplyChange } from '../apply/run-apply.ts'
import type { ApiClient } from '../api-client.ts'
import { bundleFunction, type Bundle } from '../bundle/bundle-function.ts'
import { colorsOf } from '../colors.ts'
import type { CommandIo } from '../command-io.ts'
import { confirm } from '../confirm.ts'
import { exitCodes } from '../exit-codes.ts'
import { countOf } from '../format-quantity.ts'
import { mapLimited } from '../map-limited.ts'
import { readManifests, type Manifests } from '../manifest/read-manifests.ts'
import { collect } from '../option-parsers.ts'
import { withProgress } from '../progress.ts'
import { plainLines } from '../terminal-text.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type ApplyOptions = ApiCommandOptions & {
  readonly filename: readonly string[]
  readonly yes?: boolean
  readonly prune?: boolean
  readonly dryRun?: boolean
}

/** `sluice apply`: makes the gateway have what YAML files want. */
export function addApplyCommand(program: Command, io: CommandIo, setExitCode: (code: number) => void): void {
  withApiOptions(
    program.command('apply').description('make functions, aliases and triggers be as YAML files want them'),
    io,
  )
    .requiredOption('-f, --filename <path>', 'a YAML file, or a folder of them; repeatable', collect)
    .option('-y, --yes', 'do not ask')
    .option('--prune', 'delete what an earlier apply of the same files made and they no longer have')
    .option('--dry-run', 'only show the plan; exits with 4 if something would change')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A file has functions and triggers:

  name: shop                      # marks what is made from it; default: the name of the folder
  functions:
    price:
      file: src/price.ts          # bundled, as by sluice deploy
      timeoutMs: 5000
      publish: true
      aliases: { live: latest-published }   # or 3, or { "3": 90, "4": 10 }
  triggers:
    price-orders: { stream: orders, function: price@live, sinks: [priced] }

Of a folder all YAML files are taken, and each sluice.yaml of the folders below. What somebody changes between the plan and
its carrying out is not overwritten. --prune deletes functions with the label managed-by=apply:<name>, and the triggers
of such functions, when no file has them; aliases that no file has stay.

Exit codes: 0 nothing to change or all applied, 1 something failed, 2 the files are wrong, 4 a dry run with changes.

Examples:
  sluice apply -f sluice.yaml
  sluice apply -f functions/ --prune --yes
  sluice apply -f functions/ --dry-run --json`,
    )
    .action(async (options: ApplyOptions) => {
      const isJson = options.json === true
      if (isJson && options.yes !== true && options.dryRun !== true) {
        throw new SluiceError('SLUICE_CLI_USAGE', '--json cannot ask: add --yes or --dry-run')
      }
      const client = clientOf(options, io)
      const manifests = readManifests(options.filename, io.environment)
      const plan = await withProgress(io, 'bundling and comparing', makePlan(client, manifests, options.prune === true))
      for (const { wanted, bundle } of plan.functions) {
        for (const warning of bundle.warnings) io.err(`warning: function ${wanted.name}: ${warning}\n`)
      }
      if (plan.problems.length > 0) {
        const message = `${countOf(plan.problems.length, 'problem')}, nothing was changed:\n${plan.problems.join('\n')}`
        throw new SluiceError('SLUICE_CONFIG_INVALID', message)
      }
      if (!isJson) io.out(formatApplyPlan(plan, colorsOf(io.terminal)))
      const isChanging = hasChanges(plan)
      if (options.dryRun === true || !isChanging) {
        if (isChanging) setExitCode(exitCodes.changesPending)
        return isJson ? printJson(io, { manifests: manifests.names, changes: pendingChanges(plan) }) : undefined
      }
      if (options.yes !== true) await confirm(io, '\nApply these changes?')
      const changes = await runApply(
        client,
        plan,
        change => (isJson ? undefined : printChange(io, change)),
        (doing, work) => withProgress(io, doing, work),
      )
      if (isJson) printJson(io, { manifests: manifests.names, changes })
      const bad = changes.filter(({ result }) => result !== 'done').length
      if (bad === 0) return isJson ? undefined : io.out(`${countOf(changes.length, 'change')} applied\n`)
      setExitCode(exitCodes.failed)
      io.err(`sluice: ${countOf(changes.length - bad, 'change')} applied, ${bad} not; apply again once it is mended\n`)
    })
}

async function makePlan(client: ApiClient, manifests: Manifests, prune: boolean): Promise<ApplyPlan> {
  const [bundles, state] = await Promise.all([bundleAll(manifests), readGatewayState(client, manifests)])
  return planApply(manifests, bundles, state, prune)
}

/** @throws {SluiceError} SLUICE_CLI_BUNDLE with the problems of all functions. */
async function bundleAll(manifests: Manifests): Promise<ReadonlyMap<string, Bundle>> {
  const bundles = new Map<string, Bundle>()
  const problems: string[] = []
  await mapLimited([...manifests.functions.values()], 4, async wanted => {
    try {
      bundles.set(wanted.name, await bundleFunction({ ...wanted, handler: wanted.definition.handler }))
    } catch (error) {
      problems.push(`function ${wanted.name}: ${messageOf(error)}`)
    }
  })
  if (problems.length > 0) throw new SluiceError('SLUICE_CLI_BUNDLE', problems.join('\n\n'))
  return bundles
}

const pastTense = { create: 'created', update: 'changed', delete: 'deleted' } as const

function printChange(io: CommandIo, { kind, name, action, result, detail }: ApplyChange): void {
  const what = `${kind} ${name}`
  if (result === 'done')
    return io.out(`${pastTense[action]} ${what}${detail === '' ? '' : `  ${plainLines(detail)}`}\n`)
  const colors = colorsOf(io.errTerminal)
  io.err(`${colors.red(result === 'skipped' ? 'skipped' : 'failed')} ${what}: ${plainLines(detail)}\n`)
}
