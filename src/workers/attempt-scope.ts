import { AsyncLocalStorage } from 'node:async_hooks'
import type { Attempt } from './attempt.ts'

export type Handler = (event: unknown, context: unknown) => unknown

/**
 * Knows which attempt the running code belongs to: for its log lines, and to charge a late throw or exit to the attempt
 * that caused it and not to the one that happens to run.
 *
 * Entering an asynchronous context costs 0.4 µs, so handlers that turn out to be synchronous run without one: while they
 * run nothing else does, and whatever they leave behind is late by definition.
 */
export class AttemptScope {
  readonly #store = new AsyncLocalStorage<Attempt>()
  #synchronous: Attempt | undefined

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

  /** The attempt of the running code; undefined for code of an attempt that has ended, or of none. */
  current(): Attempt | undefined {
    if (this.#synchronous !== undefined) return this.#synchronous
    const attempt = this.#store.getStore()
    return attempt === undefined || attempt.done ? undefined : attempt
  }
}
