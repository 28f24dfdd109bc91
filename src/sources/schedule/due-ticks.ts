import type { CronSchedule } from '../../config/cron-schedule.ts'
import type { ScheduleSourceConfig } from '../../config/sections/schedule-source.ts'

/** What becomes of missed ticks. */
export type MissedPolicy = ScheduleSourceConfig['missed']

export interface DueTicks {
  /** Fire these now, in this order. */
  readonly ticks: readonly number[]
  /** The first tick that is not due yet; undefined when none comes any more. */
  readonly nextMs: number | undefined
}

/** A tick that is later than this was missed; one that is not so late fires under every policy. */
export const missedAfterMs = 60_000

/** Most missed ticks that are made up for; the older ones are left out. */
export const maxMissedTicks = 1_000

/**
 * Which ticks to fire: those after `lastMs` up to `nowMs`, of which the missed ones are thinned out by the policy.
 * Nothing at or before `lastMs` ever comes out, so that a clock that was set back brings no tick twice.
 *
 * @param lastMs up to when ticks are done.
 */
export function decideDueTicks(schedule: CronSchedule, lastMs: number, nowMs: number, policy: MissedPolicy): DueTicks {
  const nextMs = schedule.after(Math.max(lastMs, nowMs))
  const missedUntilMs = nowMs - missedAfterMs - 1
  const missed = missedUntilMs > lastMs ? missedTicks(schedule, lastMs, missedUntilMs, policy) : []
  return { ticks: [...missed, ...ticksBetween(schedule, Math.max(lastMs, missedUntilMs), nowMs)], nextMs }
}

function missedTicks(schedule: CronSchedule, lastMs: number, untilMs: number, policy: MissedPolicy): readonly number[] {
  if (policy === 'skip') return []
  if (policy === 'last') return schedule.lastUntil(untilMs, 1).filter(tickMs => tickMs > lastMs)
  // Forward from the last tick, because mostly few were missed; a year of seconds is not walked through.
  const all = ticksBetween(schedule, lastMs, untilMs, maxMissedTicks + 1)
  return all.length <= maxMissedTicks ? all : schedule.lastUntil(untilMs, maxMissedTicks)
}

/** Ticks after one time up to and including another. */
function ticksBetween(schedule: CronSchedule, afterMs: number, untilMs: number, limit = Infinity): number[] {
  const ticks: number[] = []
  let tickMs = schedule.after(afterMs)
  while (tickMs !== undefined && tickMs <= untilMs && ticks.length < limit) {
    ticks.push(tickMs)
    tickMs = schedule.after(tickMs)
  }
  return ticks
}
