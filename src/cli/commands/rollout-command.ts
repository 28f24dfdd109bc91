import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { AliasView, RolloutView } from '../../api/views/alias-view.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, type ApiClient } from '../api-client.ts'
import { colorsOf } from '../colors.ts'
import type { CommandIo } from '../command-io.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatDuration } from '../format-quantity.ts'
import { duration, numberFrom, wholeNumber } from '../option-parsers.ts'
import { formatWeights } from '../plan/alias-plan.ts'
import { createLiveLine } from '../progress.ts'
import { formatRollout } from '../reports/alias-report.ts'
import { plainText } from '../terminal-text.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type RolloutOptions = ApiCommandOptions & {
  readonly to?: number
  readonly steps: readonly number[]
  readonly stepTime: number
  readonly maxErrorRate?: number
  readonly maxP95?: number
  readonly maxP95Ratio?: number
  readonly minInvocations: number
  readonly watch: boolean
  readonly abort?: boolean
  readonly keep?: boolean
}

/** Often enough for a person, seldom enough for a gateway. */
const longestPollMs = 1_000

/** `sluice rollout`: moves an alias to a version in steps; the gateway goes back by itself when it is worse. */
export function addRolloutCommand(program: Command, io: CommandIo, setExitCode: (code: number) => void): void {
  withApiOptions(
    program
      .command('rollout <function> <alias>')
      .description('move an alias in steps, and back when the new version is worse'),
    io,
  )
    .addOption(
      new Option('--to <version>', 'the published version that shall get everything').argParser(wholeNumber(1)),
    )
    .option('--steps <percents>', 'share of the new version, step by step', parseSteps, [10, 50, 100])
    .option('--step-time <duration>', 'how long a step is held', duration(100, 604_800_000), 60_000)
    .addOption(
      new Option('--max-error-rate <share>', 'goes back above this share of failed attempts, 0 to 1').argParser(
        numberFrom(0, 1),
      ),
    )
    .addOption(
      new Option('--max-p95 <duration>', 'goes back when the p95 duration is longer').argParser(duration(0, 3_600_000)),
    )
    .addOption(
      new Option('--max-p95-ratio <factor>', 'goes back when it is so many times that of the old version').argParser(
        numberFrom(0, 1000),
      ),
    )
    .option('--min-invocations <count>', 'a step is judged after so many', wholeNumber(1), 20)
    .option('--no-watch', 'do not wait for the end')
    .option('--abort', 'end the running rollout: the weights before it come back')
    .option('--keep', 'with --abort: the weights stay as they are now')
    .option('--json', 'print JSON, once it has ended')
    .addHelpText(
      'after',
      `
Without --to and --abort it watches the rollout that runs. Exits with 0 when the version got everything, with 1 when the
alias went back or the rollout was aborted. Ctrl-C ends the watching and not the rollout.

Examples:
  sluice rollout price live --to 4 --max-error-rate 0.02 --max-p95 200ms
  sluice rollout price live --to 4 --steps 1,10,50,100 --step-time 5m --max-p95-ratio 1.5 --no-watch
  sluice rollout price live
  sluice rollout price live --abort`,
    )
    .action(async (name: string, alias: string, options: RolloutOptions) => {
      const client = clientOf(options, io)
      const path = [name, 'aliases', alias] as const
      if (options.abort === true) {
        const query = options.keep === true ? { restore: false } : {}
        const view = await client.json<AliasView>('DELETE', apiPath('functions', ...path, 'rollout'), { query })
        if (options.json === true) return printJson(io, view)
        return io.out(`Aborted; ${name}@${alias} → ${formatWeights(view.weights)}\n`)
      }
      const view =
        options.to === undefined
          ? await client.json<AliasView>('GET', apiPath('functions', ...path))
          : await start(client, path, options.to, options)
      const { rollout } = view
      if (rollout === null) {
        throw new SluiceError('SLUICE_CLI_USAGE', `${name}@${alias} never had a rollout: start one with --to <version>`)
      }
      const isQuiet = options.json === true
      if (!isQuiet && options.to !== undefined)
        io.out(`${name}@${alias}: ${formatWeights(rollout.from)} → ${rollout.to}\n`)
      const ended = options.watch ? await watch(client, io, view, isQuiet) : view
      if (isQuiet) printJson(io, ended)
      if (!options.watch && !isQuiet) io.out(`${plainText(formatRollout(rollout, Date.now()))}\n`)
      const { state } = ended.rollout ?? rollout
      if (state === 'rolled-back' || state === 'aborted') setExitCode(exitCodes.failed)
    })
}

