import { dirname, join, resolve } from 'node:path'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import { artifactHash } from './artifact-hash.ts'
import { checkArtifactFiles } from './artifact-name.ts'
import { moduleFileName, type Artifact, type ArtifactStore } from './artifact.ts'
import {
  nodeDurableFiles,
  readWhole,
  removeUnfinished,
  unfinishedPath,
  writeDurably,
  type DurableFiles,
} from './durable-files.ts'

export interface ArtifactStoreOptions {
  /** Directory of the store alone; made when it is missing. One process at a time, as for the whole data directory. */
  readonly dir: string
  readonly files?: DurableFiles
}

/** Artifacts in a directory each. */
export interface LocalArtifactStore extends ArtifactStore {
  /**
   * Reads an artifact and compares it with its hash: below a millisecond for a usual bundle, so it is worth it whenever
   * a version is loaded. What was damaged is mended by putting the same content again.
   * @throws {SluiceError} SLUICE_FUNCTIONS_LOAD when it is missing or its bytes are not what they were.
   */
  verify(hash: string): Promise<void>
}

const absent = 'is not there'
const hashPattern = /^[0-9a-f]{64}$/

/** Opens the store and removes what a crash left half written or half deleted. */
export async function openArtifactStore(options: ArtifactStoreOptions): Promise<LocalArtifactStore> {
  const { files = nodeDurableFiles } = options
  const directory = resolve(options.dir)
  try {
    await files.makeDirectory(directory)
    await removeUnfinished(files, directory)
    // A name that a killed process gave may not be on disk yet; whatever is found from here on is.
    await files.syncDirectory(directory)
  } catch (error) {
    throw writeError(directory, error)
  }
  return new DirectoryArtifactStore(directory, files)
}

/**
 * A directory per artifact, named by its hash. It gets this name when everything in it is durable, and loses it before
 * anything of it is deleted: whatever has the name is whole.
 */
class DirectoryArtifactStore implements LocalArtifactStore {
  readonly #directory: string
  readonly #files: DurableFiles
  /** What is done to an artifact waits for what was begun before. */
  readonly #tails = new Map<string, Promise<unknown>>()
  /** When this process put an artifact, by a clock that never jumps. */
  readonly #putAtMs = new Map<string, number>()

  constructor(directory: string, files: DurableFiles) {
    this.#directory = directory
    this.#files = files
  }

  async put(files: ReadonlyMap<string, Uint8Array>): Promise<Artifact> {
    const names = checkArtifactFiles(files)
    const hash = await artifactHash(files)
    try {
      await this.#exclusively(hash, () => this.#keep(hash, files))
    } catch (error) {
      throw writeError(this.#directory, error)
    }
    const kept = names.map(name => ({ name, bytes: files.get(name)?.byteLength ?? 0 }))
    return { hash, bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0), files: kept }
  }

