import type { Argument, Command, Option } from 'commander'

/** One candidate; the description is shown by shells that can. */
export interface Candidate {
  readonly value: string
  readonly description: string
}

/** Names of the gateway that may stand in a place. */
export type NameKind = 'function' | 'trigger' | 'stream' | 'sink' | 'alias' | 'version'

/** Asks for names; none when the gateway is away. `functionName` is the function that was named before. */
export type NameLookup = (
  kind: NameKind,
  typed: string,
  functionName: string | undefined,
) => Promise<readonly Candidate[]>

/** Tells the shell to complete file names. */
export const fileMark = ':file'

/** What places are called, and what may stand in them. */
const kinds: Readonly<Record<string, NameKind | 'file'>> = {
  function: 'function',
  trigger: 'trigger',
  what: 'trigger',
  stream: 'stream',
  sink: 'sink',
  alias: 'alias',
  version: 'version',
  'version[=weight]': 'version',
  file: 'file',
  path: 'file',
  entry: 'file',
  dir: 'file',
}

/**
 * Candidates for the last word. Only what a person may want there: subcommands and names, or options once a dash is typed.
 * @param words what stands behind `sluice`, the last one is being typed (and may be empty).
 */
export async function completeWords(
  program: Command,
  words: readonly string[],
  lookup: NameLookup,
): Promise<readonly Candidate[]> {
  const typed = words.at(-1) ?? ''
  const { command, operands, open } = walk(program, words.slice(0, -1))
  const functionName = operands[0]?.split('@', 1)[0]
  const offer = async (place: string, choices: readonly string[] | undefined): Promise<readonly Candidate[]> => {
    if (choices !== undefined) return choices.map(value => ({ value, description: '' }))
    const kind = kinds[place]
    if (kind === undefined) return []
    return kind === 'file' ? [{ value: fileMark, description: '' }] : lookup(kind, typed, functionName)
  }
  if (open !== undefined) return matching(await offer(placeOf(open), open.argChoices), typed)
  if (typed.startsWith('-')) return matching(optionsOf(command), typed)
  const subcommands =
    operands.length > 0
      ? []
      : command
          .createHelp()
          .visibleCommands(command)
          .map(sub => ({ value: sub.name(), description: firstLine(sub.description()) }))
  const argument = argumentAt(command, operands.length)
  const names = argument === undefined ? [] : await offer(argument.name(), argument.argChoices)
  return matching([...subcommands, ...names], typed)
}

interface Walked {
  readonly command: Command
  readonly operands: readonly string[]
  /** The option whose value is being typed. */
  readonly open: Option | undefined
}

function walk(program: Command, words: readonly string[]): Walked {
  let command = program
  let operands: string[] = []
  let open: Option | undefined
  for (const word of words) {
    if (open !== undefined) open = undefined
    else if (word.startsWith('-') && word !== '-') {
      const option = command.options.find(({ long, short }) => long === word || short === word)
      open = option !== undefined && (option.required || option.optional) ? option : undefined
    } else {
      const sub = operands.length === 0 ? command.commands.find(one => one.name() === word) : undefined
      if (sub === undefined) operands.push(word)
      else {
        command = sub
        operands = []
      }
    }
  }
  return { command, operands, open }
}

/** `--stream <stream>` → stream. */
const placeOf = (option: Option): string => /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] ?? ''

function argumentAt(command: Command, index: number): Argument | undefined {
  const last = command.registeredArguments.at(-1)
  return command.registeredArguments[index] ?? (last?.variadic === true ? last : undefined)
}

const optionsOf = (command: Command): readonly Candidate[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .map(({ long, short, description }) => ({ value: long ?? short ?? '', description: firstLine(description) }))

const matching = (candidates: readonly Candidate[], typed: string): readonly Candidate[] =>
  candidates.filter(({ value }) => value === fileMark || value.startsWith(typed))

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''
