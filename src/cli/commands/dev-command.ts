import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { FunctionView } from '../../api/views/function-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import type { FunctionDefinition } from '../../config/sections/function-definition.ts'
import type { TriggerConfig } from '../../config/sections/trigger.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, orNone, type ApiClient } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { createDevScreen } from '../dev/dev-screen.ts'
import { DevSession } from '../dev/dev-session.ts'
import { defaultDefinition, defaultTrigger } from '../manifest/default-definition.ts'
import { functionOfFile, functionOfManifest, nameFrom, type FoundFunction } from '../manifest/find-function.ts'
import { manifestName } from '../manifest/read-manifests.ts'
import { collect, jsonValue } from '../option-parsers.ts'
import { shownPath } from '../shown-path.ts'
import { userName } from '../user-name.ts'
import { clientOf, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type DevOptions = ApiCommandOptions & {
  readonly name?: string
  readonly stream?: string
  readonly trigger?: string
  readonly filter?: unknown
  readonly live?: boolean
  readonly sink?: readonly string[]
  readonly level?: string
}

/** `sluice dev`: runs one function on the gateway's real events while it is written. */
export function addDevCommand(program: Command, io: CommandIo): void {
  withApiOptions(
    program
      .command('dev')
      .description('run a function on real events while you write it')
      .argument('[entry]', `the module; without it, the function of ${manifestName}`),
    io,
  )
    .option('--name <function>', 'which function of the manifest, or what to call it')
    .option('--stream <stream>', 'run it on new events of this stream')
    .addOption(
      new Option('--trigger <trigger>', 'run it on what this trigger gets: its stream and filter').conflicts('stream'),
    )
    .option('--filter <json>', 'only events that match', jsonValue)
    .option('--live', 'results go to the sinks of the trigger; otherwise they go nowhere')
    .option('--sink <sink>', 'with --live: where results go; repeatable', collect)
    .addOption(
      new Option('--level <level>', 'the least level of lines').choices(['trace', 'debug', 'info', 'warn', 'error']),
    )
    .addHelpText(
      'after',
      `
The function and its trigger are new ones, dev-<you>-<name>: they take nothing away from others, begin with the next event,
try each one once, and are deleted at Ctrl-C (or expire after a minute). Every save builds and replaces the function; what does
not build or load changes nothing. What the handler itself does outside, it does.

Examples:
  sluice dev index.ts --stream orders
  sluice dev --trigger order-enrichment
  sluice dev src/price.ts --trigger price-orders --live`,
    )
    .action(async (entry: string | undefined, options: DevOptions) => {
      if (options.sink !== undefined && options.live !== true) {
        throw new SluiceError('SLUICE_CLI_USAGE', '--sink goes with --live: without it results go nowhere')
      }
      const client = clientOf(options, io)
      const find = () =>
        entry === undefined
          ? functionOfManifest(resolve(manifestName), options.name, io.environment)
          : functionOfFile(entry, options.name, io.environment)
      const found = find()
      const name = nameFrom(`dev-${userName()}-${found.name}`)
      const trigger = await triggerOf(client, name, options)
      const fallback = found.definition === undefined ? await definitionThere(client, found.name) : undefined
      const watchedFiles = found.manifests === undefined ? [] : [resolve(found.directory, manifestName)]
      const session = new DevSession(client, createDevScreen(io, introduce(found, name, trigger)), {
        name,
        input: found,
        watchedFiles,
        readDefinition: () => devDefinition(find().definition ?? fallback ?? defaultDefinition()),
        trigger,
        level: options.level,
      })
      const stop = new AbortController()
      const release = io.onInterrupt(() => stop.abort())
      try {
        await session.run(stop.signal)
      } finally {
        release()
      }
    })
}

/** A failing event is told once, and does not hold up its key. */
const devDefinition = (definition: FunctionDefinition): FunctionDefinition => ({
  ...definition,
  labels: { ...definition.labels, 'sluice-dev': userName() },
  retry: { ...definition.retry, maxAttempts: 1 },
})

/** How the deployed function of this name runs, where no manifest says it. */
async function definitionThere(client: ApiClient, name: string): Promise<FunctionDefinition | undefined> {
  const view = await orNone(client.json<FunctionView>('GET', apiPath('functions', name)))
  return view?.definition as FunctionDefinition | undefined
}

async function triggerOf(client: ApiClient, name: string, options: DevOptions): Promise<TriggerConfig | undefined> {
  const copied =
    options.trigger === undefined
      ? undefined
      : ((await client.json<TriggerView>('GET', apiPath('triggers', options.trigger))).definition as TriggerConfig)
  const stream = copied?.stream ?? options.stream
  if (stream === undefined) {
    if (options.live !== true && options.filter === undefined) return undefined
    throw new SluiceError('SLUICE_CLI_USAGE', '--live and --filter go with --stream or --trigger')
  }
  const filter = (options.filter as TriggerConfig['filter']) ?? copied?.filter
  return {
    ...defaultTrigger(),
    stream,
    function: name,
    ordering: copied?.ordering ?? 'key',
    start: 'latest',
    ...(filter === undefined ? {} : { filter }),
    sinks: options.live === true ? [...(options.sink ?? copied?.sinks ?? [])] : [],
  }
}

function introduce({ entry }: FoundFunction, name: string, trigger: TriggerConfig | undefined): string {
  if (trigger === undefined) {
    return `${name} runs ${shownPath(entry)}; no --stream and no --trigger, so try it: sluice invoke ${name} --data '{}'`
  }
  const results = trigger.sinks.length === 0 ? 'results go nowhere' : `results go to ${trigger.sinks.join(', ')}`
  return `${name} runs ${shownPath(entry)} on new events of ${trigger.stream}; ${results}`
}
