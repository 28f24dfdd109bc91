import type { DurableFiles } from '../../src/functions/durable-files.ts'
import type { LogFile } from '../../src/log/embedded/file-layer.ts'
import type { Random } from '../chaos/random.ts'
import { SectorDisk, type SectorDiskOptions } from '../chaos/log/sector-disk.ts'
import type { VirtualProcess } from './virtual-process.ts'
import type { VirtualScheduler } from './virtual-scheduler.ts'

/** What goes wrong with the disk of a machine; changed while it runs. */
export interface DiskFaults {
  /** Share of the writes that find no room. */
  fullShare: number
  /** Share of writes and syncs that fail for good. */
  failureShare: number
}

const slowestChangeMs = 4

/**
 * The disk of one machine: a sector disk whose changes take virtual time and end in any order. What a process has asked
 * for goes on when it dies; a loss of power leaves what the sector disk says.
 */
export class SimulatedDisk {
  readonly faults: DiskFaults = { fullShare: 0, failureShare: 0 }
  readonly #scheduler: VirtualScheduler
  readonly #random: Random
  readonly #options: SectorDiskOptions
  #disk: SectorDisk
  #underWay = 0

  constructor(scheduler: VirtualScheduler, random: Random) {
    this.#scheduler = scheduler
    this.#random = random
    this.#options = {
      hasSyncWrites: random.chance(0.5),
      isConcurrent: true,
      onChange: () => this.#takeTime(),
      failureOf: change => {
        if (change !== 'write' && change !== 'sync') return undefined
        if (random.chance(this.faults.failureShare)) return 'EIO'
        return change === 'write' && random.chance(this.faults.fullShare) ? 'ENOSPC' : undefined
      },
    }
    this.#disk = new SectorDisk(this.#options)
  }

  /** Changes that are not through yet; a new process does not start before they are. */
  get isBusy(): boolean {
    return this.#underWay > 0
  }

  losePower(): void {
    this.#underWay = 0
    this.#disk = this.#disk.afterPowerLoss(this.#random, this.#options)
  }

  /** The files as a process sees them: it is told of nothing after its death. */
  filesOf(process: VirtualProcess): DurableFiles {
    const disk = this.#disk
    const told = <T>(work: Promise<T>): Promise<T> => this.#told(process, disk, work)
    const open: DurableFiles['open'] = async (path, mode, options) => fileOf(await told(disk.open(path, mode, options)))
    const fileOf = (file: LogFile): LogFile => ({
      isSynced: file.isSynced === true,
      size: () => file.size(),
      write: (buffers, position) => told(file.write(buffers, position)),
      read: (buffer, position) => told(file.read(buffer, position)),
      sync: () => told(file.sync()),
      truncate: length => told(file.truncate(length)),
      close: () => file.close(),
    })
    return {
      open,
      makeDirectory: path => disk.makeDirectory(path),
      list: directory => told(disk.list(directory)),
      remove: path => told(disk.remove(path)),
      rename: (from, to) => told(disk.rename(from, to)),
      removeTree: path => told(disk.removeTree(path)),
      syncDirectory: path => told(disk.syncDirectory(path)),
      inspect: path => disk.inspect(path),
      touch: () => disk.touch(),
      freeBytes: () => disk.freeBytes(),
    }
  }

  #told<T>(process: VirtualProcess, disk: SectorDisk, work: Promise<T>): Promise<T> {
    this.#underWay++
    const through = (): void => {
      if (disk === this.#disk) this.#underWay--
    }
    return new Promise((resolve, reject) => {
      work.then(
        value => {
          through()
          this.#scheduler.post(process, 0, () => resolve(value))
        },
        (error: Error) => {
          through()
          this.#scheduler.post(process, 0, () => reject(error))
        },
      )
    })
  }

  #takeTime(): Promise<void> {
    const tookMs = this.#random.chance(0.02) ? this.#random() * 200 : this.#random() * slowestChangeMs
    return new Promise(resolve => this.#scheduler.post(this.#scheduler.kernel, tookMs, resolve))
  }
}
