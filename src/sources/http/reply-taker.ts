import type { ServerResponse } from 'node:http'
import { SluiceError } from '../../errors/sluice-error.ts'
import { replyOf } from '../../sinks/reply/reply.ts'
import type { IncomingEvent } from '../source.ts'
import type { EventTaker, HttpAnswer } from './http-source.ts'
import type { InvokeFunction, InvokeOptions, InvokeOutcome } from './invoke-function.ts'

export interface ReplyTakerOptions {
  /** Name of the function, for messages. */
  readonly functionName: string
  readonly timeoutMs: number
  readonly invoke: InvokeFunction
}

/** Gives the event to a function and answers with its result. Nothing is kept, and nothing is tried again. */
export class ReplyTaker implements EventTaker {
  readonly #options: ReplyTakerOptions

  constructor(options: ReplyTakerOptions) {
    this.#options = options
  }

  async take(events: readonly IncomingEvent[], _isBatch: boolean, response: ServerResponse): Promise<HttpAnswer> {
    if (events.length !== 1) {
      const message = `this source answers one event at a time, the request has ${events.length}`
      throw new SluiceError('SLUICE_EVENTS_INVALID', message)
    }
    const outcome = await this.#invoke(events[0]!, response)
    if (outcome.kind !== 'succeeded') throw this.#failure(outcome)
    return { ...replyOf(outcome.results), accepted: 1, duplicates: 0 }
  }

  /** The answer must not wait for a function that does not end, whatever the invocation itself does about it. */
  #invoke(event: IncomingEvent, response: ServerResponse): Promise<InvokeOutcome> {
    const { invoke, timeoutMs } = this.#options
    const call = new ReplyCall(Date.now() + timeoutMs, response)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        call.abort()
        reject(this.#timedOut())
      }, timeoutMs)
      const end = <T>(settle: (value: T) => void) => {
        return (value: T): void => {
          clearTimeout(timer)
          settle(value)
        }
      }
      try {
        invoke(event, call).then(end(resolve), end(reject))
      } catch (thrown) {
        end(reject)(thrown)
      }
    })
  }

  #failure(outcome: Exclude<InvokeOutcome, { kind: 'succeeded' }>): SluiceError {
    const { functionName } = this.#options
    if (outcome.kind === 'unavailable') {
      return new SluiceError(
        'SLUICE_HTTP_FUNCTION_PAUSED',
        `the function ${functionName} cannot run: ${outcome.detail}`,
      )
    }
    if (outcome.kind === 'overloaded') {
      return new SluiceError(
        'SLUICE_HTTP_FUNCTION_OVERLOADED',
        `the function ${functionName} is busy; try again later`,
        {
          details: { retryAfterMs: outcome.retryAfterMs ?? 1000 },
        },
      )
    }
    if (outcome.error.reason === 'timeout') return this.#timedOut()
    // The error's own text is for the function's log: it may hold anything, and the sender may be anybody.
    return new SluiceError('SLUICE_HTTP_FUNCTION_FAILED', `the function ${functionName} failed; its log says why`, {
      cause: outcome.error,
      details: { reason: outcome.error.reason },
    })
  }

  #timedOut(): SluiceError {
    const { functionName, timeoutMs } = this.#options
    return new SluiceError(
      'SLUICE_HTTP_FUNCTION_TIMEOUT',
      `the function ${functionName} did not answer within ${timeoutMs} ms`,
    )
  }
}

/** One call's deadline, and its abort signal for whoever asks: most do not, and making one is not free. */
class ReplyCall implements InvokeOptions {
  readonly deadlineMs: number
  readonly #response: ServerResponse
  #controller: AbortController | undefined
  #isAborted = false

  constructor(deadlineMs: number, response: ServerResponse) {
    this.deadlineMs = deadlineMs
    this.#response = response
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#isAborted) this.#controller.abort()
      // 'close' comes after the answer as well, when nobody listens to the signal any more.
      this.#response.once('close', () => this.abort())
    }
    return this.#controller.signal
  }

  abort(): void {
    this.#isAborted = true
    this.#controller?.abort()
  }
}
