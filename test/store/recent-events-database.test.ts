import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EventMoment } from '../../src/store/event-moment.ts'
import { RecentEventsDatabase } from '../../src/store/recent-events-database.ts'
import type { RecentEventsBounds } from '../../src/store/recent-events.ts'
import { chunkOf, doneAt } from './arbitrary-moments.ts'

let dir: string
let warnings: string[]
const open: RecentEventsDatabase[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-recent-events-'))
  warnings = []
})
afterEach(() => {
  closeAll()
  rmSync(dir, { recursive: true, force: true })
})

function openDatabase(bounds: Partial<RecentEventsBounds> = {}): RecentEventsDatabase {
  const all = { maxBytes: 1e12, maxAgeMs: 1e12, ...bounds }
  const database = new RecentEventsDatabase(dir, all, message => warnings.push(message))
  open.push(database)
  return database
}

function closeAll(): void {
  for (const database of open.splice(0)) database.close()
}

const file = (): string => join(dir, 'recent-events.sqlite')
const offsets = (database: RecentEventsDatabase): number[] =>
  database
    .find({ wanted: { kind: 'newest' }, limit: 200 })
    .events.map(({ offset }) => offset)
    .sort((a, b) => a - b)
/** A moment of some 10 KB. */
const bulky = (atMs: number, offset: number): EventMoment =>
  doneAt(atMs, offset, { deadLetter: { stage: 'handler', reason: 'error', message: 'm'.repeat(10_000) } })

describe('the file of recent events', () => {
  it('gives back what was kept, also after reopening', () => {
    openDatabase().keep(chunkOf([doneAt(10, 1), doneAt(20, 2)]))
    closeAll()
    const { events, gaps } = openDatabase().find({ wanted: { kind: 'newest' }, limit: 10 })
    expect(events).toEqual([
      { stream: 'orders', partition: 0, offset: 2, moments: [doneAt(20, 2)] },
      { stream: 'orders', partition: 0, offset: 1, moments: [doneAt(10, 1)] },
    ])
    expect(gaps).toEqual({ fromMs: null, toMs: null, events: 0, crashes: 0 })
  })

  it('lets the oldest usual events go, and the notable ones stay in their own half', () => {
    const database = openDatabase({ maxBytes: 200_000 })
    for (let offset = 0; offset < 5; offset++) database.keep(chunkOf([bulky(offset, offset)], true))
    for (let offset = 100; offset < 150; offset++) database.keep(chunkOf([bulky(offset, offset)]))
    const kept = offsets(database)
    expect(kept.slice(0, 5)).toEqual([0, 1, 2, 3, 4])
    expect(kept.slice(5)).toEqual([141, 142, 143, 144, 145, 146, 147, 148, 149])
  })

  it('stays within its bound on disk, however much comes', () => {
    const database = openDatabase({ maxBytes: 1_000_000 })
    for (let offset = 0; offset < 400; offset++) database.keep(chunkOf([bulky(offset, offset)], offset % 2 === 0))
    closeAll()
    // Pages have some room left.
    expect(statSync(file()).size).toBeLessThan(1_500_000)
  })

  it('counts what it has when it is opened', () => {
    openDatabase({ maxBytes: 200_000 }).keep(chunkOf([bulky(1, 1)]))
    closeAll()
    const database = openDatabase({ maxBytes: 200_000 })
    for (let offset = 2; offset < 12; offset++) database.keep(chunkOf([bulky(offset, offset)]))
    expect(offsets(database)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11])
  })

  it('lets what is too old go', () => {
    const database = openDatabase({ maxAgeMs: 100 })
    database.keep(chunkOf([doneAt(10, 1)]))
    database.keep(chunkOf([doneAt(200, 2)]))
    database.keepGap({ fromMs: 5, toMs: 10, events: 3 })
    database.trimAged(250)
    expect(offsets(database)).toEqual([2])
    expect(database.find({ wanted: { kind: 'newest' }, limit: 1 }).gaps.events).toBe(0)
  })

  it('adds up what was left out', () => {
    const database = openDatabase()
    database.keepGap({ fromMs: 10, toMs: 20, events: 3 })
    database.keepGap({ fromMs: 20, toMs: 40, events: 4 })
    const gaps = (query: { fromMs?: number; toMs?: number }) =>
      database.find({ wanted: { kind: 'newest' }, limit: 1, ...query }).gaps
    expect(gaps({})).toEqual({ fromMs: 10, toMs: 40, events: 7, crashes: 0 })
    expect(gaps({ fromMs: 30 })).toEqual({ fromMs: 20, toMs: 40, events: 4, crashes: 0 })
  })

  it('knows that a run before did not end', () => {
    const abandoned = openDatabase()
    abandoned.keep(chunkOf([doneAt(10, 1)]))
    open.pop()
    // As a process leaves it that is killed.
    const { gaps } = openDatabase().find({ wanted: { kind: 'newest' }, limit: 1 })
    expect(gaps).toMatchObject({ fromMs: 10, events: 0, crashes: 1 })
    abandoned.close()
  })

  it('begins anew when the file is damaged or of a newer version, and says so', () => {
    writeFileSync(file(), 'this is no database, and long enough to be looked at as one: '.repeat(50))
    expect(offsets(openDatabase())).toEqual([])
    closeAll()
    const newer = new DatabaseSync(file())
    newer.exec('PRAGMA user_version = 99')
    newer.close()
    expect(offsets(openDatabase())).toEqual([])
    expect(warnings).toHaveLength(2)
    expect(warnings[1]).toContain('format 99')
    expect(existsSync(file())).toBe(true)
  })
})
