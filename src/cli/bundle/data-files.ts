import { globSync, readFileSync, statSync } from 'node:fs'
import { isAbsolute, join, normalize, sep } from 'node:path'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'

/**
 * The files that lie beside the module, by name.
 * @param patterns paths or globs relative to the directory, and below it.
 * @throws {SluiceError} SLUICE_CLI_BUNDLE for one that is not there, or outside.
 */
export function readDataFiles(directory: string, patterns: readonly string[]): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  for (const pattern of patterns) {
    if (isAbsolute(pattern) || normalize(pattern).startsWith('..')) {
      throw new SluiceError('SLUICE_CLI_BUNDLE', `files: ${pattern} is outside of ${directory}; copy it there`)
    }
    const isGlob = /[*?[{]/.test(pattern)
    const found = isGlob ? globSync(pattern, { cwd: directory }).sort() : [normalize(pattern)]
    const names = found.filter(name => !isGlob || statSync(join(directory, name)).isFile())
    if (names.length === 0)
      throw new SluiceError('SLUICE_CLI_BUNDLE', `files: nothing matches ${pattern} in ${directory}`)
    for (const name of names) {
      try {
        files.set(name.split(sep).join('/'), readFileSync(join(directory, name)))
      } catch (error) {
        throw new SluiceError('SLUICE_CLI_BUNDLE', `files: ${pattern} cannot be read: ${messageOf(error)}`, {
          cause: error,
        })
      }
    }
  }
  return files
}

const besideModule = /new URL\(\s*["'`](\.\/[^"'`]+)["'`]\s*,\s*import\.meta\.url\s*\)/g

/** What a module will look for beside itself and not find. */
export function dataFileWarnings(module: string, files: ReadonlySet<string>): readonly string[] {
  const names = new Set([...module.matchAll(besideModule)].map(([, name = '']) => name.slice(2)))
  return [...names]
    .filter(name => !files.has(name))
    .map(name => `the code reads ./${name} beside itself, and it is not uploaded: name it in files: of the manifest`)
}
