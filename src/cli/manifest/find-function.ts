import { existsSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { didYouMean } from '../../config/did-you-mean.ts'
import { namePattern } from '../../config/sections/name.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { shownPath } from '../shown-path.ts'
import {
  isGatewayConfiguration,
  manifestName,
  readManifests,
  type Manifests,
  type WantedFunction,
} from './read-manifests.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Code without a manifest: how it runs is said elsewhere. */
export type FoundFunction = Pick<WantedFunction, 'name' | 'entry' | 'directory' | 'files'> & {
  /** Of the manifest; undefined: the function was named by its file alone. */
  readonly definition: WantedFunction['definition'] | undefined
  readonly manifests: Manifests | undefined
}

/**
 * The function that a command is about, out of a manifest: the one of this name, or the only one.
 * @throws {SluiceError} SLUICE_CLI_USAGE when it is none or several; as {@link readManifests}.
 */
export function functionOfManifest(file: string, name: string | undefined, environment: Environment): FoundFunction {
  if (!existsSync(file)) {
    const message = `there is no ${shownPath(file)}: name the code with --file, or make a project with \`sluice init\``
    throw new SluiceError('SLUICE_CLI_USAGE', message)
  }
  const manifests = readManifests([file], environment)
  const names = [...manifests.functions.keys()]
  const [only] = names
  if (only === undefined) throw new SluiceError('SLUICE_CLI_USAGE', `${shownPath(file)} has no functions`)
  if (name === undefined && names.length > 1) {
    throw new SluiceError(
      'SLUICE_CLI_USAGE',
      `${shownPath(file)} has several functions, say which: ${names.join(', ')}`,
    )
  }
  const found = manifests.functions.get(name ?? only)
  if (found === undefined) {
    const hint = didYouMean(name ?? '', names)
    throw new SluiceError(
      'SLUICE_CLI_USAGE',
      `${shownPath(file)} has no function '${name}'${hint}; it has ${names.join(', ')}`,
    )
  }
  return { ...found, manifests }
}

/** The function whose code is this file: that of a manifest beside or above it, or one of its own. */
export function functionOfFile(file: string, name: string | undefined, environment: Environment): FoundFunction {
  const entry = resolve(file)
  if (!existsSync(entry)) throw new SluiceError('SLUICE_CLI_USAGE', `there is no file ${file}`)
  const project = projectOf(entry)
  const manifest = join(project, manifestName)
  if (existsSync(manifest) && !isGatewayConfiguration(manifest)) {
    const manifests = readManifests([manifest], environment)
    for (const wanted of manifests.functions.values()) {
      if (wanted.entry === entry && (name ?? wanted.name) === wanted.name) return { ...wanted, manifests }
    }
  }
  return {
    name: name ?? nameOfFile(entry),
    entry,
    directory: project,
    files: [],
    definition: undefined,
    manifests: undefined,
  }
}

/** The nearest folder with a manifest or a package; else that of the file. */
function projectOf(entry: string): string {
  for (let directory = dirname(entry); ; directory = dirname(directory)) {
    if (existsSync(join(directory, manifestName)) || existsSync(join(directory, 'package.json'))) return directory
    if (dirname(directory) === directory) return dirname(entry)
  }
}

/** price.ts → price; price/index.ts → price. */
function nameOfFile(entry: string): string {
  const stem = basename(entry, extname(entry))
  return nameFrom(stem === 'index' ? basename(dirname(entry)) : stem)
}

/** The nearest text that is allowed as a name. @throws {SluiceError} SLUICE_CLI_USAGE when nothing is left. */
export function nameFrom(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
  if (name === '') throw new SluiceError('SLUICE_CLI_USAGE', `'${text}' gives no name: say one`)
  return name
}

/** @throws {SluiceError} SLUICE_CLI_USAGE. */
export function assertName(name: string): string {
  if (new RegExp(namePattern).test(name)) return name
  const message = `'${name}' cannot be a name: a-z, 0-9 and dashes, beginning with a letter or digit, 63 at most`
  throw new SluiceError('SLUICE_CLI_USAGE', message)
}
