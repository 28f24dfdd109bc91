import type { PauseEntry } from './views/pause-view.ts'

/** What is to be paused, by the names that people use. A function or an alias stands for the triggers that name it. */
export type PauseTarget =
  | { readonly kind: 'trigger'; readonly trigger: string }
  | { readonly kind: 'partition'; readonly trigger: string; readonly partition: number }
  | { readonly kind: 'key'; readonly trigger: string; readonly key: string }
  | { readonly kind: 'version'; readonly function: string; readonly version: string }
  | { readonly kind: 'function'; readonly function: string }
  | { readonly kind: 'alias'; readonly function: string; readonly alias: string }

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
