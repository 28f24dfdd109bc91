import { close, constants, fdatasync, fstat, fsync, ftruncate, open, read, write, writev } from 'node:fs'
import { mkdir, readdir, statfs, unlink } from 'node:fs/promises'
import { dirname, resolve as absolute } from 'node:path'
import { promisify } from 'node:util'

/** One open file. Positions and lengths are bytes. */
export interface LogFile {
  /** True when whatever `write` wrote is on disk as it resolves, as if `sync` had been called; absent: it is not. */
  readonly isSynced?: boolean
  size(): Promise<number>
  /** Writes all of the buffers one after the other; rejects when not everything could be written. */
  write(buffers: readonly Buffer[], position: number): Promise<void>
  /** Fills the buffer as far as the file reaches and gives the number of bytes read. */
  read(buffer: Buffer, position: number): Promise<number>
  /** Resolves when the contents, and the length as far as it is needed to read them, are on disk. */
  sync(): Promise<void>
  truncate(length: number): Promise<void>
  close(): Promise<void>
}

/** What the embedded log needs of a file system. Errors carry the `code` of node:fs (`ENOSPC`, `EIO`, `ENOENT` …). */
export interface FileLayer {
  /** Makes the directory and its parents; each is durable when this resolves. */
  makeDirectory(path: string): Promise<void>
  list(directory: string): Promise<readonly string[]>
  /**
   * `create` refuses an existing file with EEXIST; `update` reads and writes an existing one. `syncWrites` asks for a
   * file that is {@link LogFile.isSynced}; where that does not exist the file says so and has to be synced as usual.
   */
  open(path: string, mode: 'create' | 'update' | 'read', options?: { readonly syncWrites: boolean }): Promise<LogFile>
  remove(path: string): Promise<void>
  /** Makes creations and removals in the directory durable. */
  syncDirectory(path: string): Promise<void>
  /** Bytes that an unprivileged process may still write. */
  freeBytes(path: string): Promise<number>
}

const openFd = promisify(open)
const closeFd = promisify(close)
const syncFd = promisify(fsync)
const truncateFd = promisify(ftruncate)
const statFd = promisify(fstat)

const flags = {
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  update: constants.O_RDWR,
  read: constants.O_RDONLY,
} as const

/**
 * O_DSYNC makes write and fdatasync one call (open(2): each write is followed by fdatasync), so a commit group takes one
 * turn of the thread pool instead of two. Only on Linux: elsewhere Node's fdatasync does more than the flag does, such as
 * flushing the cache of the disk on macOS.
 */
const syncFlag = process.platform === 'linux' ? constants.O_DSYNC : 0

/** Raw descriptors and callbacks: a FileHandle costs more per call and closes itself when it is collected. */
class NodeLogFile implements LogFile {
  readonly isSynced: boolean
  readonly #fd: number

  constructor(fd: number, isSynced: boolean) {
    this.#fd = fd
    this.isSynced = isSynced
  }

  async size(): Promise<number> {
    return (await statFd(this.#fd)).size
  }

  write(buffers: readonly Buffer[], position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (rest: readonly Buffer[], at: number): void => {
        const done = (error: NodeJS.ErrnoException | null, written: number): void => {
          if (error !== null) return reject(error)
          const left = skipBytes(rest, written)
          if (left.length === 0) return resolve()
          // A short write is no error: the call for the rest tells what is wrong.
          step(left, at + written)
        }
        if (rest.length === 1) write(this.#fd, rest[0]!, 0, rest[0]!.length, at, done)
        else writev(this.#fd, rest.slice(0, 512), at, done)
      }
      const filled = buffers.filter(buffer => buffer.length > 0)
      if (filled.length === 0) resolve()
      else step(filled, position)
    })
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    let filled = 0
    while (filled < buffer.length) {
      const count = await new Promise<number>((resolve, reject) => {
        read(this.#fd, buffer, filled, buffer.length - filled, position + filled, (error, bytes) => {
          if (error === null) resolve(bytes)
          else reject(error)
        })
      })
      if (count === 0) break
      filled += count
    }
    return filled
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#fd, error => (error === null ? resolve() : reject(error)))
    })
  }

  truncate(length: number): Promise<void> {
    return truncateFd(this.#fd, length)
  }

  close(): Promise<void> {
    return closeFd(this.#fd)
  }
}

function skipBytes(buffers: readonly Buffer[], count: number): readonly Buffer[] {
  let left = count
  let index = 0
  while (index < buffers.length && left >= buffers[index]!.length) left -= buffers[index++]!.length
  const rest = buffers.slice(index)
  if (left > 0) rest[0] = rest[0]!.subarray(left)
  return rest
}

async function syncDirectory(path: string): Promise<void> {
  const fd = await openFd(path, constants.O_RDONLY)
  try {
    await syncFd(fd)
  } finally {
    await closeFd(fd)
  }
}

/** The file system of the machine. */
export const nodeFileLayer: FileLayer = {
  async makeDirectory(path) {
    const wanted = absolute(path)
    const first = await mkdir(wanted, { recursive: true })
    if (first === undefined) return
    for (let made = wanted; ; made = dirname(made)) {
      await syncDirectory(dirname(made))
      if (made === first || dirname(made) === made) return
    }
  },
  list: path => readdir(path),
  async open(path, mode, options) {
    const sync = options?.syncWrites === true ? syncFlag : 0
    return new NodeLogFile(await openFd(path, flags[mode] | sync, 0o640), sync !== 0)
  },
  remove: path => unlink(path),
  syncDirectory,
  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  },
}
