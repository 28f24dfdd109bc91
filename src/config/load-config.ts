import { readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import { checkReferences } from './check-references.ts'
import { joinPath, placeOf, readConfigNode } from './config-node.ts'
import { formatProblem, sortProblems, type ConfigProblem } from './config-problem.ts'
import type { Config } from './config.ts'
import { resolveConfig } from './resolve-config.ts'
import { configJsonSchema, type ConfigFile, type SourceConfig } from './schema.ts'
import type { BindingConfig } from './sections/binding.ts'
import { streamSchema, type StreamConfig } from './sections/stream.ts'
import type { JsonSchema } from './json-schema.ts'
import { validateNode } from './validate-node.ts'

export interface LoadConfigOptions {
  /** What `${NAME}` reads. Default: process.env. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** What command-line flags set: they win over the file, and become part of the same object. */
  readonly overrides?: ConfigOverrides
}

export interface ConfigOverrides {
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly mqttPort?: number | undefined
  /** Relative to the working directory, as paths on a command line are. */
  readonly dataDir?: string | undefined
  readonly logLevel?: string | undefined
}

/**
 * Reads a configuration file and everything it refers to by name.
 * @throws {SluiceError} SLUICE_CONFIG_UNREADABLE; SLUICE_CONFIG_INVALID with all problems at once, in the message one
 *   per line as `file:line:column: path: message`, and in `details.problems`.
 */
export function loadConfig(path: string, options: LoadConfigOptions = {}): Config {
  const file = resolve(path)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const message = `${shownPath(file)}: the configuration cannot be read (${messageOf(error)}); name another with --config`
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', message, { cause: error })
  }
  return parseConfig(text, file, options)
}

/** As {@link loadConfig}, for a text that was read before. @param file absolute path: relative paths start from it. */
export function parseConfig(text: string, file: string, options: LoadConfigOptions = {}): Config {
  const shown = shownPath(file)
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  const root = readConfigNode(text, options.environment ?? process.env, problems)
  const value = root === undefined ? undefined : (validateNode(configJsonSchema, root, problems) as ConfigFile)
  const fail = (): never => {
    const lines = sortProblems(problems).map(problem => formatProblem(shown, problem))
    const message = [`${lines.length} problem${lines.length === 1 ? '' : 's'} in the configuration:`, ...lines].join(
      '\n',
    )
    throw new SluiceError('SLUICE_CONFIG_INVALID', message, { details: { problems: sortProblems(problems) } })
  }
  if (root === undefined || value === undefined) return fail()

  const collect = (list: (problem: ConfigProblem) => void) => (at: readonly (string | number)[], message: string) =>
    list({ ...placeOf(root, at), path: showPath(at), message })
  if (problems.length === 0) applyOverrides(value, options.overrides ?? {})
  // References are checked even when fields are wrong: all problems at once.
  checkReferences(
    problems.length === 0 ? value : withoutBroken(value),
    collect(problem => problems.push(problem)),
    collect(problem => warnings.push(formatProblem(shown, problem))),
  )
  if (problems.length > 0) return fail()

  return resolveConfig(value, {
    file,
    warnings,
    streamDefaults: validateNode(streamSchema as unknown as JsonSchema, emptyMap, []) as StreamConfig,
    place: (...at) => {
      const { line, column } = placeOf(root, at)
      return `${shown}:${line}:${column}`
    },
  })
}

const emptyMap = { kind: 'map', line: 1, column: 1, entries: new Map() } as const

function applyOverrides(value: ConfigFile, overrides: ConfigOverrides): void {
  const { host, port, mqttPort, dataDir, logLevel } = overrides
  if (host !== undefined) value.http.host = host
  if (port !== undefined) value.http.port = port
  if (mqttPort !== undefined) value.mqtt.port = mqttPort
  if (dataDir !== undefined) value.dataDir = resolve(dataDir)
  if (logLevel !== undefined) value.logging.level = logLevel as ConfigFile['logging']['level']
}

/**
 * What is left of a file with problems. A source that cannot be read stands as one of its own name, so that what refers
 * to it is not reported on top.
 */
function withoutBroken(value: ConfigFile): ConfigFile {
  const named = <Section>(
    sections: Record<string, Section> | undefined,
    standIn?: Section,
  ): Record<string, Section> => {
    const kept = Object.create(null) as Record<string, Section>
    for (const [name, section] of Object.entries(sections ?? {})) {
      const usable = section ?? standIn
      if (usable !== undefined) kept[name] = usable
    }
    return kept
  }
  const triggers = named(value.triggers)
  for (const trigger of Object.values(triggers)) trigger.sinks = (trigger.sinks as string[] | undefined) ?? []
  const standIn = { type: 'mqtt', topics: [], enabled: false } as unknown as SourceConfig
  return {
    ...value,
    mqtt: value.mqtt ?? { enabled: true },
    streams: named(value.streams),
    sources: named(value.sources, standIn),
    secrets: named(value.secrets, ''),
    bindings: named(value.bindings, { type: 'http' } as BindingConfig),
    functions: value.functions ?? {},
    sinks: value.sinks ?? {},
    triggers,
  }
}

function showPath(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (shown, step) => (typeof step === 'number' ? `${shown}[${step}]` : joinPath(shown, step)),
    '',
  )
}

/** Relative when that is shorter and inside the working directory. */
function shownPath(file: string): string {
  const short = relative(process.cwd(), file)
  return short.startsWith('..') || short === '' ? file : short
}