  async has(hash: string): Promise<boolean> {
    return hashPattern.test(hash) && (await this.#files.inspect(this.#path(hash)))?.isDirectory === true
  }

  modulePath(hash: string): string {
    return join(this.#path(hash), moduleFileName)
  }

  async verify(hash: string): Promise<void> {
    const problem = await this.#problemOf(hash)
    if (problem === undefined) return
    throw new SluiceError(
      'SLUICE_FUNCTIONS_LOAD',
      `the code ${hash} in ${this.#directory} ${problem}; deploy the function again, or restore it from a backup`,
      { details: { hash } },
    )
  }

  async collect(isReferred: (hash: string) => boolean, graceMs: number): Promise<number> {
    const collected: string[] = []
    for (const hash of await this.#files.list(this.#directory)) {
      if (!hashPattern.test(hash) || isReferred(hash)) continue
      const path = await this.#exclusively(hash, () => this.#dismiss(hash, isReferred, graceMs))
      if (path !== undefined) collected.push(path)
    }
    if (collected.length === 0) return 0
    // Not before the names are gone for good: a crash must not bring one back that has lost a file.
    await this.#files.syncDirectory(this.#directory)
    for (const path of collected) await this.#files.removeTree(path)
    return collected.length
  }

  /** Takes an artifact out of use and gives the path under which it can be deleted; undefined when it is to stay. */
  async #dismiss(hash: string, isReferred: (hash: string) => boolean, graceMs: number): Promise<string | undefined> {
    const found = await this.#files.inspect(this.#path(hash))
    if (found === undefined) return undefined
    // The wall clock may have jumped since; what this process put is known better.
    const putAtMs = this.#putAtMs.get(hash) ?? -Infinity
    const ageMs = Math.max(0, Math.min(Date.now() - found.modifiedMs, performance.now() - putAtMs))
    if (ageMs < graceMs || isReferred(hash)) return undefined
    const path = unfinishedPath(this.#directory)
    await this.#files.rename(this.#path(hash), path)
    this.#putAtMs.delete(hash)
    return path
  }

  async #keep(hash: string, contents: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const files = this.#files
    const path = this.#path(hash)
    const problem = await this.#problemOf(hash)
    if (problem === undefined) {
      await files.touch(path, Date.now())
      this.#putAtMs.set(hash, performance.now())
      return
    }
    const draft = unfinishedPath(this.#directory)
    try {
      await this.#write(draft, contents)
      if (problem !== absent) await this.#setAside(path)
      await files.rename(draft, path)
    } catch (error) {
      await files.removeTree(draft).catch(() => undefined)
      // Another process has put the same just now.
      if ((await this.#problemOf(hash)) !== undefined) throw error
    }
    try {
      await files.syncDirectory(this.#directory)
    } catch (error) {
      // Whether the name survives a crash is not known now: nobody may build on it.
      await this.#setAside(path).catch(() => undefined)
      throw error
    }
    this.#putAtMs.set(hash, performance.now())
  }

  /** Makes a directory with the files, all of it durable. */
  async #write(directory: string, contents: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const files = this.#files
    const folders = new Set([directory])
    for (const [name, content] of contents) {
      const path = join(directory, name)
      folders.add(dirname(path))
      await files.makeDirectory(dirname(path))
      await writeDurably(files, path, [content])
    }
    for (const folder of folders) await files.syncDirectory(folder)
  }

  /** Gets a damaged artifact out of the way. */
  async #setAside(path: string): Promise<void> {
    if ((await this.#files.inspect(path)) === undefined) return
    const aside = unfinishedPath(this.#directory)
    await this.#files.rename(path, aside)
    await this.#files.syncDirectory(this.#directory)
    await this.#files.removeTree(aside)
  }

  /** Why an artifact cannot be used. */
  async #problemOf(hash: string): Promise<string | undefined> {
    const path = this.#path(hash)
    if ((await this.#files.inspect(path))?.isDirectory !== true) return absent
    try {
      const contents = new Map<string, Uint8Array>()
      await this.#readTree(path, '', contents)
      return (await artifactHash(contents)) === hash ? undefined : 'is damaged: its bytes are not what they were'
    } catch (error) {
      return `cannot be read: ${messageOf(error)}`
    }
  }

  async #readTree(root: string, prefix: string, into: Map<string, Uint8Array>): Promise<void> {
    for (const name of await this.#files.list(join(root, prefix))) {
      const inside = prefix === '' ? name : `${prefix}/${name}`
      const path = join(root, inside)
      if ((await this.#files.inspect(path))?.isDirectory === true) await this.#readTree(root, inside, into)
      else into.set(inside, await readWhole(this.#files, path))
    }
  }

  #path(hash: string): string {
    // It becomes a path: nothing but a hash may.
    if (!hashPattern.test(hash))
      throw new SluiceError('SLUICE_FUNCTIONS_LOAD', `${JSON.stringify(hash.slice(0, 80))} is no hash of an artifact`)
    return join(this.#directory, hash)
  }

  async #exclusively<Result>(hash: string, action: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(hash)
    const run = (async () => {
      await before?.catch(() => undefined)
      return action()
    })()
    this.#tails.set(hash, run)
    try {
      return await run
    } finally {
      if (this.#tails.get(hash) === run) this.#tails.delete(hash)
    }
  }
}

function writeError(directory: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  return new SluiceError('SLUICE_STORE_WRITE', `the code could not be kept in ${directory}: ${messageOf(error)}`, {
    cause: error,
  })
}
