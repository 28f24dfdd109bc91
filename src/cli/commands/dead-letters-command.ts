import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import type { DeadLetterDeletionView, DeadLetterPage, DeadLetterView } from '../../api/views/dead-letter-view.ts'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, type ApiClient, type ApiQuery } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { countOf, groupDigits } from '../format-quantity.ts'
import { formatTable } from '../format-table.ts'
import { wholeNumber } from '../option-parsers.ts'
import { withProgress } from '../progress.ts'
import { deadLetterColumns, formatDeadLetter } from '../reports/dead-letter-report.ts'
import { clientOf, printJson, printJsonLine, withApiOptions, type ApiCommandOptions } from './api-command.ts'
import {
  assertOneChoice,
  choiceText,
  confirm,
  letterFilter,
  letterId,
  withLetterFlags,
  type LetterChoice,
  type LetterFlags,
} from './dead-letter-flags.ts'
import { addRedriveCommands } from './redrive-commands.ts'

type ListOptions = ApiCommandOptions & LetterFlags & { readonly limit: number; readonly before?: number }

/** `sluice dead-letters`: list, show, export, delete and redrive events that used up their attempts. */
export function addDeadLettersCommand(program: Command, io: CommandIo, setExitCode: (code: number) => void): void {
  const group = withListOptions(
    program
      .command('dead-letters')
      .description('events that used up their attempts: list, show, export, delete, redrive'),
    io,
  )
    .enablePositionalOptions()
    .argument('[trigger]', 'list those of this trigger, or of source:<name>')
    .addHelpText(
      'after',
      `
Those of a source are of messages that could not become events.

Examples:
  sluice dead-letters alert --limit 10
  sluice dead-letters list alert --since 1h --reason timeout
  sluice dead-letters show alert 17
  sluice dead-letters export alert --output letters.ndjson
  sluice dead-letters delete alert --key device-7 --dry-run
  sluice dead-letters redrive alert --since 1h --rate 100`,
    )
    .action(async (trigger: string | undefined, options: ListOptions) => {
      if (trigger === undefined) throw new SluiceError('SLUICE_CLI_USAGE', 'name a trigger, or source:<name>')
      await list(io, trigger, options)
    })

  withListOptions(group.command('list <trigger>').description('the newest, as a table'), io)
    .addHelpText(
      'after',
      `\nExamples:\n  sluice dead-letters list alert --stage sink\n  sluice dead-letters list source:orders --json`,
    )
    .action((trigger: string, options: ListOptions) => list(io, trigger, options))

  withApiOptions(group.command('show <trigger> <id>').description('one with its event and every attempt'), io)
    .option('--json', 'print JSON, with all bytes')
    .addHelpText(
      'after',
      `\nExamples:\n  sluice dead-letters show alert 17\n  sluice dead-letters show alert 17 --json | jq -r .dataBase64 | base64 -d`,
    )
    .action(async (trigger: string, id: string, options: ApiCommandOptions) => {
      const path = apiPath('triggers', trigger, 'dead-letters', letterId(id))
      const view = await clientOf(options, io).json<DeadLetterView>('GET', path)
      if (options.json === true) return printJson(io, view)
      io.out(formatDeadLetter(view, io.terminal))
    })

  withLetterFlags(
    withApiOptions(group.command('export <trigger>').description('one JSON object per line, with all bytes'), io),
  )
    .option('-o, --output <file>', 'write to this file instead of the output')
    .addHelpText(
      'after',
      `
Oldest first. Ends with 1 when the connection breaks: letters are missing then.

Examples:
  sluice dead-letters export alert --output letters.ndjson
  sluice dead-letters export alert --reason error | jq -r '.event.id'`,
    )
    .action(async (trigger: string, options: ApiCommandOptions & LetterFlags & { readonly output?: string }) => {
      const { output } = options
      const client = clientOf(options, io)
      const count = await withProgress(
        io,
        `exporting dead letters of ${trigger}`,
        exportLetters(client, trigger, letterFilter(options), output, letter => printJsonLine(io, letter)),
      )
      if (output !== undefined) io.out(`${countOf(count, 'dead letter')} in ${output}\n`)
    })

  withLetterFlags(
    withApiOptions(
      group.command('delete <trigger> [ids...]').description('delete some, those of a filter, or all'),
      io,
    ),
  )
    .option('--all', 'all of the trigger')
    .option('--dry-run', 'only tell how many')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Their events are gone then. Letters that are part of a redrive stay.

Examples:
  sluice dead-letters delete alert 17 18
  sluice dead-letters delete alert --until 30d --dry-run
  sluice dead-letters delete alert --all --yes`,
    )
    .action(async (trigger: string, ids: readonly string[], options: DeleteOptions) =>
      deleteLetters(io, trigger, ids.map(letterId), options),
    )
  addRedriveCommands(group, io, setExitCode)
}

type DeleteOptions = ApiCommandOptions & LetterChoice & { readonly dryRun?: boolean; readonly yes?: boolean }

function withListOptions(command: Command, io: CommandIo): Command {
  return withLetterFlags(withApiOptions(command, io))
    .option('--limit <count>', 'the newest so many, 1 to 500', wholeNumber(1, 500), 50)
    .option('--before <id>', 'only letters older than this id', wholeNumber(1))
    .option('--json', 'print JSON, with the events')
}

async function list(io: CommandIo, trigger: string, options: ListOptions): Promise<void> {
  const { limit, before } = options
  const path = apiPath('triggers', trigger, 'dead-letters')
  const query = { ...letterFilter(options), limit, before }
  const page = await clientOf(options, io).json<DeadLetterPage>('GET', path, { query })
  if (options.json === true) return printJson(io, page)
  const { items, matching, total, next } = page
  const ofAll = matching === total ? '' : ` of ${countOf(total, 'dead letter')}`
  if (items.length === 0) return io.out(total === 0 ? 'no dead letters\n' : `none${ofAll} of ${trigger} matches\n`)
  io.out(formatTable(deadLetterColumns, items, io.terminal))
  if (matching !== total) io.out(`${groupDigits(matching)}${ofAll} match\n`)
  if (next !== null) io.out(`${groupDigits(matching)} in all; older ones: --before ${next}\n`)
}

async function exportLetters(
  client: ApiClient,
  trigger: string,
  query: ApiQuery,
  file: string | undefined,
  print: (letter: DeadLetterView) => void,
): Promise<number> {
  const path = apiPath('triggers', trigger, 'dead-letters', 'export')
  const letters = client.lines<DeadLetterView>(path, query, new AbortController().signal)
  let count = 0
  if (file === undefined) {
    for await (const letter of letters) {
      print(letter)
      count++
    }
    return count
  }
  const lines = async function* (): AsyncGenerator<string> {
    for await (const letter of letters) {
      yield `${JSON.stringify(letter)}\n`
      count++
    }
  }
  try {
    await pipeline(lines, createWriteStream(file))
  } catch (error) {
    if (error instanceof SluiceError) throw error
    throw new SluiceError('SLUICE_CLI_USAGE', `${file} cannot be written: ${messageOf(error)}`, { cause: error })
  }
  return count
}

async function deleteLetters(
  io: CommandIo,
  trigger: string,
  ids: readonly number[],
  options: DeleteOptions,
): Promise<void> {
  assertOneChoice(ids, options)
  const client = clientOf(options, io)
  if (ids.length > 0) return deleteSome(io, client, trigger, ids, options)
  const path = apiPath('triggers', trigger, 'dead-letters')
  const query = { ...letterFilter(options), ...(options.all === true ? { all: true } : {}) }
  const remove = (dryRun: boolean): Promise<DeadLetterDeletionView> =>
    client.json('DELETE', path, { query: { ...query, dryRun }, timeoutMs: Infinity })
  const plan = await remove(true)
  if (options.dryRun === true) {
    if (options.json === true) return printJson(io, plan)
    return io.out(`would delete ${countOf(plan.matching, 'dead letter')} of ${trigger} (${choiceText(options)})\n`)
  }
  const what = `${countOf(plan.matching, 'dead letter')} of ${trigger} (${choiceText(options)})`
  if (plan.matching > 0) await confirm(io, `Delete ${what}? Their events are gone then. [y/N] `, options)
  const done = await withProgress(io, `deleting ${what}`, remove(false))
  if (options.json === true) return printJson(io, done)
  io.out(`Deleted ${countOf(done.deleted, 'dead letter')} of ${trigger}.\n`)
}

async function deleteSome(
  io: CommandIo,
  client: ApiClient,
  trigger: string,
  ids: readonly number[],
  options: DeleteOptions,
): Promise<void> {
  const path = (id: number): string => apiPath('triggers', trigger, 'dead-letters', id)
  // All are there, or none is deleted.
  for (const id of ids) await client.json<DeadLetterView>('GET', path(id))
  const plan: DeadLetterDeletionView = { dryRun: true, matching: ids.length, deleted: 0 }
  if (options.dryRun === true) {
    if (options.json === true) return printJson(io, plan)
    return io.out(`would delete ${countOf(ids.length, 'dead letter')} of ${trigger}: ${ids.join(', ')}\n`)
  }
  for (const id of ids) await client.json('DELETE', path(id))
  if (options.json === true) return printJson(io, { ...plan, dryRun: false, deleted: ids.length })
  io.out(`Deleted ${countOf(ids.length, 'dead letter')} of ${trigger}: ${ids.join(', ')}.\n`)
}
