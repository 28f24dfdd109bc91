import { describe, expect, it } from 'vitest'
import { parseCron, scheduleProblems } from '../../src/config/cron-schedule.ts'

const source = { cron: '0 3 * * *', timezone: 'Europe/Berlin', eventType: 'nightly' }
const ms = (time: string): number => Date.parse(time)
const iso = (timesMs: readonly number[]): string[] => timesMs.map(timeMs => new Date(timeMs).toISOString().slice(0, 16))

function ticksOf(cron: string, from: string, to: string): string[] {
  const schedule = parseCron(cron, 'Europe/Berlin')
  const ticks: number[] = []
  for (let tick = schedule.after(ms(from)); tick !== undefined && tick < ms(to); tick = schedule.after(tick))
    ticks.push(tick)
  return iso(ticks)
}

describe('the ticks of a cron expression', () => {
  it('are meant in the wall clock of the time zone', () => {
    expect(ticksOf('0 3 * * *', '2026-01-01T00:00:00Z', '2026-01-03T00:00:00Z')).toEqual([
      '2026-01-01T02:00', '2026-01-02T02:00',
    ]) // prettier-ignore
    expect(ticksOf('@daily', '2026-07-01T00:00:00Z', '2026-07-02T00:00:00Z')).toEqual(['2026-07-01T22:00'])
  })

  it('come right after an hour that the clock jumps over, and once in an hour that comes twice', () => {
    expect(ticksOf('30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z')).toEqual([
      '2026-03-29T01:00', '2026-03-30T00:30',
    ]) // prettier-ignore
    expect(ticksOf('30 2 * * *', '2026-10-24T12:00:00Z', '2026-10-26T12:00:00Z')).toEqual([
      '2026-10-25T00:30', '2026-10-26T01:30',
    ]) // prettier-ignore
  })

  it('follow the real time where they are intervals', () => {
    expect(ticksOf('0,30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-29T12:00:00Z')).toEqual([])
    expect(ticksOf('0,30 2 * * *', '2026-10-24T12:00:00Z', '2026-10-25T12:00:00Z')).toEqual([
      '2026-10-25T00:00', '2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30',
    ]) // prettier-ignore
  })

  it('are found backwards as forwards, with the bound itself', () => {
    const schedule = parseCron('0 3 * * *', 'Europe/Berlin')
    expect(iso(schedule.lastUntil(ms('2026-01-03T02:00:00Z'), 2))).toEqual(['2026-01-02T02:00', '2026-01-03T02:00'])
    expect(iso(schedule.lastUntil(ms('2026-01-03T01:59:59.999Z'), 1))).toEqual(['2026-01-02T02:00'])
    expect(schedule.after(ms('2026-01-03T02:00:00Z'))).toBe(ms('2026-01-04T02:00:00Z'))
    expect(schedule.after(ms('2026-01-03T01:59:59.999Z'))).toBe(ms('2026-01-03T02:00:00Z'))
  })
})

describe('scheduleProblems', () => {
  it.each(['* * * * *', '*/10 * * * * *', '0 8-18/2 * * MON-FRI', '@hourly', '@YEARLY', '0 0 L * *', '0 0 29 2 *'])(
    'finds nothing wrong with %s',
    cron => expect(scheduleProblems({ ...source, cron })).toEqual([]),
  )

  it.each([
    ['0 3 * *', /must have 5 fields .* '0 3 \* \*' has 4 fields/],
    ['* * * * * * 2026', /has 7 fields/],
    ['nightly', /has 1 field$/],
    ['2026-01-01T00:00:00', /has 1 field$/],
    ['@reboot', /must have 5 fields/],
    ['@every 5m', /must have 5 fields/],
    ['61 * * * *', /'61 \* \* \* \*' is no cron expression: Invalid value for minute: 61/],
    ['* * * * FUNDAY', /is no cron expression/],
    ['*/0 * * * *', /is no cron expression/],
    ['0 0 30 2 *', /never comes/],
  ])('says what is wrong with %s', (cron, message) => {
    const problems = scheduleProblems({ ...source, cron })
    expect(problems).toEqual([{ field: 'cron', message: expect.stringMatching(message) as string }])
  })

  it.each(['Mars/Base', '+01:00', '-05:00', 'Europe/Berlin ', 'constructor'])('refuses the time zone %s', timezone => {
    const problems = scheduleProblems({ ...source, timezone })
    expect(problems).toEqual([{ field: 'timezone', message: expect.stringContaining('IANA') as string }])
  })

  it('tells all problems at once, also of what becomes an attribute', () => {
    const problems = scheduleProblems({ cron: 'x', timezone: 'y', eventType: 'a\u0000', subject: '' })
    expect(problems.map(({ field }) => field)).toEqual(['timezone', 'cron', 'eventType', 'subject'])
  })
})
