import { setTimeout as wait } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { ScalingDecisionView, ScalingView } from '../../api/views/scaling-view.ts'
import { apiPath, type ApiClient } from '../api-client.ts'
import type { CommandIo, Terminal } from '../command-io.ts'
import { wholeNumber } from '../option-parsers.ts'
import { formatDecision, formatScaling } from '../reports/scaling-report.ts'
import { clientOf, printJson, printJsonLine, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type ScalingOptions = ApiCommandOptions & {
  readonly version?: string
  readonly decisions: number
  readonly watch?: boolean
}

const betweenLooksMs = 1_000
/** Decisions that one look asks for; the gateway makes two a second and version. */
const perLook = 1_000

/** `sluice scaling`: how many workers there are, and why. */
export function addScalingCommand(program: Command, io: CommandIo): void {
  withApiOptions(
    program.command('scaling [function]').description('show workers, what waits for them, and why there are so many'),
    io,
  )
    .option('--version <version>', 'only this one: latest or a number')
    .addOption(new Option('--decisions <n>', 'most decisions to show').argParser(wholeNumber(1, 1_000)).default(10))
    .option('-w, --watch', 'look again every second; into a file or pipe, print each decision as it is made')
    .option('--json', 'print JSON; with --watch one decision a line')
    .addHelpText(
      'after',
      `
IN/S is what arrives, CALL the duration of a call, CPU the share of it that computes. WAITING ? is a lag that is not known:
nothing is changed until it is.

Examples:
  sluice scaling
  sluice scaling price --watch
  sluice scaling price --json | jq '.decisions[] | {reason, inputs}'`,
    )
    .action(async (name: string | undefined, options: ScalingOptions) => {
      const client = clientOf(options, io)
      const look = (limit: number): Promise<ScalingView> => lookAt(client, name, options.version, limit)
      if (options.watch !== true) {
        const view = await look(options.decisions)
        if (options.json === true) return printJson(io, view)
        return io.out(formatScaling(view, options.decisions, io.terminal))
      }
      const { terminal } = io
      const print = (decision: ScalingDecisionView): void =>
        options.json === true ? printJsonLine(io, decision) : io.out(formatDecision(decision))
      await untilInterrupted(io, async stopped => {
        if (terminal !== undefined && options.json !== true) await redraw(io, terminal, options, look, stopped)
        else await printNew(look, print, stopped)
      })
    })
}

function lookAt(
  client: ApiClient,
  name: string | undefined,
  version: string | undefined,
  limit: number,
): Promise<ScalingView> {
  return client.json<ScalingView>('GET', apiPath('scaling'), { query: { function: name, version, limit } })
}

async function redraw(
  io: CommandIo,
  terminal: Terminal,
  { decisions, url }: ScalingOptions,
  look: (limit: number) => Promise<ScalingView>,
  stopped: AbortSignal,
): Promise<void> {
  while (!stopped.aborted) {
    const view = await look(decisions)
    const head = `${new Date(view.atMs).toTimeString().slice(0, 8)}  ${url}  ${view.cores} cores  Ctrl-C ends\n\n`
    // Written over what was there and then cut: a screen that is cleared first flickers.
    const lines = (head + formatScaling(view, decisions, terminal)).replaceAll('\n', '\u001b[K\n')
    io.out(`\u001b[H${lines}\u001b[J`)
    await wait(betweenLooksMs, undefined, { signal: stopped }).catch(() => undefined)
  }
}

async function printNew(
  look: (limit: number) => Promise<ScalingView>,
  print: (decision: ScalingDecisionView) => void,
  stopped: AbortSignal,
): Promise<void> {
  let seen: ReadonlySet<string> | undefined
  while (!stopped.aborted) {
    const { decisions } = await look(perLook)
    const before = seen
    if (before !== undefined)
      for (const decision of decisions.toReversed()) if (!before.has(nameOf(decision))) print(decision)
    seen = new Set(decisions.map(nameOf))
    await wait(betweenLooksMs, undefined, { signal: stopped }).catch(() => undefined)
  }
}

const nameOf = ({ atMs, function: name, version, from, to }: ScalingDecisionView): string =>
  `${atMs} ${name} ${version} ${from} ${to}`

async function untilInterrupted(io: CommandIo, work: (stopped: AbortSignal) => Promise<void>): Promise<void> {
  const stopped = new AbortController()
  const release = io.onInterrupt(() => stopped.abort())
  try {
    await work(stopped.signal)
  } finally {
    release()
  }
}
