import { describeThrown, invocationError } from './invocation-error.ts'
import type { InvocationError } from './invocation.ts'
import type { WorkerHost } from './worker-host.ts'
import type { WorkerSlot } from './worker-slot.ts'

const defaultLoadTimeoutMs = 10_000

/** Starts the slot's worker and loads the function in it. Resolves with why that failed; then the worker has been ended. */
export async function startWorker(
  host: WorkerHost,
  slot: WorkerSlot,
  file: string,
  timeoutMs = defaultLoadTimeoutMs,
): Promise<InvocationError | undefined> {
  let isLate = false
  const started = host.start(slot)
  const timer = setTimeout(() => {
    isLate = true
    host.end(slot)
  }, timeoutMs)
  try {
    const answer = await started
    if (answer.ok) return undefined
    void slot.worker?.terminate()
    return answer.error
  } catch (thrown) {
    if (isLate) {
      const message = `${file} was not loaded within ${timeoutMs} ms: its top level or init() does not end`
      return invocationError('load', 'LoadTimeout', message)
    }
    const cause = slot.deathCause ?? describeThrown('load', thrown)
    return invocationError(
      'load',
      cause.name,
      `the worker ended while it loaded ${file}: ${cause.message}`,
      cause.stack,
    )
  } finally {
    clearTimeout(timer)
  }
}
