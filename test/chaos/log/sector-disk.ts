import { dirname } from 'node:path'
import type { DurableFiles } from '../../../src/functions/durable-files.ts'
import type { LogFile } from '../../../src/log/embedded/file-layer.ts'
import { fileError } from '../../log/embedded/log-directory.ts'
import type { Random } from '../random.ts'

export const sectorBytes = 512

/** What changes a disk; each is a point at which the power can go. */
export type DiskChange = 'write' | 'sync' | 'truncate' | 'create' | 'remove' | 'rename' | 'syncDirectory'

export interface SectorDiskOptions {
  /** Whether files can be opened so that a write is durable as it returns (O_DSYNC). */
  readonly hasSyncWrites: boolean
  /**
   * Whether changes are under way at the same time: each is made at once and becomes durable when it is through, in any
   * order. Default false: they wait for each other.
   */
  readonly isConcurrent?: boolean
  /**
   * Called when a change is made and not yet durable, before whoever asked for it is answered. Unless changes are
   * concurrent, nothing else happens to the disk meanwhile.
   */
  readonly onChange?: (change: DiskChange) => Promise<void>
  /** Error code with which a change fails; a write that fails has written a part, a sync that fails drops its data. */
  readonly failureOf?: (change: DiskChange, path: string) => 'ENOSPC' | 'EIO' | undefined
}

/** Contents as the process sees them, and as they are after a loss of power. */
interface Inode {
  current: Buffer
  durable: Buffer
  /** Sectors that were written since the last sync, and how many writes each had in all. */
  readonly dirty: Map<number, number>
}

/**
 * A file system in memory that forgets. What was not synced may be there after a loss of power or not, each sector for
 * itself and in any order, whole or torn; names that a directory sync has not confirmed may be there or not, and removed
 * ones may come back. Sectors that a file got without their contents hold zeros or what another file had there before.
 */
export class SectorDisk implements DurableFiles {
  readonly #options: SectorDiskOptions
  readonly #names = new Map<string, Inode>()
  readonly #durableNames = new Map<string, Inode>()
  /** Removed since the last sync of their directory, whether or not their creation was ever synced. */
  readonly #removed = new Map<string, Inode>()
  readonly #directories = new Set<string>()
  /** Sectors of removed files, which new files may get. */
  readonly #stale: Buffer[] = []
  #last: Promise<void> = Promise.resolve()

  constructor(options: SectorDiskOptions) {
    this.#options = options
  }

