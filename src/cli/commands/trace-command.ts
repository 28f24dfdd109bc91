import type { Command } from 'commander'
import type { RecentEventPage } from '../../api/views/recent-event-view.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, isRefusal, type ApiClient, type ApiQuery } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { wholeNumber } from '../option-parsers.ts'
import { formatTrace } from '../reports/trace-report.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'
import { eventQuestion, type EventQuestion } from './event-question.ts'

type TraceOptions = ApiCommandOptions & {
  readonly key?: string
  readonly trigger?: string
  readonly stream?: string
  readonly failed?: true
  readonly limit: number
  readonly search?: number
}

/** `sluice trace`: what happened to an event, from its acceptance to its sinks. */
export function addTraceCommand(program: Command, io: CommandIo): void {
  withApiOptions(
    program
      .command('trace')
      .description('tell what happened to recent events: attempts, results, sinks')
      .argument(
        '[what]',
        'a trace id, stream/partition/offset, key:<key>, or the id of an event; without it: the newest events',
      ),
    io,
  )
    .option('--key <key>', 'an ordering key, as key:<key>')
    .option('--trigger <trigger>', 'only in this trigger')
    .option('--stream <stream>', 'only events of this stream')
    .option('--failed', 'only events with a failed attempt, a failed sink or a dead letter')
    .option('-n, --limit <count>', 'events to tell of, newest first', wholeNumber(1, 200), 20)
    .option(
      '--search <count>',
      'newest events of a stream to look through for what is not in the index',
      wholeNumber(0, 1_000_000),
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A trace id is 32 hexadecimal digits; a whole traceparent is taken, too. An id that looks like something else is written
event:<id>. Times are local on a terminal, UTC elsewhere. Why something does not run: sluice why.

Examples:
  sluice trace 4bf92f3577b34da6a3ce929d0e0e4736
  sluice trace orders/3/4711
  sluice trace --key c7 --trigger price-orders
  sluice trace --failed -n 5
  sluice trace event:42 --json | jq '.items[].triggers[].attempts'`,
    )
    .action(async (what: string | undefined, options: TraceOptions) => {
      const page = await ask(clientOf(options, io), eventQuestion(what, options.key), options)
      if (options.json === true) return printJson(io, page)
      // A trace is a chain of events, and is read from its beginning.
      const items = page.items.toSorted((a, b) => (a.acceptedAtMs ?? 0) - (b.acceptedAtMs ?? 0))
      io.out(formatTrace(isTrace(page, what) ? { ...page, items } : page, io.terminal))
    })
}

async function ask(
  client: ApiClient,
  { query, otherwise }: EventQuestion,
  options: TraceOptions,
): Promise<RecentEventPage> {
  const { trigger, stream, failed, limit, search } = options
  const narrowing = { trigger, ...(stream === undefined ? {} : { stream }), failed, limit, search }
  if (stream !== undefined && query['stream'] !== undefined && query['stream'] !== stream)
    throw new SluiceError('SLUICE_CLI_USAGE', `the place is in ${String(query['stream'])}, and --stream is ${stream}`)
  const get = (asked: ApiQuery): Promise<RecentEventPage> =>
    client.json<RecentEventPage>('GET', apiPath('recent-events'), { query: { ...asked, ...narrowing } })
  try {
    return await get(query)
  } catch (error) {
    if (otherwise === undefined || !isRefusal(error, 404)) throw error
    return get(otherwise)
  }
}

const isTrace = ({ items }: RecentEventPage, what: string | undefined): boolean =>
  items.length > 0 && items.every(({ traceId }) => traceId !== null && what?.includes(traceId) === true)
