import { messageOf } from '../errors/sluice-error.ts'
import type { SnapshotStore } from './snapshot-file.ts'
import type { ReplicatedState } from './state-draft.ts'

export interface SnapshotWriterOptions {
  readonly snapshots: SnapshotStore
  /** A snapshot is written when so much was applied since the last one. */
  readonly limits: { readonly commands: number; readonly bytes: number }
  readonly state: () => ReplicatedState
  /** Position of the newest snapshot that is there. */
  readonly coveredPosition: number
  /** Lets the log delete the commands before a position. */
  readonly release: (position: number) => Promise<void>
  readonly onWarning: (message: string) => void
}

/**
 * Writes snapshots beside other work, one at a time. A snapshot that cannot be written costs nothing but a longer replay:
 * the log keeps what no snapshot covers.
 *
 * The order is what makes it safe: only after a snapshot is durable does the log hear what it may delete, and then it is
 * what the snapshot *before* covers, too. So the newest one may be damaged and nothing is lost.
 */
export class SnapshotWriter {
  readonly #options: SnapshotWriterOptions
  #coveredPosition: number
  #commands = 0
  #bytes = 0
  #writing: Promise<void> | undefined

  constructor(options: SnapshotWriterOptions) {
    this.#options = options
    this.#coveredPosition = options.coveredPosition
  }

  /** Commands were applied. */
  applied(commands: number, bytes: number): void {
    this.#commands += commands
    this.#bytes += bytes
    const { limits } = this.#options
    if (this.#commands >= limits.commands || this.#bytes >= limits.bytes) void this.#write()
  }

  /** Waits for a snapshot under way, and writes a last one if there is something new. */
  async finish(isLastWanted: boolean): Promise<void> {
    await this.#writing
    if (isLastWanted && this.#options.state().position > this.#coveredPosition) await this.#write()
  }

  #write(): Promise<void> {
    this.#writing ??= this.#writeOne().finally(() => (this.#writing = undefined))
    return this.#writing
  }

  async #writeOne(): Promise<void> {
    const { snapshots, release, onWarning } = this.#options
    const state = this.#options.state()
    // Also when it fails: a full disk is not tried at each command.
    this.#commands = 0
    this.#bytes = 0
    try {
      await snapshots.write(state)
      this.#coveredPosition = state.position
      await release(snapshots.releasedPosition)
    } catch (error) {
      onWarning(messageOf(error))
    }
  }
}
