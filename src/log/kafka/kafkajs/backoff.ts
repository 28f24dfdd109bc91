/** Waiting times that double from `minMs` to `maxMs`, each spread over its upper half so that clients do not march in step. */
export class Backoff {
  readonly #minMs: number
  readonly #maxMs: number
  readonly #random: () => number
  #attempt = 0

  constructor(minMs: number, maxMs: number, random: () => number = Math.random) {
    this.#minMs = minMs
    this.#maxMs = maxMs
    this.#random = random
  }

  nextMs(): number {
    const fullMs = Math.min(this.#maxMs, this.#minMs * 2 ** this.#attempt)
    if (fullMs < this.#maxMs) this.#attempt += 1
    return fullMs * (0.5 + this.#random() / 2)
  }

  reset(): void {
    this.#attempt = 0
  }
}

/** Resolves after `timeMs`, or at once when the signal is or gets aborted: the caller looks at it. Never rejects. */
export function wait(timeMs: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, timeMs)
    signal.addEventListener('abort', done, { once: true })
  })
}

/** The value, or undefined when it takes longer than `timeoutMs`; the promise goes on, and its failure is nobody's. */
export async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), timeoutMs)
  })
  promise.catch(() => undefined)
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
