import { writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { ScalingView } from '../../api/views/scaling-view.ts'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import { apiPath } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { countOf, formatDuration } from '../format-quantity.ts'
import { duration } from '../option-parsers.ts'
import { createLiveLine } from '../progress.ts'
import { LoadRecorder } from '../record/load-recorder.ts'
import { shownPath } from '../shown-path.ts'
import { clientOf, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type RecordOptions = ApiCommandOptions & {
  readonly for: number
  readonly interval: number
  readonly out?: string
}

/** `sluice record`: the load of a gateway, as `sluice simulate` reads it. */
export function addRecordCommand(program: Command, io: CommandIo): void {
  withApiOptions(
    program
      .command('record [function]')
      .description('record what arrives and how long calls take, for sluice simulate'),
    io,
  )
    .addOption(
      new Option('--for <duration>', 'how long; Ctrl-C ends it before')
        .argParser(duration(1_000, 86_400_000))
        .default(600_000, '10m'),
    )
    .addOption(
      new Option('--interval <duration>', 'what one figure of the recording covers')
        .argParser(duration(200, 60_000))
        .default(1_000, '1s'),
    )
    .option('-o, --out <file>', 'where to; default: standard output')
    .addHelpText(
      'after',
      `
Only counts and durations are recorded, nothing of any event.

Examples:
  sluice record --for 1h -o monday.json
  sluice record price --for 10m -o price.json && sluice simulate --load price.json --policy policy.yaml`,
    )
    .action(async (name: string | undefined, options: RecordOptions) => {
      const recorder = await record(name, options, io)
      const load = recorder.load()
      if (load.functions.length === 0) {
        const which = name === undefined ? 'no function' : `function ${name}`
        throw new SluiceError(
          'SLUICE_CLI_USAGE',
          `nothing to record: ${which} had ${name === undefined ? 'an' : 'no'} event`,
        )
      }
      const text = `${JSON.stringify(load)}\n`
      if (options.out === undefined) return io.out(text)
      write(options.out, text)
      const what = `${countOf(Math.round(recorder.events), 'event')} of ${countOf(load.functions.length, 'function')}`
      io.err(`${shownPath(options.out)}: ${formatDuration(recorder.intervals * options.interval)}, ${what}\n`)
    })
}

async function record(name: string | undefined, options: RecordOptions, io: CommandIo): Promise<LoadRecorder> {
  const client = clientOf(options, io)
  const recorder = new LoadRecorder({ name: `recorded from ${options.url}`, intervalMs: options.interval })
  const stopped = new AbortController()
  const release = io.onInterrupt(() => stopped.abort())
  const live = createLiveLine(io)
  try {
    const startedAtMs = performance.now()
    for (let look = 0; !stopped.signal.aborted; look++) {
      const query = { function: name, limit: 1 }
      recorder.look(await client.json<ScalingView>('GET', apiPath('scaling'), { query }))
      const recordedMs = look * options.interval
      const left = formatDuration(options.for - recordedMs)
      live.show(`recording: ${countOf(Math.round(recorder.events), 'event')}, ${left} to go · Ctrl-C ends and keeps`)
      if (recordedMs >= options.for) break
      const delayMs = Math.max(0, startedAtMs + recordedMs + options.interval - performance.now())
      await wait(delayMs, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  } finally {
    live.clear()
    release()
  }
  return recorder
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (thrown) {
    throw new SluiceError('SLUICE_CLI_USAGE', `cannot write ${shownPath(file)}: ${messageOf(thrown)}`)
  }
}
