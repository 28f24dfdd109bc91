import { SluiceError } from '../errors/sluice-error.ts'
import { maxArtifactBytes, maxArtifactFiles, moduleFileName } from './artifact.ts'

const maxNameLength = 200
const segmentPattern = /^[A-Za-z0-9._-]+$/

/**
 * Checks what an artifact is to be made of, and gives its names: the module first, the others sorted.
 * @throws {SluiceError} SLUICE_FUNCTIONS_ARTIFACT, naming the file.
 */
export function checkArtifactFiles(files: ReadonlyMap<string, Uint8Array>): readonly string[] {
  if (!files.has(moduleFileName)) throw refused(`there is no ${moduleFileName}; it holds the function's ES module`)
  if (files.size > maxArtifactFiles) throw refused(`it has ${files.size} files; at most ${maxArtifactFiles} are taken`)
  let bytes = 0
  for (const [name, content] of files) {
    const problem = nameProblem(name)
    if (problem !== undefined) throw refused(`the file name ${shown(name)} ${problem}`, name)
    bytes += content.byteLength
  }
  if (bytes > maxArtifactBytes) throw refused(`its files have ${bytes} bytes; at most ${maxArtifactBytes} are taken`)
  refuseClashes(files.keys())
  return inOrder(files.keys())
}

/** The module first, the others in the order of their code units: the order of `Artifact.files` and of the hash. */
export function inOrder(names: Iterable<string>): string[] {
  const rank = (name: string): string => (name === moduleFileName ? '' : name)
  return [...names].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

function nameProblem(name: string): string | undefined {
  if (name.length > maxNameLength) return `has ${name.length} characters; at most ${maxNameLength} are taken`
  if (name.startsWith('/')) return 'is absolute; it must be relative to the module'
  for (const segment of name.split('/')) {
    if (segment === '') return 'has an empty part'
    if (segment === '.' || segment === '..') return `has the part '${segment}'; it must lie beside or below the module`
    if (!segmentPattern.test(segment)) return "has characters other than letters, digits, '.', '_', '-' and '/'"
  }
  return undefined
}

/** One name may not be a folder of another; and two that differ in case alone would be one on some file systems. */
function refuseClashes(names: Iterable<string>): void {
  const kept = new Map<string, string>()
  const folders = new Map<string, string>()
  for (const name of names) {
    const folded = name.toLowerCase()
    const same = kept.get(folded)
    if (same !== undefined) throw refused(`the file names ${shown(same)} and ${shown(name)} differ in case alone`, name)
    kept.set(folded, name)
    for (let end = folded.indexOf('/'); end > 0; end = folded.indexOf('/', end + 1))
      folders.set(folded.slice(0, end), name)
  }
  for (const [folder, inside] of folders) {
    const name = kept.get(folder)
    if (name !== undefined) throw refused(`${shown(name)} is a file and, for ${shown(inside)}, a folder`, name)
  }
}

/** As JSON, so that control characters show, and bounded. */
function shown(name: string): string {
  return name.length <= maxNameLength ? JSON.stringify(name) : `${JSON.stringify(name.slice(0, maxNameLength))}…`
}

function refused(problem: string, file?: string): SluiceError {
  const details = file === undefined ? {} : { details: { file: file.slice(0, maxNameLength) } }
  return new SluiceError('SLUICE_FUNCTIONS_ARTIFACT', `the code cannot be taken: ${problem}`, details)
}
