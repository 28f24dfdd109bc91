import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { help, parseDemoOptions, UsageError, type DemoOptions } from './options.ts'
import { Progress } from './progress.ts'
import { DemoRun } from './run-demo.ts'
import { formatSummary, type Paint } from './summary-table.ts'

const exitCodes = { ok: 0, failed: 1, usage: 2 } as const
/** How to get the third kind of events, in one line. */
const kafkaHint = 'Kafka is off: `npm run kafka` in another terminal, then KAFKA_BROKERS=localhost:9092 npm run demo'
const signalNumbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const

process.exitCode = await main()

async function main(): Promise<number> {
  try {
    const options = parseDemoOptions(process.argv.slice(2), process.env)
    if (options !== undefined) return await drive(options)
    process.stdout.write(help)
    return exitCodes.ok
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`demo: ${error.message}\n  npm run demo -- --help lists what there is\n`)
    return exitCodes.usage
  }
}

/** Runs the demo, shows it, and cleans up whatever happens. Returns the exit code. */
async function drive(options: DemoOptions): Promise<number> {
  // With --json standard output belongs to the summary.
  const screen = options.json ? process.stderr : process.stdout
  const paint: Paint = (style, text) => styleText(style, text, { stream: screen })
  const directory = mkdtempSync(join(tmpdir(), 'sluice-demo-'))
  const interruption = new AbortController()
  const run = new DemoRun(options, directory, interruption.signal)
  const progress = new Progress(screen, () => run.view(), paint)
  const signals = watchSignals(interruption)
  // For ends that pass by everything below, such as a second Ctrl-C.
  const lastMoment = () => {
    run.killNow()
    if (screen.isTTY) screen.write('\u001b[?25h')
    if (!options.keep) remove(directory)
  }
  process.once('exit', lastMoment)

  screen.write(`\n  ${paint('bold', 'Sluice demo')}  ${title(options)}\n`)
  if (options.kafkaBrokers === undefined) screen.write(`  ${paint('dim', kafkaHint)}\n`)
  screen.write('\n')
  progress.start()
  let isFailed = false
  try {
    const { summary, deadLetters } = await run.run()
    progress.stop()
    screen.write(`\n${formatSummary(summary, deadLetters, paint)}\n`)
    if (options.json) process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`)
    isFailed = !summary.ok
  } catch (error) {
    progress.stop()
    const signal = signals.caught()
    if (signal !== undefined) {
      screen.write(`\n  ${signal}: cleaning up.\n`)
      return 128 + signalNumbers[signal]
    }
    isFailed = true
    process.stderr.write(`\n  ${paint('red', '✗')} ${(error as Error).message}\n\n`)
  } finally {
    await run.dispose().catch((error: unknown) => {
      process.stderr.write(`demo: could not clean up: ${(error as Error).message}\n`)
    })
    signals.stop()
    process.off('exit', lastMoment)
    // What went wrong can only be understood with the data at hand.
    const isKept = run.hasData && (options.keep || isFailed)
    if (isKept) screen.write(`  Data and log of the gateway are kept in ${directory}\n\n`)
    else remove(directory)
  }
  return isFailed ? exitCodes.failed : exitCodes.ok
}

function title({ events, ratePerS, kills, seed }: DemoOptions): string {
  const rate = ratePerS === 0 ? 'as fast as the senders can' : `at ${ratePerS.toLocaleString('en-US')}/s`
  const killing = kills === 0 ? '' : `, ${kills} SIGKILL${kills === 1 ? '' : 's'} meanwhile`
  return `${events.toLocaleString('en-US')} events of each kind ${rate}${killing}; seed ${seed}`
}

function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

/** One Ctrl-C may come twice, from the terminal and from npm. */
const sameSignalMs = 500

/** The first signal ends the demo in order, the second one at once. */
function watchSignals(interruption: AbortController): {
  caught(): keyof typeof signalNumbers | undefined
  stop(): void
} {
  let first: keyof typeof signalNumbers | undefined
  let caughtAtMs = 0
  const listener = (signal: NodeJS.Signals) => {
    const name = signal as keyof typeof signalNumbers
    if (first !== undefined && performance.now() - caughtAtMs < sameSignalMs) return
    if (first !== undefined) process.exit(128 + signalNumbers[name])
    first = name
    caughtAtMs = performance.now()
    interruption.abort(new Error(`ended by ${signal}`))
  }
  const names = Object.keys(signalNumbers) as (keyof typeof signalNumbers)[]
  for (const name of names) process.on(name, listener)
  return {
    caught: () => first,
    stop: () => names.forEach(name => process.off(name, listener)),
  }
}
