import type { RetryPolicy } from '../functions/function-version.ts'

export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | {
      readonly kind: 'exhausted'
      /** `age`: attempts were left, and the next one would begin when the event is older than `maxAgeMs`. */
      readonly limit: 'attempts' | 'age'
    }

/**
 * What follows a failed attempt: exponential backoff with jitter, or the end.
 *
 * @param attempt the attempt that has just failed, 1 for the first.
 * @param random 0 ≤ random < 1; shortens the delay by up to `policy.jitter` of it, so that keys that failed together do
 *   not come back together, and no delay ever exceeds `maxDelayMs`.
 * @param ageMs of the event now; counts against `policy.maxAgeMs`. Default 0.
 */
export function decideRetry(attempt: number, policy: RetryPolicy, random: number, ageMs = 0): RetryDecision {
  if (attempt >= policy.maxAttempts) return { kind: 'exhausted', limit: 'attempts' }
  const doubled = policy.initialDelayMs * 2 ** Math.min(attempt - 1, 52)
  const longestMs = Math.min(doubled, policy.maxDelayMs)
  const delayMs = Math.round(longestMs * (1 - policy.jitter * random))
  // Its key would wait for an attempt that must not begin.
  if (isTooOld(attempt + 1, policy, ageMs + delayMs)) return { kind: 'exhausted', limit: 'age' }
  return { kind: 'retry', delayMs }
}

/** Whether an attempt may not begin at this age. The first one always may: an event is given up for a failure only. */
export function isTooOld(attempt: number, { maxAgeMs = Infinity }: RetryPolicy, ageMs: number): boolean {
  return attempt > 1 && ageMs > maxAgeMs
}
