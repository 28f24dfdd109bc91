import { Argument, type Command } from 'commander'
import { completeWords } from '../completion/complete-words.ts'
import { completionScripts, type Shell } from '../completion/completion-scripts.ts'
import { createNameLookup } from '../completion/look-up-names.ts'
import type { CommandIo } from '../command-io.ts'
import { clientOf } from './api-command.ts'

/** `sluice completion`: the script for a shell, and the command that it asks. */
export function addCompletionCommand(program: Command, io: CommandIo): void {
  program
    .command('completion')
    .description('print a script that completes commands, options and names')
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(completionScripts)))
    .addHelpText(
      'after',
      `
Names (functions, triggers, streams …) are those of the gateway of SLUICE_URL.

Examples:
  source <(sluice completion bash)          # in ~/.bashrc
  source <(sluice completion zsh)           # in ~/.zshrc, after compinit
  sluice completion fish > ~/.config/fish/completions/sluice.fish`,
    )
    .action((shell: Shell) => io.out(completionScripts[shell]))

  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .helpOption(false)
    .action(async (words: readonly string[]) => {
      const url = valueOf(words, '--url') ?? (io.environment.SLUICE_URL || 'http://127.0.0.1:8080')
      const token = valueOf(words, '--token')
      const client = clientOf({ url, ...(token === undefined ? {} : { token }) }, io)
      const candidates = await completeWords(program, words, createNameLookup(client))
      io.out(
        candidates
          .map(({ value, description }) => (description === '' ? `${value}\n` : `${value}\t${description}\n`))
          .join(''),
      )
    })
}

/** The value that an option was given before. */
function valueOf(words: readonly string[], option: string): string | undefined {
  const at = words.indexOf(option)
  return at < 0 || at >= words.length - 2 ? undefined : words[at + 1]
}
