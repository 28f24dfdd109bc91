import { describe, expect, it } from 'vitest'
import { weekdays, type WarmWindow } from '../../src/config/sections/scaling.ts'
import { warmMinimum } from '../../src/controller/warm-window.ts'

const office: WarmWindow = {
  days: ['mon', 'fri'],
  from: '08:00',
  to: '18:00',
  timezone: 'Europe/Berlin',
  minWorkers: 3,
}
const daily = { ...office, days: [...weekdays] }

const at = (time: string, windows: readonly WarmWindow[], bounds = { minWorkers: 1, maxWorkers: 8 }): number =>
  warmMinimum(
    { ...bounds, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000, warmWindows: windows },
    time === '' ? undefined : Date.parse(time),
  )

describe('warmMinimum', () => {
  it('is minWorkers outside of all windows, and of the window inside, on the clock of its time zone', () => {
    // Winter: Berlin is an hour ahead of UTC. 5 January 2026 is a Monday.
    expect(at('2026-01-05T06:59:59Z', [office])).toBe(1)
    expect(at('2026-01-05T07:00:00Z', [office])).toBe(3)
    expect(at('2026-01-05T16:59:59Z', [office])).toBe(3)
    expect(at('2026-01-05T17:00:00Z', [office])).toBe(1)
    expect(at('2026-01-06T10:00:00Z', [office])).toBe(1)
    // Summer: two hours.
    expect(at('2026-07-06T06:00:00Z', [office])).toBe(3)
  })

  it('lets a window that passes midnight belong to the day on which it begins', () => {
    const night = { ...office, days: ['fri' as const], from: '22:00', to: '06:00', timezone: 'UTC' }
    expect(at('2026-01-09T21:59:00Z', [night])).toBe(1)
    expect(at('2026-01-09T23:00:00Z', [night])).toBe(3)
    expect(at('2026-01-10T05:59:00Z', [night])).toBe(3)
    expect(at('2026-01-10T06:00:00Z', [night])).toBe(1)
    expect(at('2026-01-09T05:00:00Z', [night])).toBe(1)
  })

  it('takes the largest of windows that overlap, and at most maxWorkers', () => {
    const windows = [office, { ...daily, minWorkers: 5, from: '09:00', to: '10:00' }]
    expect(at('2026-01-05T08:30:00Z', windows)).toBe(5)
    expect(at('2026-01-05T08:30:00Z', windows, { minWorkers: 0, maxWorkers: 4 })).toBe(4)
  })

  it('covers a whole day from 00:00 to 24:00', () => {
    const day = { ...daily, from: '00:00', to: '24:00', timezone: 'UTC' }
    for (const time of ['00:00:00', '12:00:00', '23:59:59']) expect(at(`2026-01-05T${time}Z`, [day])).toBe(3)
  })

  it('follows the clock on the wall over the change to summer time', () => {
    // On 29 March 2026 the clock in Berlin goes from 02:00 to 03:00.
    const early = { ...daily, from: '01:30', to: '03:30' }
    expect(at('2026-03-29T00:29:00Z', [early])).toBe(1)
    expect(at('2026-03-29T00:59:00Z', [early])).toBe(3)
    expect(at('2026-03-29T01:29:00Z', [early])).toBe(3)
    expect(at('2026-03-29T01:30:00Z', [early])).toBe(1)
  })

  it('does without windows when the time or the zone is not known', () => {
    expect(at('', [daily])).toBe(1)
    expect(at('2026-01-05T10:00:00Z', [{ ...daily, timezone: 'Atlantis/Poseidonis' }])).toBe(1)
    const policy = { minWorkers: 1, maxWorkers: 8, targetDrainMs: 1, scaleToZeroAfterMs: 1, warmWindows: [daily] }
    expect(warmMinimum(policy, 1e300)).toBe(1)
  })
})
