import { existsSync, readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { basename, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * A place in a module for people: in the sources it was bundled from when its map lies beside it (`index.mjs.map`).
 * @param line from 1. @param column from 1.
 */
export function placeIn(file: string, line: number, column: number): string {
  const entry = originOf(file, line, column)
  return entry ?? `${basename(file)}:${line}:${column}`
}

/** Where a module imports something, as `index.mjs:3:8`; only its name when the import cannot be found in its text. */
export function placeOfImport(file: string, specifier: string): string {
  const text = readText(file) ?? ''
  const quoted = `["'\`]${specifier.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)}["'\`]`
  const found = new RegExp(String.raw`(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\w*\s*\(\s*)${quoted}`).exec(text)
  if (found === null) return basename(file)
  const at = found.index + found[0].length - specifier.length - 2
  const before = text.slice(0, at)
  return placeIn(file, before.split('\n').length, at - before.lastIndexOf('\n'))
}

/**
 * A place that Node tells, such as `file:///data/artifacts/ab/index.mjs:3:8`, for people: relative to the folder of the
 * module. Places that Node has mapped to sources already stay what they are.
 */
export function shownPlace(place: string, directory: string): string {
  const [, path, position] = /^(.*?)(:\d+(?::\d+)?)?$/.exec(place) as unknown as [string, string, string | undefined]
  return relative(directory, path.startsWith('file:') ? fileURLToPath(path) : path) + (position ?? '')
}

/** A text of Node with the folder of the module left out of every path. */
export function withoutDirectory(text: string, directory: string): string {
  return text.replaceAll(`file://${directory}/`, '').replaceAll(`${directory}/`, '')
}

function originOf(file: string, line: number, column: number): string | undefined {
  const json = readText(`${file}.map`)
  if (json === undefined) return undefined
  try {
    const map = new SourceMap(JSON.parse(json) as SourceMapPayload)
    const entry = map.findEntry(line - 1, column - 1)
    if (!('originalSource' in entry)) return undefined
    return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
  } catch {
    // A map that is none says nothing.
    return undefined
  }
}

/** The text of a file; undefined when there is none. */
function readText(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
