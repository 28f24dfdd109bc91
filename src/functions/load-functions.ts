import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import type { Config } from '../config/config.ts'
import type { FunctionConfig } from '../config/sections/function.ts'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import type { FunctionVersion } from './function-version.ts'

/** A module beyond this is a mistake: bundles with all their dependencies stay below 10 MiB. */
const maxModuleBytes = 16 * 1024 * 1024

/** What Node runs as an ES module. TypeScript is stripped of its types, outside of node_modules only. */
const moduleExtensions = new Set(['.js', '.mjs', '.ts', '.mts'])

/**
 * Turns the functions of the configuration into versions: defaults complete, code hashed. Whether a module parses and
 * exports its handler is told by the worker that loads it.
 * @throws {SluiceError} SLUICE_FUNCTIONS_LOAD with all problems at once, each naming the function and its place in the
 *   configuration; `details.problems` has them one by one.
 */
export function loadFunctions(config: Pick<Config, 'functions' | 'place'>): ReadonlyMap<string, FunctionVersion> {
  const versions = new Map<string, FunctionVersion>()
  const problems: string[] = []
  for (const [name, section] of config.functions) {
    try {
      versions.set(name, versionOf(name, section, readModule(section.file)))
    } catch (error) {
      problems.push(`${config.place('functions', name, 'file')}: function '${name}': ${messageOf(error)}`)
    }
  }
  if (problems.length > 0) {
    throw new SluiceError('SLUICE_FUNCTIONS_LOAD', problems.join('\n'), { details: { problems } })
  }
  return versions
}

/** The whole definition of one function with the hash of its code. Pure but for the number of cores. */
export function versionOf(name: string, section: FunctionConfig, code: Buffer): FunctionVersion {
  const { scaling, retry } = section
  const maxWorkers = scaling.maxWorkers ?? Math.max(2, availableParallelism(), scaling.minWorkers)
  if (scaling.minWorkers > maxWorkers) {
    throw new RangeError(`scaling.minWorkers (${scaling.minWorkers}) is above scaling.maxWorkers (${maxWorkers})`)
  }
  const definition = {
    name,
    version: 'latest',
    file: section.file,
    handler: section.handler,
    environment: section.environment,
    secrets: section.secrets,
    timeoutMs: section.timeoutMs,
    concurrency: section.concurrency,
    memoryMiB: section.memoryMiB,
    maxResultBytes: section.maxResultBytes,
    ...(section.batch === undefined ? {} : { batch: section.batch }),
    retry: { ...retry },
    scaling: { ...scaling, maxWorkers },
  }
  return Object.freeze({ ...definition, hash: hashOf(definition, code) })
}

/** SHA-256 over code and definition: the same whatever the order in which the file names its fields. */
function hashOf(definition: object, code: Buffer): string {
  const hash = createHash('sha256')
  // The length keeps the two parts apart: no code can pretend to be the end of a definition.
  const canonical = JSON.stringify(definition, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
  hash.update(`${Buffer.byteLength(canonical)}\n${canonical}`)
  hash.update(code)
  return hash.digest('hex')
}

function readModule(file: string): Buffer {
  const extension = extname(file)
  if (!moduleExtensions.has(extension)) {
    throw new TypeError(`${file} is no ES module: its name must end in ${[...moduleExtensions].join(', ')}`)
  }
  const stats = statSync(file, { throwIfNoEntry: false })
  if (stats === undefined) throw new Error(`there is no file ${file}`)
  if (!stats.isFile()) throw new Error(`${file} is not a file`)
  if (stats.size > maxModuleBytes)
    throw new Error(`${file} has ${stats.size} bytes; at most ${maxModuleBytes} are loaded`)
  return readFileSync(file)
}
