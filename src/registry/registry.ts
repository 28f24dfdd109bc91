import type { RegistryChange, RegistryCommand } from './registry-change.ts'
import type { RegistryState } from './registry-records.ts'

/** Told of every command that changed the state, in log order, after it was applied. Must not throw. */
export type RegistryListener = (command: RegistryCommand, before: RegistryState, after: RegistryState) => void

/**
 * The registry of functions and triggers: a log of commands, and the state that they make.
 *
 *   closed ──open()──▶ open ──a write or sync failed, a damaged or an unknown command──▶ failed (fatal)
 *                        └──close()──▶ closed
 */
export interface Registry {
  /** The state of all commands that are applied; replaced, never changed. */
  readonly state: RegistryState
  /**
   * Makes changes and resolves with the state right after them, once they are durable.
   * @param plan sees the newest state that this node knows, checks what it wants against it, and says what to change. It
   *   is asked again when another command came in between. No changes: nothing is written.
   * @throws what `plan` throws; {SluiceError} SLUICE_REGISTRY_WRITE, _CORRUPT and _UNKNOWN_COMMAND (fatal),
   *   SLUICE_REGISTRY_CLOSED, SLUICE_REGISTRY_BUSY (others were faster each time), SLUICE_LOG_FULL (nothing was kept),
   *   SLUICE_LOG_UNAVAILABLE (the change may show yet).
   */
  transact(by: string, plan: (state: RegistryState) => readonly RegistryChange[]): Promise<RegistryState>
  /** Returns how to stop listening. */
  listen(listener: RegistryListener): () => void
  /** Writes a snapshot if commands came since the last one, and closes. */
  close(): Promise<void>
}
