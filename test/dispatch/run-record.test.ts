import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RunRecord } from '../../src/dispatch/run-record.ts'
import { invocationOf } from '../workers/worker-fixtures.ts'

let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'sluice-run-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** A process that begins, and dies unless the test ends it. */
function begun(now?: () => number): RunRecord {
  const record = new RunRecord(dir, now)
  record.begin()
  return record
}

describe('RunRecord', () => {
  it('tells nothing at the first start and after a clean end', () => {
    const first = begun()
    expect([first.hasCrashed, first.suspects]).toEqual([false, []])
    expect(first.started('t', 's', [invocationOf(1)])).toBe(0)
    first.end()
    expect(new RunRecord(dir).hasCrashed).toBe(false)
  })

  it('tells after a crash that follows another what was running, and nothing of what had ended', () => {
    begun()
    const second = begun()
    expect([second.hasCrashed, second.suspects]).toEqual([true, []])
    const frames = [[invocationOf(1)], [invocationOf(2), invocationOf(3)]] as const
    second.ended(second.started('t', 's', frames[0]))
    second.started('t', 's', frames[1])
    const places = frames[1].map(({ record: { offset } }) => ({ trigger: 't', stream: 's', partition: 3, offset }))
    expect(new RunRecord(dir).suspects).toEqual(places)
  })

  it('reads past a line that was not written to its end', () => {
    begun()
    begun().started('t', 's', [invocationOf(1)])
    appendFileSync(join(dir, 'running'), '{"id":2,"tri')
    expect(new RunRecord(dir).suspects).toHaveLength(1)
  })

  it('stops to watch after five minutes', () => {
    begun()
    let now = 0
    const record = begun(() => now)
    expect(record.isWatching).toBe(true)
    now = 5 * 60_000
    expect([record.isWatching, record.started('t', 's', [invocationOf(1)])]).toEqual([false, 0])
  })

  it('stays small however many frames it sees, and keeps those that run', () => {
    begun()
    const record = begun()
    record.started('long', 's', [invocationOf(0)])
    const many = Array.from({ length: 500 }, () => invocationOf(1))
    for (let i = 0; i < 500; i++) record.ended(record.started('t', 's', many))
    expect(statSync(join(dir, 'running')).size).toBeLessThan(2 * 1024 * 1024)
    expect(readFileSync(join(dir, 'running'), 'latin1')).not.toContain('\0')
    expect(new RunRecord(dir).suspects).toMatchObject([{ trigger: 'long' }])
  })
})
