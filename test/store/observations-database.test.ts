import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ObservationsDatabase, type ObservationsBounds } from '../../src/store/observations-database.ts'
import { logLevels, type FunctionLogLine, type KeptLogLine, type LogQuery } from '../../src/store/observations.ts'
import { logLine, messagesOf, numbered } from './observations-lines.ts'

let dir: string
let warnings: string[]
const open: ObservationsDatabase[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-observations-'))
  warnings = []
})
afterEach(() => {
  for (const database of open.splice(0)) database.close()
  rmSync(dir, { recursive: true, force: true })
})

function openDatabase(bounds: Partial<ObservationsBounds> = {}): ObservationsDatabase {
  const database = new ObservationsDatabase(
    { dir, maxLines: 1_000_000, maxAgeMs: 1e12, maxBytes: 1e12, ...bounds },
    message => warnings.push(message),
  )
  open.push(database)
  return database
}

function closeAll(): void {
  for (const database of open.splice(0)) database.close()
}

const file = (): string => join(dir, 'observations.sqlite')
const aside = (): string => join(dir, 'observations.aside.sqlite')

describe('the file of observations', () => {
  it('gives lines back as they came, newest first, also after reopening', () => {
    const full = logLine('all of it', {
      fields: '{"a":1}',
      invocationId: 'i-1',
      trigger: 'orders',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      level: 'error',
    })
    const first = logLine('first')
    const ids = openDatabase().write([first, full], [])
    closeAll()
    const database = openDatabase()
    const [newer, older] = database.logs({ limit: 10 })
    expect(newer).toEqual({ ...full, id: ids[1] })
    expect(older).toEqual({ ...first, id: ids[0] })
    const [next] = database.write([logLine('third')], [])
    expect(next).toBeGreaterThan(ids[1] as number)
  })

  it('finds exactly what a query asks for', () => {
    const words = fc.constantFrom('Alpha', 'beta', 'ÄRGER', 'ärger', '100%', "it's", 'a\u0000b', '')
    const lines = fc.array(
      fc.record(
        {
          atMs: fc.nat(50),
          function: fc.constantFrom('f', 'g'),
          version: fc.constantFrom('1', 'latest'),
          kind: fc.constantFrom('console' as const, 'lifecycle' as const),
          level: fc.constantFrom(...logLevels),
          message: words,
          fields: words,
          invocationId: fc.constantFrom('i', 'j'),
          traceId: fc.constantFrom('t', 'u'),
        },
        { requiredKeys: ['atMs', 'function', 'version', 'kind', 'level', 'message'] },
      ),
      { maxLength: 30 },
    )
    const query = fc.record(
      {
        function: fc.constantFrom('f', 'g', 'h'),
        version: fc.constantFrom('1', 'latest'),
        level: fc.constantFrom(...logLevels),
        fromMs: fc.nat(50),
        toMs: fc.nat(50),
        text: fc.constantFrom('alpha', 'BETA', 'Ärger', '%', "'", 'B', '', 'pha'),
        invocationId: fc.constantFrom('i', 'k'),
        traceId: fc.constantFrom('t', 'v'),
        beforeId: fc.nat(40),
        afterId: fc.nat(40),
        limit: fc.integer({ min: 1, max: 12 }),
      },
      { requiredKeys: ['limit'] },
    )
    fc.assert(
      fc.property(lines, fc.array(query, { minLength: 1, maxLength: 8 }), (given, queries) => {
        const database = openDatabase()
        try {
          const ids = database.write(given as FunctionLogLine[], [])
          const kept = given.map((line, index) => ({ ...line, id: ids[index] }) as KeptLogLine)
          for (const asked of queries)
            expect(database.logs(asked as LogQuery)).toEqual(expected(kept, asked as LogQuery))
        } finally {
          closeAll()
          rmSync(file(), { force: true })
        }
      }),
      { numRuns: 60 },
    )
  })

  it('never gives more than a thousand lines', () => {
    const database = openDatabase()
    database.write(numbered(1_500), [])
    expect(database.logs({ limit: 1_000_000 })).toHaveLength(1_000)
    expect(database.logs({ limit: 0 })).toHaveLength(1)
  })

  it('keeps the newest lines of too many, in steps', () => {
    const database = openDatabase({ maxLines: 500 })
    const ids = database.write(numbered(3_000), [])
    let steps = 0
    while (database.trimExcess()) steps++
    expect(steps).toBe(3)
    const left = database.logs({ limit: 1_000 })
    expect(left).toHaveLength(500)
    expect(left.at(-1)?.id).toBe(ids[2_500])
    expect(database.trimExcess()).toBe(false)
    // What was there before counts too.
    closeAll()
    const again = openDatabase({ maxLines: 100 })
    while (again.trimExcess());
    expect(again.logs({ limit: 1_000 })).toHaveLength(100)
  })

  it('never gives an id again, even when nothing is left', () => {
    const database = openDatabase({ maxLines: 0 })
    const ids = database.write(numbered(10), [])
    while (database.trimExcess());
    expect(database.logs({ limit: 10 })).toEqual([])
    closeAll()
    const [next] = openDatabase().write([logLine('next')], [])
    expect(next).toBeGreaterThan(ids[9] as number)
  })

  it('forgets lines by their age, and samples after an hour', () => {
    const nowMs = 1_700_000_000_000
    const database = openDatabase({ maxAgeMs: 86_400_000 })
    const minutesAgo = (minutes: number): number => nowMs - minutes * 60_000
    const sample = (atMs: number) => ({ atMs, function: 'price', version: '1', values: '{}' })
    database.write(
      [logLine('old', { atMs: minutesAgo(1_441) }), logLine('young', { atMs: minutesAgo(1_439) })],
      [70, 61, 1, -70].map(minutes => sample(minutesAgo(minutes))),
    )
    while (database.trimAged(nowMs));
    expect(messagesOf(database.logs({ limit: 10 }))).toEqual(['young'])
    expect(database.samples('price', 0).map(({ atMs }) => atMs)).toEqual([minutesAgo(61), minutesAgo(1)])
  })

  it('keeps the file within its size', () => {
    const database = openDatabase({ maxBytes: 1024 * 1024 })
    for (let round = 0; round < 20; round++) {
      database.write(
        numbered(100, round * 100).map(line => ({ ...line, fields: 'x'.repeat(8_000) })),
        [],
      )
      while (database.trimExcess());
    }
    closeAll()
    expect(readFileSync(file()).length).toBeLessThan(3 * 1024 * 1024)
  })

  it('gives the samples of one function by time, also two of one interval', () => {
    const database = openDatabase()
    const sample = (atMs: number, values: string, name = 'price') => ({ atMs, function: name, version: '1', values })
    database.write([], [sample(20, 'c'), sample(10, 'a'), sample(10, 'b'), sample(10, 'x', 'tax'), sample(5, 'y')])
    expect(database.samples('price', 10)).toEqual([sample(10, 'a'), sample(10, 'b'), sample(20, 'c')])
  })

  it('leaves out a line that is none and keeps those beside it', () => {
    const database = openDatabase()
    const bad = [
      logLine(null as unknown as string),
      logLine('x', { atMs: NaN }),
      logLine('y', { function: {} as unknown as string }),
    ]
    const ids = database.write([logLine('before'), ...bad, logLine('after')], [])
    expect(ids.map(id => id > 0)).toEqual([true, false, false, false, true])
    expect(messagesOf(database.logs({ limit: 10 }))).toEqual(['after', 'before'])
  })

  it.each([
    ['is no database', () => writeFileSync(file(), 'something of its own, long enough to be looked at as a database')],
    [
      'is of a newer version',
      () => {
        const database = new DatabaseSync(file())
        database.exec('PRAGMA user_version = 99; CREATE TABLE "something of its own" (a)')
        database.close()
      },
    ],
    [
      'has other tables',
      () => {
        const database = new DatabaseSync(file())
        database.exec('CREATE TABLE lines ("something of its own" TEXT)')
        database.close()
      },
    ],
  ])('puts a file aside that %s, and says so', (_, prepare) => {
    prepare()
    const database = openDatabase()
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(aside())
    expect(readFileSync(aside()).includes('something of its own')).toBe(true)
    expect(database.write([logLine('new')], [])[0]).toBeGreaterThan(0)
    expect(messagesOf(database.logs({ limit: 10 }))).toEqual(['new'])
  })

  it('begins anew when a damage shows only later', () => {
    openDatabase().write(numbered(5_000), [])
    closeAll()
    damageTablePages(file())
    const database = openDatabase()
    expect(warnings).toEqual([])
    expect(database.logs({ limit: 1_000 })).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('malformed')])
    database.write([logLine('new')], [])
    expect(messagesOf(database.logs({ limit: 10 }))).toEqual(['new'])
    // Again and again: one old file is kept.
    closeAll()
    damageTablePages(file())
    const again = openDatabase()
    again.write([logLine('newer')], [])
    expect(messagesOf(again.logs({ limit: 10 }))).toEqual(['newer'])
    expect(warnings).toHaveLength(2)
    expect(existsSync(aside())).toBe(true)
  })

  it('fails where it cannot be', () => {
    writeFileSync(join(dir, 'file'), '')
    expect(() => openDatabase({ dir: join(dir, 'file') })).toThrow(/EEXIST|ENOTDIR/)
    expect(warnings).toEqual([])
  })
})

