import type { PauseEntry, PauseTarget } from './views/pause-view.ts'

export interface PauseInput {
  readonly reason: string
  readonly by: string
  /** It ends by itself at this time; absent: somebody has to end it. */
  readonly expiresAtMs?: number
}

/** Pauses of every kind. */
export interface PauseControl {
  /** Oldest first. */
  pauses(): Promise<readonly PauseEntry[]>
  /**
   * Resolves with what is paused when it is durable and nothing of it runs any more. Repeated, it replaces reason, name and
   * end, and keeps `sinceMs`.
   * @throws {SluiceError} SLUICE_API_NOT_FOUND, SLUICE_FUNCTIONS_NOT_FOUND for what is not there, also for a function or an
   *   alias that no trigger names; SLUICE_STORE_WRITE: nothing is paused that was not.
   */
  pause(target: PauseTarget, input: PauseInput): Promise<readonly PauseEntry[]>
  /**
   * Ends a pause; resolves when that is durable.
   * @throws {SluiceError} SLUICE_API_NOT_FOUND, SLUICE_STORE_WRITE.
   */
  endPause(id: string): Promise<PauseEntry>
}
