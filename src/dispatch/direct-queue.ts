import { SluiceError } from '../errors/sluice-error.ts'
import type { CallLimits } from '../functions/function-version.ts'
import { retryDelayMs, withJitter } from '../log/retry-delay.ts'
import type { DirectInvocation } from './direct-invocation.ts'

export interface DirectQueueOptions {
  /** Of the function, for messages. */
  readonly name: string
  readonly maxInvocations: number
  /** One alone may be larger. Default 64 MiB. */
  readonly maxBytes?: number | undefined
}

const defaultMaxBytes = 64 * 1024 * 1024

/** What the limits of the function have to say when one more invocation wants to wait. */
export interface PermitFacts {
  readonly limits: CallLimits
  /** Calls that may begin now as far as only their number at a time counts. */
  readonly freeAtOnce: number
  /** How long until the rate permits one more than wait already, in ms. */
  readonly tokenWaitMs: number
  /** Smoothed handler time of one call; undefined: not known. */
  readonly serviceTimeMs: number | undefined
}

/** The direct invocations of one version that wait for a worker, oldest first; bounded. */
export class DirectQueue {
  readonly #options: DirectQueueOptions
  readonly #waiting: DirectInvocation[] = []
  #bytes = 0

  constructor(options: DirectQueueOptions) {
    this.#options = options
  }

  get length(): number {
    return this.#waiting.length
  }

  /** @throws {SluiceError} SLUICE_DISPATCH_OVERLOADED, SLUICE_DISPATCH_LIMITED. */
  checkRoom(byteLength: number, permits: PermitFacts): void {
    const { name, maxInvocations, maxBytes = defaultMaxBytes } = this.#options
    const { length } = this
    if (length >= maxInvocations || (length > 0 && this.#bytes + byteLength > maxBytes)) {
      throw new SluiceError(
        'SLUICE_DISPATCH_OVERLOADED',
        `${length} invocations of function ${name} with ${this.#bytes} bytes wait already; try again later`,
      )
    }
    this.#checkLimits(permits)
  }

  push(invocation: DirectInvocation): void {
    this.#waiting.push(invocation)
    this.#bytes += invocation.byteLength
  }

  take(count: number): readonly DirectInvocation[] {
    const taken = this.#waiting.splice(0, count)
    for (const { byteLength } of taken) this.#bytes -= byteLength
    return taken
  }

  /** As many may wait as begin within a second, or as may run at a time: whoever waits shall not wait for long. */
  #checkLimits({ limits, freeAtOnce, tokenWaitMs, serviceTimeMs }: PermitFacts): void {
    const { maxConcurrency = Infinity, ratePerSecond } = limits
    const { length } = this
    if (tokenWaitMs > longestTokenWaitMs) {
      throw this.#limited(`${ratePerSecond}/s`, withJitter(tokenWaitMs, Math.random()))
    }
    if (length - freeAtOnce < maxConcurrency) return
    const endPerSecond = serviceTimeMs === undefined ? undefined : (maxConcurrency * 1_000) / Math.max(serviceTimeMs, 1)
    throw this.#limited(`${maxConcurrency} at once`, retryDelayMs(length + 1, endPerSecond, Math.random()))
  }

  #limited(limit: string, retryAfterMs: number): SluiceError {
    return new SluiceError(
      'SLUICE_DISPATCH_LIMITED',
      `function ${this.#options.name} is limited to ${limit} (limits), and ${this.length} wait already; try again later`,
      { details: { retryAfterS: Math.ceil(retryAfterMs / 1_000) } },
    )
  }
}

const longestTokenWaitMs = 1_000