  /** A disk as this one is after a loss of power now. */
  afterPowerLoss(random: Random, options: SectorDiskOptions): SectorDisk {
    const image = new SectorDisk(options)
    for (const directory of this.#directories) image.#directories.add(directory)
    for (const stale of this.#stale) image.#stale.push(stale)
    const paths = new Set([...this.#durableNames.keys(), ...this.#removed.keys(), ...this.#names.keys()])
    for (const path of paths) {
      const inode = this.#survivor(path, random)
      if (inode === undefined) continue
      const contents = contentsAfterPowerLoss(inode, this.#stale, random)
      const survived = { current: contents, durable: contents, dirty: new Map<number, number>() }
      image.#names.set(path, survived)
      image.#durableNames.set(path, survived)
    }
    return image
  }

  makeDirectory(path: string): Promise<void> {
    this.#directories.add(path)
    return Promise.resolve()
  }

  list(directory: string): Promise<readonly string[]> {
    const names = [...this.#names.keys()].filter(path => dirname(path) === directory)
    return Promise.resolve(names.map(path => path.slice(directory.length + 1)))
  }

  async open(
    path: string,
    mode: 'create' | 'update' | 'read',
    options?: { readonly syncWrites: boolean },
  ): Promise<LogFile> {
    const isSynced = options?.syncWrites === true && this.#options.hasSyncWrites
    if (mode !== 'create') return this.#fileOf(this.#inodeOf(path), path, isSynced)
    if (this.#names.has(path)) throw fileError('EEXIST')
    const inode: Inode = { current: Buffer.alloc(0), durable: Buffer.alloc(0), dirty: new Map() }
    await this.#change('create', path, () => {
      this.#names.set(path, inode)
    })
    return this.#fileOf(inode, path, isSynced)
  }

  remove(path: string): Promise<void> {
    return this.#change('remove', path, () => {
      const inode = this.#unlink(path)
      for (let at = 0; at < inode.current.length; at += sectorBytes)
        this.#stale.push(inode.current.subarray(at, at + sectorBytes))
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#change('rename', to, isFailed => {
      if (isFailed) return
      if (this.#names.has(to)) this.#unlink(to)
      this.#names.set(to, this.#unlink(from))
    })
  }

  async removeTree(path: string): Promise<void> {
    if (this.#names.has(path)) await this.remove(path)
  }

  inspect(path: string): Promise<{ modifiedMs: number; isDirectory: boolean } | undefined> {
    const isDirectory = this.#directories.has(path)
    return Promise.resolve(isDirectory || this.#names.has(path) ? { modifiedMs: 0, isDirectory } : undefined)
  }

  touch(): Promise<void> {
    return Promise.resolve()
  }

  syncDirectory(path: string): Promise<void> {
    return this.#change(
      'syncDirectory',
      path,
      () => undefined,
      () => {
        for (const names of [this.#durableNames, this.#removed])
          for (const name of [...names.keys()]) if (dirname(name) === path) names.delete(name)
        for (const [name, inode] of this.#names) if (dirname(name) === path) this.#durableNames.set(name, inode)
      },
    )
  }

  freeBytes(): Promise<number> {
    return Promise.resolve(Number.MAX_SAFE_INTEGER)
  }

  /** Bytes of a file as the process sees them, for tests that damage it. */
  contentsOf(path: string): Buffer {
    return this.#inodeOf(path).current
  }

  /** Replaces a file, durably. */
  put(path: string, contents: Buffer): void {
    this.#directories.add(dirname(path))
    const inode = { current: contents, durable: contents, dirty: new Map<number, number>() }
    this.#names.set(path, inode)
    this.#durableNames.set(path, inode)
  }

  #unlink(path: string): Inode {
    const inode = this.#inodeOf(path)
    this.#names.delete(path)
    this.#removed.set(path, inode)
    return inode
  }

  #inodeOf(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw fileError('ENOENT')
    return inode
  }

  #fileOf(inode: Inode, path: string, isSynced: boolean): LogFile {
    return {
      isSynced,
      size: () => Promise.resolve(inode.current.length),
      // Behind the end there is nothing, which is no error.
      read: (buffer, position) =>
        Promise.resolve(inode.current.subarray(position, position + buffer.length).copy(buffer)),
      write: (buffers, position) => {
        const bytes = Buffer.concat(buffers)
        let persist = (): void => undefined
        return this.#change(
          'write',
          path,
          isCut => {
            writeTo(inode, isCut ? bytes.subarray(0, bytes.length >> 1) : bytes, position)
            if (isSynced) persist = beginSync(inode)
          },
          () => persist(),
        )
      },
      sync: () => {
        let persist = (): void => undefined
        return this.#change(
          'sync',
          path,
          isFailed => {
            // What could not be written back is forgotten, and the next sync would succeed.
            if (isFailed) inode.dirty.clear()
            persist = beginSync(inode)
          },
          () => persist(),
        )
      },
      truncate: length =>
        this.#change('truncate', path, isFailed => {
          if (!isFailed) truncateTo(inode, length)
        }),
      close: () => Promise.resolve(),
    }
  }

  /** One change after the other: `apply` makes it, `complete` makes it durable as far as it is meant to be. */
  #change(
    change: DiskChange,
    path: string,
    apply: (isFailing: boolean) => void,
    complete: () => void = () => undefined,
  ): Promise<void> {
    const before = this.#options.isConcurrent === true ? Promise.resolve() : this.#last
    const result = before.then(async () => {
      const failure = this.#options.failureOf?.(change, path)
      apply(failure !== undefined)
      await this.#options.onChange?.(change)
      if (failure !== undefined) throw fileError(failure)
      complete()
    })
    this.#last = result.catch(() => undefined)
    return result
  }

