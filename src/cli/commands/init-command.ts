import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import type { CommandIo } from '../command-io.ts'
import { formatFields } from '../format-table.ts'
import { projectFiles, type ProjectFile } from '../init/project-files.ts'
import { templates, type TemplateName } from '../init/templates.ts'
import { assertName, nameFrom } from '../manifest/find-function.ts'

interface InitOptions {
  readonly name?: string
  readonly template: TemplateName
}

/** `sluice init`: a function project that runs. What is there already stays as it is. */
export function addInitCommand(program: Command, io: CommandIo): void {
  program
    .command('init')
    .description('make a new function project')
    .argument('[dir]', 'its folder', '.')
    .addOption(new Option('--template <kind>', 'what it does').choices(Object.keys(templates)).default('stream'))
    .option('--name <function>', 'name of the function; default: of the folder')
    .addHelpText(
      'after',
      `
Templates: ${Object.entries(templates)
        .map(([name, { summary }]) => `${name} (${summary})`)
        .join(', ')}. Files that are there are never overwritten.

Examples:
  sluice init price --template http
  sluice init functions/nightly --template schedule --name nightly-report`,
    )
    .action((dir: string, options: InitOptions) => {
      const folder = resolve(dir)
      const name = options.name === undefined ? nameFrom(basename(folder)) : assertName(options.name)
      const files = projectFiles(name, options.template)
      const made = files.filter(file => write(folder, file))
      const kept = files.filter(file => !made.includes(file))
      const shown = relative(process.cwd(), folder) || '.'
      if (made.length > 0) {
        io.out(`Function ${name} in ${shown}:\n`)
        io.out(formatFields(made.filter(({ purpose }) => purpose !== '').map(file => [`  ${file.name}`, file.purpose])))
      }
      if (kept.length > 0) io.err(`Kept as they were: ${kept.map(file => file.name).join(', ')}\n`)
      const enter = shown === '.' ? '' : `  cd ${shown}\n`
      io.out(`
Next:
${enter}  npm test
  sluice deploy
  sluice invoke ${name} --file event.json --content-type application/cloudevents+json --logs
  sluice dev --stream <stream>      # on real events; sluice streams lists them
`)
    })
}

/** @throws {SluiceError} SLUICE_CLI_USAGE when the folder cannot be written. */
function write(folder: string, { name, text }: ProjectFile): boolean {
  const file = join(folder, name)
  if (existsSync(file)) return false
  try {
    mkdirSync(folder, { recursive: true })
    // Another program may make it in this moment: then it is theirs.
    writeFileSync(file, text, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && existsSync(file)) return false
    throw new SluiceError('SLUICE_CLI_USAGE', `${file} cannot be written: ${messageOf(error)}`, { cause: error })
  }
}
