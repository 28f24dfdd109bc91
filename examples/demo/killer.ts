import { setTimeout as wait } from 'node:timers/promises'
import type { GatewayChild } from './gateway-child.ts'

/** What killing has come to so far. */
export interface KillReport {
  readonly planned: number
  killed: number
  /** ms from each start after a kill to its readiness. */
  readonly readyMs: number[]
}

export interface KillPlan {
  readonly gateway: GatewayChild
  readonly report: KillReport
  readonly random: () => number
  /** Events that the gateway has to accept. */
  readonly total: number
  /** How many of them are accepted by now. */
  readonly accepted: () => number
  readonly signal: AbortSignal
}

const pollMs = 5
/** Kills come up to so long after their progress is reached, to fall anywhere between two commits. */
const maxDelayMs = 150

/**
 * Kills the gateway at random progress, so that every kill falls while events are flowing, and a seed repeats it. Each
 * restart meets the senders that catch up, which is when the next kill may already be due.
 */
export async function killAgainAndAgain({ gateway, report, random, total, accepted, signal }: KillPlan): Promise<void> {
  const thresholds = Array.from({ length: report.planned }, () => (0.03 + 0.94 * random()) * total).sort(
    (a, b) => a - b,
  )
  for (const threshold of thresholds) {
    const delayMs = maxDelayMs * random()
    while (accepted() < threshold) await wait(pollMs, undefined, { signal })
    await wait(delayMs, undefined, { signal })
    await gateway.kill()
    report.killed++
    signal.throwIfAborted()
    report.readyMs.push(await gateway.start())
  }
}
