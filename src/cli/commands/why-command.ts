import type { Command } from 'commander'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import type { WhyView } from '../../api/views/why-view.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, isRefusal, orNone, type ApiClient, type ApiQuery } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { wholeNumber } from '../option-parsers.ts'
import { formatWhy } from '../reports/why-report.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type WhyOptions = ApiCommandOptions & {
  readonly trigger?: string
  readonly stream?: string
  readonly key?: string
  readonly search?: number
}

/** `sluice why`: why an event, the events of a key, a trigger or a source do not run. */
export function addWhyCommand(program: Command, io: CommandIo): void {
  withApiOptions(
    program
      .command('why')
      .description('tell in one sentence why an event, a key, a trigger or a source does not run')
      .argument('[what]', 'a trigger, stream/partition/offset, key:<key>, source:<source>, or the id of an event'),
    io,
  )
    .option('--trigger <trigger>', 'only in this trigger; alone: the trigger itself')
    .option('--stream <stream>', 'look for the id or the key in this stream alone')
    .option('--key <key>', 'an ordering key, as key:<key>')
    .option('--search <count>', 'newest events of a stream to look through for an id', wholeNumber(0, 1_000_000))
    .option('--json', 'print JSON, with the facts')
    .addHelpText(
      'after',
      `
An id that is also the name of a trigger is written event:<id>. Times are local on a terminal, UTC elsewhere.

Examples:
  sluice why price-orders
  sluice why orders/3/4711
  sluice why key:c7 --trigger price-orders
  sluice why source:hooks
  sluice why 01J9Z3KQ8W --stream orders --search 200000
  sluice why event:42 --json | jq '.answers[].verdict'`,
    )
    .action(async (what: string | undefined, options: WhyOptions) => {
      const view = await ask(clientOf(options, io), what, options)
      if (options.json === true) return printJson(io, view)
      io.out(formatWhy(view, io.terminal))
    })
}

async function ask(client: ApiClient, what: string | undefined, options: WhyOptions): Promise<WhyView> {
  const { trigger, stream, search } = options
  const key = options.key ?? /^key:(.+)$/s.exec(what ?? '')?.[1]
  const why = (query: ApiQuery): Promise<WhyView> => client.json<WhyView>('GET', apiPath('why'), { query })
  if (options.key !== undefined && what !== undefined)
    throw new SluiceError('SLUICE_CLI_USAGE', `ask about --key ${options.key} or about ${what}, not both`)
  if (key !== undefined) return why({ key, trigger, stream })
  const source = /^source:(.+)$/s.exec(what ?? '')?.[1]
  if (source !== undefined) return why({ source })
  if (what === undefined) {
    if (trigger !== undefined) return why({ trigger })
    throw new SluiceError(
      'SLUICE_CLI_USAGE',
      'why what? Name a trigger, stream/partition/offset, key:<key>, source:<source>, or the id of an event',
    )
  }
  const place = /^([a-z0-9][a-z0-9-]*)\/(\d+)\/(\d+)$/.exec(what)
  if (place !== null) return why({ stream: place[1], partition: place[2], offset: place[3], trigger })
  const id = /^event:(.+)$/s.exec(what)?.[1]
  if (id !== undefined) return why({ event: id, trigger, stream, search })
  const isName = /^[a-z0-9][a-z0-9-]{0,62}$/.test(what)
  if (isName && trigger === undefined && stream === undefined) {
    const found = await orNone(why({ trigger: what }))
    if (found !== undefined) return found
  }
  try {
    return await why({ event: what, trigger, stream, search })
  } catch (error) {
    throw isName && isRefusal(error, 404) ? await withGuess(client, what, error as SluiceError) : error
  }
}

/** It may have been meant for a trigger. */
async function withGuess(client: ApiClient, what: string, error: SluiceError): Promise<SluiceError> {
  const triggers = await client.list<TriggerView>(apiPath('triggers')).catch(() => [])
  const guess = didYouMean(
    what,
    triggers.map(({ name }) => name),
  )
  if (guess === '') return error
  return new SluiceError('SLUICE_CLI_REFUSED', `there is no trigger '${what}'${guess} ${error.message}`, {
    cause: error,
    details: error.details,
  })
}
