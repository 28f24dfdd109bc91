import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RunRecord, type FrameNote } from '../../src/dispatch/run-record.ts'
import type { Invocation } from '../../src/workers/invocation.ts'
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

/** A worker gets a frame. */
function started(
  record: RunRecord,
  frame: readonly Invocation[],
  trigger = 't',
  always = false,
): FrameNote | undefined {
  const note = record.note(trigger, 's', frame, always)
  note?.begin()
  return note
}

describe('RunRecord', () => {
  it('tells nothing at the first start and after a clean end', () => {
    const first = begun()
    expect([first.hasCrashed, first.suspects]).toEqual([false, []])
    expect(first.note('t', 's', [invocationOf(1)])).toBeUndefined()
    first.end()
    expect(new RunRecord(dir).hasCrashed).toBe(false)
  })

  it('tells after a crash that follows another what was running, and nothing of what had ended', () => {
    begun()
    const second = begun()
    expect([second.hasCrashed, second.suspects]).toEqual([true, []])
    const frames = [[invocationOf(1)], [invocationOf(2), invocationOf(3)]] as const
    started(second, frames[0])?.end()
    started(second, frames[1])
    const places = frames[1].map(({ record: { offset } }) => ({ trigger: 't', stream: 's', partition: 3, offset }))
    expect(new RunRecord(dir).suspects).toEqual(places)
  })

  it('tells of a frame that is noted always, before any crash, and of none that waits for its worker', () => {
    const first = begun()
    first.note('t', 's', [invocationOf(1)], true)
    expect(new RunRecord(dir).suspects).toEqual([])
    const note = started(first, [invocationOf(2)], 't', true)
    expect(new RunRecord(dir).suspects).toHaveLength(1)
    // It goes to another worker: that is one frame.
    note?.begin()
    expect(new RunRecord(dir).suspects).toHaveLength(1)
    note?.end()
    expect(new RunRecord(dir).suspects).toEqual([])
  })

  it('reads past a line that was not written to its end', () => {
    begun()
    started(begun(), [invocationOf(1)])
    appendFileSync(join(dir, 'running'), '{"id":2,"tri')
    expect(new RunRecord(dir).suspects).toHaveLength(1)
  })

  it('stops to watch after five minutes', () => {
    begun()
    let now = 0
    const record = begun(() => now)
    expect(record.isWatching).toBe(true)
    now = 5 * 60_000
    expect([record.isWatching, record.note('t', 's', [invocationOf(1)])]).toEqual([false, undefined])
  })

  it('stays small however many frames it sees, and keeps those that run', () => {
    begun()
    const record = begun()
    started(record, [invocationOf(0)], 'long')
    const many = Array.from({ length: 500 }, () => invocationOf(1))
    for (let i = 0; i < 500; i++) started(record, many)?.end()
    expect(statSync(join(dir, 'running')).size).toBeLessThan(2 * 1024 * 1024)
    expect(readFileSync(join(dir, 'running'), 'latin1')).not.toContain('\0')
    expect(new RunRecord(dir).suspects).toMatchObject([{ trigger: 'long' }])
  })
})
