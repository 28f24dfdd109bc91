import { describeThrown, invocationError } from './invocation-error.ts'
import type { InvocationError } from './invocation.ts'
import type { FrameSession } from './frame-session.ts'
import type { SecretMask } from './secret-mask.ts'
import type { WorkerSlot } from './worker-slot.ts'

/**
 * Judges the open events of a session whose worker has ended and whose last words have been read.
 * @returns whether it stayed unclear what happened, so that the next frames should be run carefully.
 */
export function judgeDeath(slot: WorkerSlot, session: FrameSession, silentMs: number, timeoutMs: number): boolean {
  const frames = session.frames.filter(({ open }) => open > 0)
  if (slot.endReason === 'closing') {
    for (const frame of frames) frame.giveBackRunning()
    return false
  }
  const hadSeveral = session.open > 1
  // The time is that of the session: it is counted once.
  const judge = (error: InvocationError, used: { handler: number; cpu: number }, certain: boolean): void => {
    for (const [index, frame] of frames.entries())
      frame.workerDied(error, index === 0 ? used : { handler: 0, cpu: 0 }, certain && frames.length === 1)
  }
  if (slot.endReason === 'timeout') {
    const message = `the invocation took longer than ${timeoutMs} ms and did not let go`
    // Its thread could not even answer, so it was computing all the time.
    const usedMs = { handler: silentMs, cpu: silentMs }
    judge(invocationError('timeout', 'TimeoutError', message), usedMs, true)
    return hadSeveral
  }
  // What a former frame left behind may have done it, so a worker that is not fresh convicts only in careful mode.
  const exited = invocationError('crash', 'WorkerExit', 'the worker ended while it ran the invocation')
  judge(slot.deathCause ?? exited, { handler: silentMs, cpu: 0 }, slot.frames === 0 && session.count === 1)
  return true
}

/** What a thread said when it died. Its own guards did not see the error, so nothing is hidden in it yet. */
export function causeOfDeath(cause: unknown, mask: SecretMask): InvocationError {
  if ((cause as { code?: unknown } | null | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return invocationError('out-of-memory', 'OutOfMemory', 'the worker ran out of heap memory')
  }
  return describeThrown('crash', cause, mask)
}