function start(
  client: ApiClient,
  [name, , alias]: readonly [string, string, string],
  to: number,
  options: RolloutOptions,
): Promise<AliasView> {
  return client.json<AliasView>('POST', apiPath('functions', name, 'aliases', alias, 'rollout'), {
    body: {
      to,
      steps: options.steps,
      stepMs: options.stepTime,
      bounds: {
        ...(options.maxErrorRate === undefined ? {} : { maxErrorRate: options.maxErrorRate }),
        ...(options.maxP95 === undefined ? {} : { maxP95Ms: options.maxP95 }),
        ...(options.maxP95Ratio === undefined ? {} : { maxP95Ratio: options.maxP95Ratio }),
        minInvocations: options.minInvocations,
      },
    },
  })
}

/** Shows each step, and between them what it waits for. Returns the alias when the rollout has ended or nobody watches. */
async function watch(client: ApiClient, io: CommandIo, first: AliasView, isQuiet: boolean): Promise<AliasView> {
  const path = apiPath('functions', first.function, 'aliases', first.name)
  const leave = new AbortController()
  const release = io.onInterrupt(() => leave.abort())
  const live = createLiveLine(io)
  const colors = colorsOf(io.terminal)
  let view = first
  let shownStep = -1
  try {
    for (;;) {
      const { rollout } = view
      // An alias that was deleted and made again has another history.
      if (rollout === null || rollout.id !== first.rollout?.id) return view
      if (!isQuiet && rollout.step !== shownStep && rollout.state === 'running') {
        live.clear()
        io.out(`${clock()} ${formatStep(rollout)}\n`)
        shownStep = rollout.step
      }
      if (rollout.state !== 'running') {
        live.clear()
        const paint = rollout.state === 'completed' ? colors.green : colors.red
        const where = `${view.name} → ${formatWeights(view.weights)}`
        const why = rollout.reason === null ? '' : `: ${plainText(rollout.reason)}`
        if (!isQuiet) io.out(`${clock()} ${paint(rollout.state)}; ${where}${why}\n`)
        return view
      }
      if (!isQuiet) live.show(liveText(rollout))
      await sleep(Math.min(longestPollMs, rollout.stepMs), undefined, { signal: leave.signal })
      view = await client.json<AliasView>('GET', path, { signal: leave.signal })
    }
  } catch (error) {
    if (!leave.signal.aborted) throw error
    live.clear()
    io.err(`\nThe rollout goes on: \`sluice rollout ${first.function} ${first.name}\` watches it, --abort ends it.\n`)
    return view
  } finally {
    live.clear()
    release()
  }
}

function formatStep({ step, steps, to, stepMs }: RolloutView): string {
  const share = steps[step] ?? 100
  return `step ${step + 1} of ${steps.length}: ${share} % to ${to}, for ${formatDuration(stepMs)}`
}

function liveText({ stepSinceMs, stepMs, reason }: RolloutView): string {
  const leftMs = stepSinceMs + stepMs - Date.now()
  const left = leftMs > 0 ? `${formatDuration(Math.ceil(leftMs / 1000) * 1000)} left` : 'time is over'
  return reason === null ? left : `${left} · ${reason}`
}

const clock = (): string => new Date().toTimeString().slice(0, 8)

function parseSteps(text: string): readonly number[] {
  const steps = text.split(',').map(part => Number(part.trim().replace(/%$/, '')))
  const ascends = steps.every((step, index) => step > (steps[index - 1] ?? 0) && step <= 100)
  if (ascends && steps.at(-1) === 100) return steps
  throw new InvalidArgumentError('It must ascend to 100, as in 10,50,100.')
}
