import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { placeOf, readConfigNode, type ConfigNode } from '../../config/config-node.ts'
import { formatProblem, sortProblems, type ConfigProblem } from '../../config/config-problem.ts'
import type { FunctionDefinition } from '../../config/sections/function-definition.ts'
import type { TriggerConfig } from '../../config/sections/trigger.ts'
import { validateNode } from '../../config/validate-node.ts'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import { countOf } from '../format-quantity.ts'
import { shownPath } from '../shown-path.ts'
import { checkManifest } from './check-manifest.ts'
import { manifestJsonSchema, type AliasTarget, type FunctionManifest, type ManifestFile } from './manifest-schema.ts'

/** The manifest of a function project. */
export const manifestName = 'sluice.yaml'

/** A function as it shall be, before its code is bundled. */
export interface WantedFunction {
  readonly name: string
  /** Absolute path of the module. */
  readonly entry: string
  /** Absolute path of the folder of the manifest. */
  readonly directory: string
  readonly files: readonly string[]
  readonly definition: FunctionDefinition
  readonly publish: { readonly description: string; readonly labels: Readonly<Record<string, string>> } | undefined
  readonly aliases: ReadonlyMap<string, AliasTarget>
  /** Name of the manifest that it stands in. */
  readonly manifest: string
}

export interface WantedTrigger {
  readonly name: string
  readonly definition: TriggerConfig
  readonly manifest: string
}

/** What all files together want. */
export interface Manifests {
  /** Names of the manifests. */
  readonly names: readonly string[]
  readonly functions: ReadonlyMap<string, WantedFunction>
  readonly triggers: ReadonlyMap<string, WantedTrigger>
  /** `file:line:column` of a field, as in `place('triggers', 'alert', 'stream')`. */
  place(section: 'functions' | 'triggers', name: string, ...path: readonly (string | number)[]): string
}

/**
 * Reads manifests.
 * @param paths files, or folders: all YAML files in them, and each sluice.yaml of the folders below.
 * @throws {SluiceError} SLUICE_CONFIG_UNREADABLE; SLUICE_CONFIG_INVALID with all problems of all files at once, one per line
 *   as `file:line:column: path: message`.
 */
export function readManifests(
  paths: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Manifests {
  const reader = new ManifestReader(environment)
  for (const file of new Set(paths.flatMap(path => manifestFiles(resolve(path))))) reader.read(file)
  return reader.finish()
}

class ManifestReader {
  readonly #environment: Readonly<Record<string, string | undefined>>
  readonly #problems: string[] = []
  readonly #names = new Set<string>()
  readonly #functions = new Map<string, WantedFunction>()
  readonly #triggers = new Map<string, WantedTrigger>()
  readonly #roots = new Map<string, { readonly file: string; readonly root: ConfigNode }>()

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.#environment = environment
  }

  read(file: string): void {
    const problems: ConfigProblem[] = []
    const root = readConfigNode(readText(file), this.#environment, problems)
    const value = root === undefined ? undefined : (validateNode(manifestJsonSchema, root, problems) as ManifestFile)
    if (root !== undefined && value !== undefined) {
      if (problems.length === 0) this.#take(file, root, value, problems)
      else if (looksLikeGateway(root)) {
        const message = `this is the configuration of a gateway (sluice start --config ${shownPath(file)}); a manifest has functions and triggers`
        problems.splice(0, problems.length, { line: 1, column: 1, path: '', message })
      }
    }
    this.#problems.push(...sortProblems(problems).map(problem => formatProblem(shownPath(file), problem)))
  }

  #take(file: string, root: ConfigNode, value: ManifestFile, problems: ConfigProblem[]): void {
    const directory = dirname(file)
    const manifest = value.name ?? defaultName(file)
    this.#names.add(manifest)
    checkManifest(value, directory, (path, message) =>
      problems.push({ ...placeOf(root, path), path: path.join('.'), message }),
    )
    for (const [name, section] of Object.entries(value.functions)) {
      this.#once('functions', name, file, root, problems)
      this.#functions.set(name, wantedFunction(name, section, directory, manifest))
    }
    for (const [name, definition] of Object.entries(value.triggers)) {
      this.#once('triggers', name, file, root, problems)
      this.#triggers.set(name, { name, definition, manifest })
    }
  }

  #once(section: string, name: string, file: string, root: ConfigNode, problems: ConfigProblem[]): void {
    const key = `${section} ${name}`
    const other = this.#roots.get(key)
    if (other === undefined) return void this.#roots.set(key, { file, root })
    const { line } = placeOf(other.root, [section, name])
    const message = `stands in ${shownPath(other.file)}:${line}, too`
    problems.push({ ...placeOf(root, [section, name]), path: `${section}.${name}`, message })
  }

  finish(): Manifests {
    if (this.#problems.length > 0) {
      const message = `${countOf(this.#problems.length, 'problem')} in the manifest:\n${this.#problems.join('\n')}`
      throw new SluiceError('SLUICE_CONFIG_INVALID', message)
    }
    return {
      names: [...this.#names],
      functions: this.#functions,
      triggers: this.#triggers,
      place: (section, name, ...path) => {
        const at = this.#roots.get(`${section} ${name}`)
        if (at === undefined) return name
        const { line, column } = placeOf(at.root, [section, name, ...path])
        return `${shownPath(at.file)}:${line}:${column}`
      },
    }
  }
}

function wantedFunction(
  name: string,
  { file, files, publish, aliases, ...definition }: FunctionManifest,
  directory: string,
  manifest: string,
): WantedFunction {
  const publication = publish === true ? { description: '', labels: {} } : publish
  return {
    name,
    entry: resolve(directory, file),
    directory,
    files,
    definition,
    publish: publication === false ? undefined : publication,
    aliases: new Map(Object.entries(aliases)),
    manifest,
  }
}

function manifestFiles(path: string): readonly string[] {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined)
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `there is no file or folder ${shownPath(path)}`)
  if (!stats.isDirectory()) return [path]
  const files: string[] = []
  const walk = (directory: string, isTop: boolean): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue
      if (entry.isDirectory()) walk(join(directory, entry.name), false)
      else if (isTop ? /\.ya?ml$/.test(entry.name) : entry.name === manifestName)
        files.push(join(directory, entry.name))
    }
  }
  walk(path, true)
  if (files.length === 0) {
    throw new SluiceError(
      'SLUICE_CONFIG_UNREADABLE',
      `${shownPath(path)} has no YAML file, and no folder below it a ${manifestName}`,
    )
  }
  return files
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `${shownPath(file)} cannot be read: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** Of the folder for sluice.yaml, of the file for others. */
function defaultName(file: string): string {
  const name = basename(file) === manifestName ? basename(dirname(file)) : basename(file).replace(/\.ya?ml$/, '')
  return (
    name
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 128) || 'manifest'
  )
}

const gatewaySections = ['http', 'mqtt', 'kafka', 'sources', 'sinks', 'streams', 'dataDir', 'mode', 'api']

/** Whether a file configures a gateway: it may be called sluice.yaml, too, and has functions and triggers. */
export function isGatewayConfiguration(file: string): boolean {
  const root = readConfigNode(readText(file), {}, [])
  return root !== undefined && looksLikeGateway(root)
}

const looksLikeGateway = (root: ConfigNode): boolean =>
  root.kind === 'map' && gatewaySections.some(section => root.entries.has(section))
