import { describe, expect, it } from 'vitest'
import { formatLogLine } from '../../src/cli/format-log-line.ts'
import { logLineOf } from '../api/sample-views.ts'

const atMs = Date.UTC(2026, 2, 1, 8, 30)
const plain = { ids: false }

describe('formatLogLine', () => {
  it('tells time, level, version, message and fields', () => {
    const line = logLineOf(1, {
      atMs,
      level: 'warn',
      version: '3',
      message: 'too hot',
      fields: { device: 'd 1', limit: 80 },
    })
    expect(formatLogLine(line, undefined, plain)).toBe(
      '2026-03-01T08:30:00.000Z WARN  3      too hot device="d 1" limit=80\n',
    )
  })

  it('tells the invocation when asked to', () => {
    const line = logLineOf(1, { atMs, invocationId: 'i-1', message: 'x' })
    expect(formatLogLine(line, undefined, { ids: true })).toContain(' x (i-1)\n')
  })

  it('indents further lines, and lets nothing through that a terminal obeys', () => {
    const line = logLineOf(1, {
      atMs,
      level: 'error',
      message: 'Error: no\n    at f\u001b[2J\r',
      fields: { '\u0007': '\u009b1m' },
    })
    const text = formatLogLine(line, undefined, plain)
    expect(text).toBe('2026-03-01T08:30:00.000Z ERROR latest Error: no  = 1m\n        at f [2J\n')
  })

  it('has colours and the local time of day on a terminal', () => {
    const now = new Date()
    now.setHours(9, 5, 7, 12)
    const text = formatLogLine(
      logLineOf(1, { atMs: now.getTime(), level: 'error' }),
      { columns: 80, colors: true },
      plain,
    )
    expect(text).toContain('09:05:07.012')
    expect(text).toContain('\u001b[31mERROR\u001b[39m')
    expect(formatLogLine(logLineOf(1), { columns: 80, colors: false }, plain)).not.toContain('\u001b')
  })
})
