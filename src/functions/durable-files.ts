import { randomUUID } from 'node:crypto'
import { rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeFileLayer, type FileLayer } from '../log/embedded/file-layer.ts'

/** What stores of whole files need of a file system beside what the log does. */
export interface DurableFiles extends FileLayer {
  /** Atomic; an existing file is replaced, a directory that is not empty refuses with ENOTEMPTY or EEXIST. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file, or a directory with all it holds; nothing there is fine. */
  removeTree(path: string): Promise<void>
  /** When it was changed last, in ms since the epoch, and what it is; undefined when it is not there. */
  inspect(path: string): Promise<{ readonly modifiedMs: number; readonly isDirectory: boolean } | undefined>
  /** Sets the time of the last change. */
  touch(path: string, atMs: number): Promise<void>
}

/** The file system of the machine. */
export const nodeDurableFiles: DurableFiles = {
  ...nodeFileLayer,
  rename,
  removeTree: path => rm(path, { recursive: true, force: true }),
  async inspect(path) {
    try {
      const stats = await stat(path)
      return { modifiedMs: stats.mtimeMs, isDirectory: stats.isDirectory() }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  },
  touch: (path, atMs) => utimes(path, atMs / 1_000, atMs / 1_000),
}

/** What is unfinished carries this at its beginning, and is removed at the next start. */
const unfinishedPrefix = '.unfinished-'

/** Path of something that is being made or removed in a directory. */
export function unfinishedPath(directory: string): string {
  return join(directory, unfinishedPrefix + randomUUID())
}

/** Removes what a crash left half made or half removed. */
export async function removeUnfinished(files: DurableFiles, directory: string): Promise<void> {
  for (const name of await files.list(directory))
    if (name.startsWith(unfinishedPrefix)) await files.removeTree(join(directory, name))
}

/**
 * Writes a new file and resolves when its contents are on disk. Its name is durable only after `syncDirectory`.
 * @param chunks are taken one after the other, with a turn of the event loop after each.
 */
export async function writeDurably(files: DurableFiles, path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const file = await files.open(path, 'create')
  try {
    let position = 0
    for (const chunk of chunks) {
      await file.write([Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)], position)
      position += chunk.byteLength
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

/** All bytes of a file. */
export async function readWhole(files: DurableFiles, path: string): Promise<Buffer> {
  const file = await files.open(path, 'read')
  try {
    const bytes = Buffer.allocUnsafe(await file.size())
    const filled = await file.read(bytes, 0)
    return filled === bytes.length ? bytes : bytes.subarray(0, filled)
  } finally {
    await file.close()
  }
}
