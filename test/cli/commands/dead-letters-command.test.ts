import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startApiServer, type ApiServer } from '../../api/api-server.ts'
import { cli, startCli, type CliOptions } from '../test-io.ts'

let server: ApiServer
beforeEach(async () => {
  server = await startApiServer()
})
afterEach(() => server.close())

const letters = (args: readonly string[], options: CliOptions = {}) =>
  cli(['dead-letters', ...args], { ...options, environment: { SLUICE_URL: server.url } })
const calls = (name: string) => server.control.calls.filter(([what]) => what === name)

describe('sluice dead-letters', () => {
  it('lists by trigger, with or without saying so', async () => {
    const { out, code } = await letters(['alerts', '--limit', '2'])
    expect(code).toBe(0)
    expect(out).toBe(
      [
        'ID  AT                        PLACE          KEY  STAGE    ATTEMPTS  REDRIVES  REASON  MESSAGE',
        '3   1970-01-01T00:00:00.000Z  telemetry/0/3  d1   handler         1  -         error   too hot',
        '2   1970-01-01T00:00:00.000Z  telemetry/0/2  d1   handler         1  -         error   too hot',
        '3 in all; older ones: --before 2',
        '',
      ].join('\n'),
    )
    expect((await letters(['list', 'alerts', '--limit', '2'])).out).toBe(out)
  })

  it('hands on every filter', async () => {
    const flags = ['--since', '2026-01-31T09:00:00Z', '--until', '2026-02-01', '--key', 'd1', '--event', 'e1']
    const more = ['--stage', 'sink', '--reason', 'timeout', '--function', 'alert', '--ran-by', '3', '--text', 'hot']
    await letters(['list', 'alerts', ...flags, ...more])
    expect(calls('deadLetters')).toEqual([
      [
        'deadLetters',
        'alerts',
        {
          ...{ fromMs: Date.UTC(2026, 0, 31, 9), toMs: Date.UTC(2026, 1, 1), key: 'd1', eventId: 'e1' },
          ...{ stage: 'sink', reason: 'timeout', function: 'alert', version: '3', text: 'hot' },
        },
      ],
    ])
  })

  it('shows one with its attempts and its data', async () => {
    const { out } = await letters(['show', 'alerts', '2'])
    expect(out).toMatch(/\nplace +telemetry\/0\/2\n/)
    expect(out).toMatch(/\nREDRIVE {2}ATTEMPT .*\n-? +.*1 .*too hot\n/)
    expect(out).toMatch(/\n\{\}\n$/)
    expect(await letters(['show', 'alerts', 'x'])).toMatchObject({ code: 2, err: expect.stringContaining('no id') })
  })

  it('exports to the output or to a file', async () => {
    const { out } = await letters(['export', 'alerts', '--reason', 'error'])
    const ids = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map(line => (JSON.parse(line) as { id: number }).id)
    expect(ids(out)).toEqual([1, 2, 3])
    expect(calls('exportDeadLetters')).toEqual([['exportDeadLetters', 'alerts', { reason: 'error' }]])
    const dir = mkdtempSync(join(tmpdir(), 'sluice-export-'))
    try {
      const file = join(dir, 'letters.ndjson')
      expect((await letters(['export', 'alerts', '-o', file])).out).toBe(`3 dead letters in ${file}\n`)
      expect(ids(readFileSync(file, 'utf8'))).toEqual([1, 2, 3])
      const nowhere = await letters(['export', 'alerts', '-o', join(dir, 'no', 'where')])
      expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining('cannot be written') })
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})

describe('sluice dead-letters delete', () => {
  it('asks before it deletes what a filter finds, and does nothing without a yes', async () => {
    const declined = await letters(['delete', 'alerts', '--key', 'd1'], { answer: 'n' })
    expect(declined).toMatchObject({
      code: 1,
      err: expect.stringContaining('Delete 3 dead letters of alerts (key d1)?'),
    })
    expect(await letters(['delete', 'alerts', '--key', 'd1'])).toMatchObject({ code: 2 })
    expect(calls('deleteDeadLetters').every(([, , , dryRun]) => dryRun === true)).toBe(true)
    const done = await letters(['delete', 'alerts', '--key', 'd1'], { answer: 'yes' })
    expect(done).toMatchObject({ code: 0, out: 'Deleted 2 dead letters of alerts.\n' })
  })

  it('only tells how many with --dry-run', async () => {
    const { out } = await letters(['delete', 'alerts', '--all', '--dry-run'])
    expect(out).toBe('would delete 3 dead letters of alerts (all)\n')
    expect(calls('deleteDeadLetters')).toEqual([['deleteDeadLetters', 'alerts', {}, true]])
  })

  it('deletes some by their ids, when all of them are there', async () => {
    expect(await letters(['delete', 'alerts', '1', '9'])).toMatchObject({ code: 1 })
    expect(calls('deleteDeadLetter')).toEqual([])
    expect((await letters(['delete', 'alerts', '1', '3'])).out).toBe('Deleted 2 dead letters of alerts: 1, 3.\n')
  })

  it.each([[[]], [['1', '--all']], [['--all', '--key', 'd1']]])('wants to know which: not %j', async args => {
    expect(await letters(['delete', 'alerts', ...args])).toMatchObject({
      code: 2,
      err: expect.stringContaining('say which'),
    })
  })
})

describe('sluice dead-letters redrive', () => {
  const running = (fields: object) => Object.assign(server.control.jobs[0] ?? {}, fields)

  it('tells what it would take with --dry-run', async () => {
    const args = ['redrive', 'alerts', '--reason', 'timeout', '--since', '2026-01-31', '--to', '4', '--rate', '2.5']
    const { out, code } = await letters([...args, '--dry-run'])
    expect(code).toBe(0)
    expect(out).toBe('alerts: takes 3 of 4 dead letters; leaves 1 whose redrives failed 3 times (--force takes them)\n')
    expect(calls('planRedrive')).toEqual([
      [
        'planRedrive',
        'alerts',
        { filter: { reason: 'timeout', fromMs: Date.UTC(2026, 0, 31) }, force: false, ratePerS: 2.5, version: '4' },
      ],
    ])
    expect(calls('startRedrive')).toEqual([])
  })

  it('asks, shows a bar until it has ended, and exits with 1 when letters failed again', async () => {
    const terminal = { columns: 100, colors: false }
    const command = startCli(['dead-letters', 'redrive', 'alerts', '--all'], {
      environment: { SLUICE_URL: server.url },
      terminal,
      answer: 'y',
    })
    await command.printed('1/3')
    expect(command.err).toContain('Redrive 3 dead letters of alerts (all)? [y/N]')
    expect(command.err).toMatch(/█+░+ 33 % · 1\/3 · 0 failed · 1 under way/)
    running({ state: 'done', redriven: 3, succeeded: 2, failed: 1, inFlight: 0, endedAtMs: 4_200 })
    const { code, out } = await command.ended
    expect(code).toBe(1)
    expect(out).toContain('redrive 5 of alerts: done, 2 succeeded, 1 failed again in 4.2 s\n')
  })

  it('leaves the redrive going at Ctrl-C and says how to follow it', async () => {
    const command = startCli(['dead-letters', 'redrive', 'alerts', '1', '2'], {
      environment: { SLUICE_URL: server.url },
    })
    while (calls('redrive').length === 0) await new Promise(resolve => setImmediate(resolve))
    command.interrupt()
    const { code, err } = await command.ended
    expect([code, calls('cancelRedrive')]).toEqual([0, []])
    expect(err).toContain('`sluice dead-letters watch alerts 5` follows it')
    expect(calls('startRedrive')).toEqual([['startRedrive', 'alerts', { filter: { ids: [1, 2] }, force: false }]])
  })

  it('lists redrives and cancels one', async () => {
    expect((await letters(['redrives', 'alerts'])).out).toBe('no redrives\n')
    await letters(['redrive', 'alerts', '--all', '--yes', '--no-watch'])
    expect((await letters(['redrives', 'alerts'])).out).toMatch(/^REDRIVE +STATE .*\n5 +running +3 .*reason timeout\n$/)
    expect((await letters(['cancel', 'alerts', '5'])).out).toContain('redrive 5 of alerts: cancelled, 1 succeeded')
  })

  it('does nothing without a yes, nor without saying which', async () => {
    expect(await letters(['redrive', 'alerts', '--all'], { answer: 'no' })).toMatchObject({ code: 1 })
    expect(await letters(['redrive', 'alerts'])).toMatchObject({ code: 2, err: expect.stringContaining('say which') })
    expect(calls('startRedrive')).toEqual([])
  })
})
