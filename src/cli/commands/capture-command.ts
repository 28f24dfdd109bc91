import { writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { DeadLetterView } from '../../api/views/dead-letter-view.ts'
import type { RecentEventPage, RecentEventView } from '../../api/views/recent-event-view.ts'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, isRefusal, type ApiClient, type ApiQuery } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { countOf } from '../format-quantity.ts'
import { pointInTime, wholeNumber } from '../option-parsers.ts'
import { shownPath } from '../shown-path.ts'
import { clientOf, withApiOptions, type ApiCommandOptions } from './api-command.ts'
import { eventQuestion } from './event-question.ts'

type CaptureOptions = ApiCommandOptions & {
  readonly key?: string
  readonly trigger?: string
  readonly stream?: string
  readonly failed?: true
  readonly deadLetters?: string
  readonly since?: number
  readonly until?: number
  readonly limit: number
  readonly out?: string
}

/** An event as it stands in the file. */
type Captured = Pick<RecentEventView, 'stream' | 'partition' | 'offset' | 'event' | 'dataBase64'> & {
  readonly acceptedAtMs: number | null
  readonly triggers: readonly unknown[]
}

const pageEvents = 200

/** `sluice capture`: a slice of recent events with what became of them, for sluice replay and for tests. */
export function addCaptureCommand(program: Command, io: CommandIo): void {
  withApiOptions(
    program
      .command('capture')
      .description('write recent events and what became of them to a file, for sluice replay and tests')
      .argument(
        '[what]',
        'a trace id, stream/partition/offset, key:<key>, or the id of an event; without it: the newest events',
      ),
    io,
  )
    .option('--key <key>', 'an ordering key, as key:<key>')
    .option('--trigger <trigger>', 'only what this trigger had')
    .option('--stream <stream>', 'only events of this stream')
    .option('--failed', 'only events with a failed attempt, a failed sink or a dead letter')
    .addOption(
      new Option('--dead-letters <trigger>', 'the dead letters of this trigger, however old').conflicts([
        'key',
        'trigger',
        'stream',
        'failed',
        'since',
        'until',
      ]),
    )
    .option('--since <when>', 'what happened not before: 10m (ago) or a time', pointInTime())
    .option('--until <when>', 'what happened before: 10m (ago) or a time', pointInTime())
    .option('-n, --limit <count>', 'the newest so many', wholeNumber(1, 100_000), 1000)
    .option('-o, --out <file>', 'where to; default: standard output')
    .addHelpText(
      'after',
      `
The file has the events whole, with their headers and bytes: treat it as you treat the data. Docs: docs/replay.md.

Examples:
  sluice capture --failed --since 1h -o failed.jsonl
  sluice capture 4bf92f3577b34da6a3ce929d0e0e4736 -o trace.jsonl
  sluice capture --dead-letters price-orders -o letters.jsonl && sluice replay letters.jsonl --function price.ts`,
    )
    .action(async (what: string | undefined, options: CaptureOptions) => {
      const client = clientOf(options, io)
      const { deadLetters, out } = options
      if (deadLetters !== undefined && what !== undefined)
        throw new SluiceError('SLUICE_CLI_USAGE', `capture ${what} or --dead-letters ${deadLetters}, not both`)
      const events =
        deadLetters === undefined
          ? await recent(client, what, options)
          : await letters(client, deadLetters, options.limit)
      const whole = events.filter(
        ({ event, dataBase64 }) => typeof event?.['id'] === 'string' && dataBase64 !== undefined,
      )
      if (whole.length === 0)
        throw new SluiceError('SLUICE_CLI_USAGE', 'nothing to capture: there are no such events any more')
      const file = fileOf(whole)
      const left = events.length - whole.length
      const note = left === 0 ? '' : ` (${countOf(left, 'event')} left out: what it was is not kept any more)`
      if (out === undefined) {
        io.out(file)
        if (note !== '') io.err(`${note.trim()}\n`)
        return
      }
      write(out, file)
      io.err(`${shownPath(out)}: ${countOf(whole.length, 'event')}${note}\n`)
    })
}