  /** What a name leads to after a loss of power, if it is there. */
  #survivor(path: string, random: Random): Inode | undefined {
    const durable = this.#durableNames.get(path)
    const current = this.#names.get(path)
    const removed = this.#removed.get(path)
    if (durable === current && removed === undefined) return current
    // Every creation and removal since the last sync may have got as far as the disk, or not.
    return random.pick(removed === undefined ? [durable, current] : [durable, current, removed, undefined])
  }
}

function writeTo(inode: Inode, bytes: Buffer, position: number): void {
  const end = position + bytes.length
  const current = Buffer.alloc(Math.max(end, inode.current.length))
  inode.current.copy(current)
  bytes.copy(current, position)
  inode.current = current
  for (let sector = Math.floor(position / sectorBytes); sector * sectorBytes < end; sector++)
    inode.dirty.set(sector, (inode.dirty.get(sector) ?? 0) + 1)
}

function truncateTo(inode: Inode, length: number): void {
  const current = Buffer.alloc(length)
  inode.current.copy(current)
  inode.current = current
}

/** What a sync that begins now makes durable when it is through; what is written meanwhile is not part of it. */
function beginSync(inode: Inode): () => void {
  const { length } = inode.current
  const sectors = [...inode.dirty].map(([sector, writes]) => {
    const at = sector * sectorBytes
    return { sector, writes, bytes: Buffer.from(inode.current.subarray(at, at + sectorBytes)) }
  })
  return () => {
    const contents = Buffer.alloc(length)
    inode.durable.copy(contents)
    for (const { sector, writes, bytes } of sectors) {
      bytes.copy(contents, sector * sectorBytes)
      if (inode.dirty.get(sector) === writes) inode.dirty.delete(sector)
    }
    inode.durable = contents
  }
}

function contentsAfterPowerLoss(inode: Inode, stale: readonly Buffer[], random: Random): Buffer {
  const { current, durable, dirty } = inode
  const size = sizeAfterPowerLoss(durable.length, current.length, random)
  const contents = Buffer.alloc(size)
  durable.copy(contents)
  // Length that the file got without contents.
  if (size > durable.length && stale.length > 0 && random.chance(0.3))
    fillStale(contents, durable.length, stale, random)
  // Mostly each sector for itself; sometimes all or none, so that these are not only a matter of luck.
  const survival = random.pick([0, 0.5, 0.5, 0.8, 1])
  // A file that was shortened has nothing to write where it has ended, however long it comes back.
  const write = (from: number, to: number): void => {
    if (from < current.length) current.copy(contents, from, from, to)
  }
  for (const sector of dirty.keys()) {
    const from = sector * sectorBytes
    if (from >= size || !random.chance(survival)) continue
    const end = Math.min(size, from + sectorBytes)
    if (!random.chance(0.3)) write(from, end)
    else if (random.chance(0.5)) write(from, Math.min(end, from + random.below(sectorBytes)))
    else write(Math.min(end, from + random.below(sectorBytes)), end)
  }
  return contents
}

/** Lengths are written apart from contents: the old one, the new one, or one of those between. */
function sizeAfterPowerLoss(durable: number, current: number, random: Random): number {
  const between = Math.min(durable, current) + random.below(Math.abs(current - durable) + 1)
  return random.pick([durable, current, current, between])
}

function fillStale(contents: Buffer, from: number, stale: readonly Buffer[], random: Random): void {
  for (let at = Math.ceil(from / sectorBytes) * sectorBytes; at < contents.length; at += sectorBytes)
    random.pick(stale).copy(contents, at)
}
