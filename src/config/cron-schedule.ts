import { Cron } from 'croner'
import { messageOf } from '../errors/sluice-error.ts'
import { attributeProblem } from '../events/cloud-event-validation.ts'
import type { ScheduleSourceConfig } from './sections/schedule-source.ts'

/** The ticks of a cron expression. Times are whole seconds, in ms since the epoch. */
export interface CronSchedule {
  /** The first tick after a time; undefined when none comes any more. */
  after(timeMs: number): number | undefined
  /** The last ticks up to and including a time, at most `count`, ascending. */
  lastUntil(timeMs: number, count: number): readonly number[]
}

/** What is wrong with one field of a schedule source. */
export interface ScheduleProblem {
  readonly field: 'cron' | 'timezone' | 'eventType' | 'subject'
  readonly message: string
}

const nickname = /^@(hourly|daily|midnight|weekly|monthly|yearly|annually)$/i

/**
 * Daylight saving: a fixed time such as 02:30 that the clock jumps over runs right after the jump, and one that comes
 * twice runs the first time. What runs at intervals (with a step, list, range or wildcard before the day) follows the
 * real time: nothing in an hour that is not there, twice in an hour that comes twice.
 * @throws {Error} for an expression or time zone that {@link scheduleProblems} names.
 */
export function parseCron(expression: string, timezone: string): CronSchedule {
  const cron = new Cron(expression, { timezone, mode: '5-or-6-parts', paused: true })
  return {
    after: timeMs => cron.nextRun(new Date(timeMs))?.getTime(),
    // Its bound is exclusive.
    lastUntil: (timeMs, count) =>
      cron
        .previousRuns(count, new Date(timeMs + 1))
        .map(Number)
        .reverse(),
  }
}

/** What the schema cannot see of a schedule source. */
export function scheduleProblems(
  source: Pick<ScheduleSourceConfig, 'cron' | 'timezone' | 'eventType' | 'subject'>,
): readonly ScheduleProblem[] {
  const problems: ScheduleProblem[] = []
  const note = (field: ScheduleProblem['field'], message: string | undefined): void => {
    if (message !== undefined) problems.push({ field, message })
  }
  const zoneProblem = timezoneProblem(source.timezone)
  note('timezone', zoneProblem)
  note('cron', cronProblem(source.cron, zoneProblem === undefined ? source.timezone : 'UTC'))
  note('eventType', attributeProblem('type', source.eventType))
  if (source.subject !== undefined) note('subject', attributeProblem('subject', source.subject))
  return problems
}

function timezoneProblem(timezone: string): string | undefined {
  const advice = 'use an IANA name such as Europe/Berlin or UTC'
  // Offsets would pass, but have no daylight saving, which is what most of those who write one want.
  if (/^[+-]/.test(timezone)) return `is an offset, not a time zone; ${advice}`
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
    return undefined
  } catch {
    return `there is no time zone '${timezone}'; ${advice}`
  }
}

function cronProblem(expression: string, timezone: string): string | undefined {
  const fields = expression.trim().split(/\s+/)
  // The library would also take a date, and years.
  if (!nickname.test(expression.trim()) && fields.length !== 5 && fields.length !== 6) {
    const found = `${fields.length} field${fields.length === 1 ? '' : 's'}`
    return `must have 5 fields (minute hour day month weekday), 6 with seconds first, or be @daily and the like; '${expression}' has ${found}`
  }
  try {
    return parseCron(expression, timezone).after(Date.now()) === undefined
      ? `'${expression}' never comes: no such day exists`
      : undefined
  } catch (error) {
    return `'${expression}' is no cron expression: ${messageOf(error).replace(/^Cron\w*: /, '')}`
  }
}
