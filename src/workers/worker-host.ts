import type { WarmUpAnswer } from './worker-settings.ts'
import type { WorkerSlot } from './worker-slot.ts'

/** How the pool starts workers and gives them work: Piscina's threads today, a child process with the same frames later. */
export interface WorkerHost {
  /** Called when a worker exists that nobody asked for: a replacement. It has to be adopted or it serves nothing. */
  onReplacement: () => void
  /** Called when the worker of a slot is gone. */
  onGone: (slot: WorkerSlot) => void
  /** Workers alive or starting. */
  readonly size: number
  /** Workers that no slot owns yet. */
  readonly unowned: number
  /** How long workers lived, in all. */
  readonly aliveMs: number
  /** How many workers stay when they are idle. */
  keep(count: number): void
  /** Starts a worker for the slot, or takes an unowned one, and loads the function in it. Rejects when it dies meanwhile. */
  start(slot: WorkerSlot): Promise<WarmUpAnswer>
  /**
   * Runs a frame in the slot's worker, which is idle. The bytes are transferred. Resolves with the last chunk of results,
   * rejects when the worker ends; undefined when the worker is gone and the frame was not handed over.
   */
  run(slot: WorkerSlot, frame: Uint8Array<ArrayBuffer>): Promise<unknown> | undefined
  /** Lets the host notice an idle worker, so that it ends after its idle time. */
  touch(slot: WorkerSlot): void
  /** Ends the slot's worker at once. */
  end(slot: WorkerSlot): void
  /** Ends all workers; resolves when they are gone, or given up after a while. */
  close(): Promise<void>
}