/** What the query means, said again in another way. */
function expected(lines: readonly KeptLogLine[], query: LogQuery): readonly KeptLogLine[] {
  const { text, level = 'trace', fromMs = 0, toMs = Infinity, beforeId = Infinity, afterId } = query
  const holds = (part: string | undefined): boolean =>
    part !== undefined && part.toLowerCase().includes((text ?? '').toLowerCase())
  const found = lines.filter(
    line =>
      line.function === (query.function ?? line.function) &&
      line.version === (query.version ?? line.version) &&
      (query.invocationId === undefined || line.invocationId === query.invocationId) &&
      (query.traceId === undefined || line.traceId === query.traceId) &&
      logLevels.indexOf(line.level) >= logLevels.indexOf(level) &&
      line.atMs >= fromMs &&
      line.atMs < toMs &&
      line.id < beforeId &&
      line.id > (afterId ?? 0) &&
      (holds(line.message) || holds(line.fields)),
  )
  return (afterId === undefined ? found.toReversed() : found).slice(0, query.limit)
}

/** Spoils the leaf pages of all tables but not those of the indexes, nor the schema: opening reads none of them. */
function damageTablePages(path: string): void {
  const bytes = readFileSync(path)
  for (let page = 4096; page < bytes.length; page += 4096) if (bytes[page] === 0x0d) bytes.fill(0x55, page, page + 100)
  writeFileSync(path, bytes)
}
