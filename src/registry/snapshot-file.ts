import { join } from 'node:path'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import {
  nodeDurableFiles,
  readWhole,
  removeUnfinished,
  unfinishedPath,
  writeDurably,
  type DurableFiles,
} from '../functions/durable-files.ts'
import { decodeSnapshot, encodeSnapshot } from './snapshot-codec.ts'
import type { ReplicatedState } from './state-draft.ts'

/** Where the registry keeps snapshots of its state. */
export interface SnapshotStore {
  /**
   * The newest snapshot that is whole; undefined when there is none. One that is damaged is told as a warning and passed
   * over: the commands of its time are still in the log.
   * @throws {SluiceError} SLUICE_REGISTRY_UNKNOWN_COMMAND when a newer version of Sluice wrote it.
   */
  load(): Promise<ReplicatedState | undefined>
  /**
   * Resolves when the snapshot is durable. The one before it is kept as well. One call at a time.
   * @throws {SluiceError} SLUICE_STORE_WRITE (retryable); those that were kept still are.
   */
  write(state: ReplicatedState): Promise<void>
  /** Commands before this position are in both snapshots that are kept: the log may let go of them. */
  readonly releasedPosition: number
}

export interface SnapshotFilesOptions {
  /** Directory of the snapshots alone; made when it is missing. */
  readonly dir: string
  readonly onWarning?: (message: string) => void
  readonly files?: DurableFiles
}

/** Snapshots that are kept: the newest, and one to fall back to. */
const kept = 2

/** Opens the directory of the snapshots and removes what a crash left half written. */
export async function openSnapshotFiles(options: SnapshotFilesOptions): Promise<SnapshotStore> {
  const { dir, onWarning = () => undefined, files = nodeDurableFiles } = options
  await files.makeDirectory(dir)
  await removeUnfinished(files, dir)
  const positions = (await files.list(dir)).flatMap(name => positionOf(name) ?? []).sort((a, b) => a - b)
  return new SnapshotFiles(dir, files, onWarning, positions)
}

class SnapshotFiles implements SnapshotStore {
  readonly #directory: string
  readonly #files: DurableFiles
  readonly #onWarning: (message: string) => void
  /** Of the snapshots that count, ascending. */
  #positions: readonly number[]

  constructor(
    directory: string,
    files: DurableFiles,
    onWarning: (message: string) => void,
    positions: readonly number[],
  ) {
    this.#directory = directory
    this.#files = files
    this.#onWarning = onWarning
    this.#positions = positions
  }

  get releasedPosition(): number {
    return this.#positions.length < kept ? 0 : (this.#positions.at(-kept) as number)
  }

  async load(): Promise<ReplicatedState | undefined> {
    for (const position of this.#positions.toReversed()) {
      const path = this.#path(position)
      try {
        const state = decodeSnapshot(await readWhole(this.#files, path))
        if (state.position !== position) throw new Error(`it is of position ${state.position}`)
        return state
      } catch (error) {
        if (error instanceof SluiceError && error.code === 'SLUICE_REGISTRY_UNKNOWN_COMMAND') throw error
        this.#onWarning(`the snapshot ${path} is damaged and passed over: ${messageOf(error)}`)
        this.#positions = this.#positions.filter(other => other !== position)
      }
    }
    return undefined
  }

  async write(state: ReplicatedState): Promise<void> {
    const { position } = state
    const draft = unfinishedPath(this.#directory)
    try {
      await writeDurably(this.#files, draft, encodeSnapshot(state))
      await this.#files.rename(draft, this.#path(position))
      await this.#files.syncDirectory(this.#directory)
    } catch (error) {
      await this.#files.removeTree(draft).catch(() => undefined)
      throw new SluiceError(
        'SLUICE_STORE_WRITE',
        `the snapshot of the registry at ${position} could not be written in ${this.#directory}: ${messageOf(error)}`,
        { cause: error },
      )
    }
    this.#positions = [...this.#positions.filter(other => other < position), position].slice(-kept)
    await this.#removeOthers()
  }

  /** What could not be removed is tried again after the next snapshot. */
  async #removeOthers(): Promise<void> {
    try {
      for (const name of await this.#files.list(this.#directory)) {
        const position = positionOf(name)
        if (position !== undefined && !this.#positions.includes(position))
          await this.#files.removeTree(join(this.#directory, name))
      }
    } catch (error) {
      this.#onWarning(`an old snapshot in ${this.#directory} could not be removed: ${messageOf(error)}`)
    }
  }

  #path(position: number): string {
    return join(this.#directory, `${String(position).padStart(16, '0')}.snapshot`)
  }
}

function positionOf(name: string): number | undefined {
  const match = /^(\d{16})\.snapshot$/.exec(name)
  return match === null ? undefined : Number(match[1])
}
