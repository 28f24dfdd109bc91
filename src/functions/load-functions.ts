import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { extname } from 'node:path'
import type { Config } from '../config/config.ts'
import type { FunctionDefinition } from '../config/sections/function-definition.ts'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import type { CodeRef } from './code-ref.ts'
import { versionHash } from './version-hash.ts'

/** A module beyond this is a mistake: bundles with all their dependencies stay below 10 MiB. */
const maxModuleBytes = 16 * 1024 * 1024

/** What Node runs as an ES module. TypeScript is stripped of its types, outside of node_modules only. */
const moduleExtensions = new Set(['.js', '.mjs', '.ts', '.mts'])

/** A function of the configuration: its code stays where the user has it. */
export interface DeclaredFunction {
  readonly name: string
  readonly code: Extract<CodeRef, { kind: 'file' }>
  readonly definition: FunctionDefinition
  /** Of code and definition, see {@link versionHash}. */
  readonly hash: string
}

/**
 * Reads the code of the functions of the configuration and hashes it. Whether a module parses and exports its handler is
 * told by the worker that loads it.
 * @throws {SluiceError} SLUICE_FUNCTIONS_LOAD with all problems at once, each naming the function and its place in the
 *   configuration; `details.problems` has them one by one.
 */
export function loadFunctions(config: Pick<Config, 'functions' | 'place'>): ReadonlyMap<string, DeclaredFunction> {
  const declared = new Map<string, DeclaredFunction>()
  const problems: string[] = []
  for (const [name, { file, ...definition }] of config.functions) {
    try {
      const code = readModule(file)
      declared.set(name, { name, code, definition, hash: versionHash(definition, code) })
    } catch (error) {
      problems.push(`${config.place('functions', name, 'file')}: function '${name}': ${messageOf(error)}`)
    }
  }
  if (problems.length > 0) {
    throw new SluiceError('SLUICE_FUNCTIONS_LOAD', problems.join('\n'), { details: { problems } })
  }
  return declared
}

function readModule(file: string): DeclaredFunction['code'] {
  const extension = extname(file)
  if (!moduleExtensions.has(extension)) {
    throw new TypeError(`${file} is no ES module: its name must end in ${[...moduleExtensions].join(', ')}`)
  }
  const stats = statSync(file, { throwIfNoEntry: false })
  if (stats === undefined) throw new Error(`there is no file ${file}`)
  if (!stats.isFile()) throw new Error(`${file} is not a file`)
  if (stats.size > maxModuleBytes)
    throw new Error(`${file} has ${stats.size} bytes; at most ${maxModuleBytes} are loaded`)
  const code = readFileSync(file)
  return { kind: 'file', path: file, hash: createHash('sha256').update(code).digest('hex'), bytes: code.length }
}
