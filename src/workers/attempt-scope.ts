import { AsyncLocalStorage } from 'node:async_hooks'
import type { Attempt } from './attempt.ts'

export type Handler = (event: unknown, context: unknown) => unknown

/** What calls run in that are expected to return at once. `attempt` is the one that, unexpectedly, did not. */
interface Burst {
  attempt: Attempt | undefined
}

/**
 * Knows which attempt the running code belongs to: for its log lines, and to charge a late throw or exit to the attempt
 * that caused it and not to the one that happens to run.
 *
 * Entering an asynchronous context costs 0.25 µs, a tenth of all that a small event costs, so handlers that turn out to be
 * synchronous run without one: while they run nothing else does, and whatever they leave behind is late by definition.
 * They share one context per frame, a burst. The first of them that returns a promise after all gets the burst for its
 * own, so that its lines are known, too; from then on the runner follows every call.
 */
export class AttemptScope {
  readonly #store = new AsyncLocalStorage<Attempt | Burst>()
  #synchronous: Attempt | undefined
  #burst: Burst = { attempt: undefined }

  /** The code that runs from now on, up to the end of the current frame, makes calls that are not followed. */
  beginBurst(): void {
    this.#burst = { attempt: undefined }
    this.#store.enterWith(this.#burst)
  }

  /** Calls the handler of the attempt. `follow` keeps the attempt known in everything asynchronous that it starts. */
  call(attempt: Attempt, follow: boolean, handler: Handler, event: unknown, context: unknown): unknown {
    const outer = this.#synchronous
    this.#synchronous = attempt
    try {
      return follow ? this.#store.run(attempt, handler, event, context) : handler(event, context)
    } finally {
      this.#synchronous = outer
    }
  }

  /** A call that was not followed goes on: what still runs of the burst belongs to it, most likely. */
  giveBurstTo(attempt: Attempt): void {
    this.#burst.attempt = attempt
  }

  /** The attempt whose line is logged by the running code; undefined for code of an attempt that has ended, or of none. */
  speaker(): Attempt | undefined {
    if (this.#synchronous !== undefined) return this.#synchronous
    const found = this.#store.getStore()
    return running(found !== undefined && isBurst(found) ? found.attempt : found)
  }

  /** The attempt that certainly runs the code, and can be charged for what it does. */
  culprit(): Attempt | undefined {
    if (this.#synchronous !== undefined) return this.#synchronous
    const found = this.#store.getStore()
    return found === undefined || isBurst(found) ? undefined : running(found)
  }
}

function running(attempt: Attempt | undefined): Attempt | undefined {
  return attempt === undefined || attempt.done ? undefined : attempt
}

function isBurst(found: Attempt | Burst): found is Burst {
  return !('frame' in found)
}