async function recent(
  client: ApiClient,
  what: string | undefined,
  options: CaptureOptions,
): Promise<readonly Captured[]> {
  const { query, otherwise } = eventQuestion(what, options.key)
  try {
    return await pages(client, query, options)
  } catch (error) {
    if (otherwise === undefined || !isRefusal(error, 404)) throw error
    return pages(client, otherwise, options)
  }
}

async function pages(client: ApiClient, asked: ApiQuery, options: CaptureOptions): Promise<readonly Captured[]> {
  const { trigger, stream = asked['stream'], failed, since: fromMs, until: toMs, limit } = options
  const events: Captured[] = []
  let before: number | undefined
  while (events.length < limit) {
    const query = {
      ...asked,
      trigger,
      stream,
      failed,
      fromMs,
      toMs,
      before,
      data: true,
      limit: Math.min(pageEvents, limit - events.length),
    }
    const page = await client.json<RecentEventPage>('GET', apiPath('recent-events'), { query })
    for (const item of page.items) events.push(await withData(client, item, trigger))
    if (page.next === null) break
    before = page.next
  }
  return events
}

/** Its bytes did not fit into the page: alone they do. */
async function withData(
  client: ApiClient,
  item: RecentEventView,
  trigger: string | undefined,
): Promise<RecentEventView> {
  if (item.dataBase64 !== undefined) return item
  const { stream, partition, offset } = item
  const query = { stream, partition, offset, trigger, data: true, limit: 1 }
  const page = await client.json<RecentEventPage>('GET', apiPath('recent-events'), { query })
  return page.items[0] ?? item
}

async function letters(client: ApiClient, trigger: string, limit: number): Promise<readonly Captured[]> {
  const found: Captured[] = []
  const aborted = new AbortController()
  const path = apiPath('triggers', trigger, 'dead-letters', 'export')
  for await (const letter of client.lines<DeadLetterView>(path, {}, aborted.signal)) {
    found.push(ofLetter(letter))
    if (found.length < limit) continue
    aborted.abort()
    break
  }
  return found
}

/** A dead letter in the form of a recent event: its failures are its attempts. */
function ofLetter(letter: DeadLetterView): Captured {
  const { stream, partition, offset, event, dataBase64, acceptedAtMs, trigger, failures } = letter
  const name = letter.function.split('@')[0] ?? ''
  const attempts = (
    failures as { attempt: number; stage?: string; version?: string; reason: string; message: string; atMs: number }[]
  )
    .filter(({ stage }) => stage !== 'sink')
    .map(({ attempt, version = 'latest', reason, message, atMs }) => ({
      ...{ attempt, version: `${name}@${version}`, outcome: 'failed', reason, error: message },
      ...{ startedAtMs: atMs, durationMs: 0 },
    }))
  const told = { trigger, functionRef: null, state: 'dead-letter', attempts, results: null, result: [], sinks: [] }
  return { stream, partition, offset, acceptedAtMs, event, dataBase64, triggers: [told] }
}

/** Oldest first: as they came. */
function fileOf(events: readonly Captured[]): string {
  const sorted = events.toSorted((a, b) => (a.acceptedAtMs ?? 0) - (b.acceptedAtMs ?? 0) || a.offset - b.offset)
  const first = { format: 'sluice-capture/1', capturedAtMs: Date.now(), events: sorted.length }
  return [first, ...sorted].map(line => `${JSON.stringify(line)}\n`).join('')
}

function write(file: string, text: string): void {
  try {
    // Events may hold anything: nobody else shall read them.
    writeFileSync(file, text, { mode: 0o600 })
  } catch (error) {
    throw new SluiceError('SLUICE_CLI_USAGE', `${file} cannot be written: ${messageOf(error)}`, { cause: error })
  }
}
