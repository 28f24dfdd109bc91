import { lstatSync, mkdirSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Beyond this the oldest files go; the code of a worker takes half a MiB, that of a function about as much as its bundle. */
const maxCacheBytes = 256 * 1024 * 1024

/** Only the environment reaches a thread before its first module, and that one has to be compiled, too. */
const variable = 'NODE_COMPILE_CACHE'

const prepared = new Map<string, boolean>()

/**
 * The environment of a worker that keeps the compiled form of the modules that it loads, so that the next worker starts
 * in a third of the time. Compiled code is run without a look at its source, so the folder has to belong to this user, and
 * nobody else may write to it; otherwise nothing is kept.
 * @param directory default: one of this user in the system's folder for temporary files.
 */
export function withCompileCache(
  environment: Readonly<Record<string, string>>,
  directory = defaultDirectory(),
): Record<string, string> {
  if (!prepared.has(directory)) {
    prepared.set(directory, isPrivate(directory))
    if (prepared.get(directory) === true) void shrink(directory)
  }
  return prepared.get(directory) === true ? { ...environment, [variable]: directory } : { ...environment }
}

/** In the worker, before the function is loaded: it sees the environment that it declared. */
export function hideCompileCache(environment: Readonly<Record<string, string>>): void {
  const declared = environment[variable]
  if (declared === undefined) delete process.env[variable]
  else process.env[variable] = declared
}

function defaultDirectory(): string {
  return join(tmpdir(), `sluice-compile-cache-${process.getuid?.() ?? 'user'}`)
}

/** Makes the directory if need be; whether it belongs to this user and nobody else may write to it. */
export function isPrivate(directory: string): boolean {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const stats = lstatSync(directory)
    if (!stats.isDirectory()) return false
    // Windows has no owner and mode here; its folder for temporary files belongs to the user.
    return process.getuid === undefined || (stats.uid === process.getuid() && (stats.mode & 0o022) === 0)
  } catch {
    return false
  }
}

/** Node never deletes from the cache. Other gateways of this user may do the same at the same time. */
async function shrink(directory: string): Promise<void> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    const paths = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
    const files = await Promise.all(
      paths.map(async path => {
        const { size, mtimeMs } = await stat(path)
        return { path, size, mtimeMs }
      }),
    )
    let excess = files.reduce((sum, { size }) => sum + size, 0) - maxCacheBytes
    for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (excess <= 0) return
      await rm(path, { force: true })
      excess -= size
    }
  } catch {
    // What cannot be cleaned now is cleaned another time.
  }
}
