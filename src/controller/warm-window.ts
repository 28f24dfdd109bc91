import { weekdays, type WarmWindow } from '../config/sections/scaling.ts'
import type { ScalingPolicy } from '../functions/function-version.ts'

/** A moment on the clock of a time zone. */
interface LocalTime {
  /** 0 is Monday. */
  readonly weekday: number
  readonly minuteOfDay: number
}

const clocks = new Map<string, Intl.DateTimeFormat>()
const shortDays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

/**
 * Workers that have to be warm at a moment: `minWorkers`, or more while a warm window is open; never more than
 * `maxWorkers`. Windows follow the clock on the wall: one from 02:30 to 03:30 is an hour shorter on the night that
 * leaves this hour out.
 *
 * @param wallMs ms since the epoch; undefined: windows are not looked at.
 */
export function warmMinimum(policy: ScalingPolicy, wallMs: number | undefined): number {
  let minimum = policy.minWorkers
  if (policy.warmWindows !== undefined && wallMs !== undefined) {
    for (const window of policy.warmWindows) {
      if (window.minWorkers > minimum && isOpen(window, wallMs)) minimum = window.minWorkers
    }
  }
  return Math.min(minimum, policy.maxWorkers)
}

function isOpen(window: WarmWindow, wallMs: number): boolean {
  const local = localTime(window.timezone, wallMs)
  if (local === undefined) return false
  const { weekday, minuteOfDay } = local
  const from = minutesOf(window.from)
  const to = minutesOf(window.to)
  const beginsOn = (day: number): boolean => window.days.includes(weekdays[day] ?? 'mon')
  if (from < to) return beginsOn(weekday) && minuteOfDay >= from && minuteOfDay < to
  // Past midnight: the part before it belongs to today, the part after it to the window that began yesterday.
  return (beginsOn(weekday) && minuteOfDay >= from) || (beginsOn((weekday + 6) % 7) && minuteOfDay < to)
}

/** Undefined for a time outside of what a calendar knows, or a zone that this Node does not have. */
function localTime(timezone: string, wallMs: number): LocalTime | undefined {
  try {
    let clock = clocks.get(timezone)
    if (clock === undefined) {
      clock = new Intl.DateTimeFormat('en-US', {
        timeZone: timezone,
        weekday: 'short',
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      })
      clocks.set(timezone, clock)
    }
    const parts = new Map(clock.formatToParts(wallMs).map(({ type, value }) => [type, value]))
    return {
      weekday: shortDays.indexOf(parts.get('weekday') ?? ''),
      minuteOfDay: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
    }
  } catch {
    return undefined
  }
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))
}
