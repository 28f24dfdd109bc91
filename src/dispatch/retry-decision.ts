import type { RetryPolicy } from '../functions/function-version.ts'

export type RetryDecision = { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'exhausted' }

/**
 * What follows a failed attempt: exponential backoff with jitter, or the end.
 *
 * @param attempt the attempt that has just failed, 1 for the first.
 * @param random 0 ≤ random < 1; shortens the delay by up to `policy.jitter` of it, so that keys that failed together do
 *   not come back together, and no delay ever exceeds `maxDelayMs`.
 */
export function decideRetry(attempt: number, policy: RetryPolicy, random: number): RetryDecision {
  if (attempt >= policy.maxAttempts) return { kind: 'exhausted' }
  const doubled = policy.initialDelayMs * 2 ** Math.min(attempt - 1, 52)
  const delayMs = Math.min(doubled, policy.maxDelayMs)
  return { kind: 'retry', delayMs: Math.round(delayMs * (1 - policy.jitter * random)) }
}
