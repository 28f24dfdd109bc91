import { setTimeout as sleep } from 'node:timers/promises'

/** The clock of a schedule and how to wait for it. */
export interface ScheduleTime {
  /** Wall clock, in ms since the epoch. */
  nowMs(): number
  /** Resolves after the time, or at once when the signal is aborted; never rejects. */
  wait(delayMs: number, signal: AbortSignal): Promise<void>
}

export const systemTime: ScheduleTime = {
  nowMs: () => Date.now(),
  // The reason it rejects for is the signal, which whoever waits looks at anyway.
  wait: (delayMs, signal) => sleep(delayMs, undefined, { signal }).catch(() => undefined),
}
