import { type Command, Option } from 'commander'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { ApiQuery } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { pointInTime } from '../option-parsers.ts'

/** Which letters are meant. */
export interface LetterFlags {
  readonly since?: number
  readonly until?: number
  readonly key?: string
  readonly event?: string
  readonly stage?: string
  readonly reason?: string
  readonly function?: string
  readonly ranBy?: string
  readonly text?: string
}

/** Adds what letters can be chosen by. */
export function withLetterFlags(command: Command): Command {
  return command
    .option('--since <when>', 'dead since then: 10m (ago) or a time', pointInTime())
    .option('--until <when>', 'dead before then: 10m (ago) or a time', pointInTime())
    .option('--key <key>', 'ordering key of the event')
    .option('--event <id>', 'id of the event')
    .addOption(new Option('--stage <stage>', 'what failed').choices(['source', 'handler', 'sink']))
    .option('--reason <reason>', 'last reason, such as error or timeout')
    .option('--function <function>', 'function that ran the last attempt')
    .option('--ran-by <version>', 'version that ran the last attempt: latest or a number')
    .option('--text <text>', 'part of the message')
}

/** The fields of a filter as the API has them; what is not said is undefined. */
export function letterFilter(flags: LetterFlags): ApiQuery {
  const { since, until, key, event: eventId, stage, reason, function: functionName, ranBy: version, text } = flags
  return { from: since, to: until, key, eventId, stage, reason, function: functionName, version, text }
}

export const isFiltered = (flags: LetterFlags): boolean =>
  Object.values(letterFilter(flags)).some(value => value !== undefined)

/** What of a trigger's letters is meant: some by their ids, those of a filter, or all. */
export interface LetterChoice extends LetterFlags {
  readonly all?: boolean
}

/** @throws {SluiceError} SLUICE_CLI_USAGE unless exactly one of ids, filter and --all is given. */
export function assertOneChoice(ids: readonly number[], choice: LetterChoice): void {
  const given = [ids.length > 0, isFiltered(choice), choice.all === true].filter(Boolean).length
  if (given === 1) return
  throw new SluiceError('SLUICE_CLI_USAGE', 'say which: ids, or a filter such as --reason timeout, or --all')
}

/** What is meant, in words, for questions and answers. */
export function choiceText(flags: LetterFlags): string {
  const named = Object.entries(letterFilter(flags)).filter(([, value]) => value !== undefined)
  if (named.length === 0) return 'all'
  const words = named.map(
    ([name, value]) => `${name} ${timeFields.has(name) ? new Date(Number(value)).toISOString() : String(value)}`,
  )
  return words.join(', ')
}

const timeFields = new Set(['from', 'to'])

/** @throws {SluiceError} SLUICE_CLI_DECLINED when a person says no, SLUICE_CLI_USAGE when nobody is there to ask. */
export async function confirm(
  io: CommandIo,
  question: string,
  { yes, json }: { readonly yes?: boolean; readonly json?: boolean },
): Promise<void> {
  if (yes === true) return
  const answer = json === true ? undefined : await io.ask(question)
  if (answer === undefined)
    throw new SluiceError('SLUICE_CLI_USAGE', 'nobody is here to ask: say --yes, or look with --dry-run')
  if (!/^y(es)?$/i.test(answer.trim())) throw new SluiceError('SLUICE_CLI_DECLINED', 'nothing was done')
}

/** A parser for ids of letters. */
export const letterId = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new SluiceError(
    'SLUICE_CLI_USAGE',
    `'${text}' is no id of a dead letter: it is a number, the first column of the list`,
  )
}
