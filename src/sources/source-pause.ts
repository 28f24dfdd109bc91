import type { ErrorCode } from '../errors/error-codes.ts'
import { SluiceError } from '../errors/sluice-error.ts'
import type { PauseRecord } from '../store/home-store.ts'

/** When a sender may come again if nobody has said how long the pause lasts. */
const unknownWaitMs = 10_000

/** What a sender is told while a source is paused. */
export function pausedError(code: ErrorCode, source: string, pause: PauseRecord, nowMs: number): SluiceError {
  const { expiresAtMs } = pause
  const retryAfterMs = expiresAtMs === undefined ? unknownWaitMs : Math.max(1_000, expiresAtMs - nowMs)
  // Why and by whom is nobody's business outside: the API tells.
  return new SluiceError(code, `the source ${source} is paused; send this again later`, { details: { retryAfterMs } })
}

/** For the one who asks the API. */
export function pauseDetail({ reason, by }: PauseRecord): string {
  return `paused: ${reason} (${by})`
}
