import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { searchMoments, type ChunkRange, type StoredChunk } from './moment-search.ts'
import { isDamage } from './observations-database.ts'
import type { MomentChunk, MomentGap, MomentQuery, RecentEventsAnswer, RecentEventsBounds } from './recent-events.ts'

const schemaVersion = 1
const schema = `
  CREATE TABLE IF NOT EXISTS chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, notable INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, data BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS gaps (
    id INTEGER PRIMARY KEY AUTOINCREMENT, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, events INTEGER
  ) STRICT;
  CREATE TABLE IF NOT EXISTS run (ended INTEGER NOT NULL) STRICT;
`
/** What a row costs beside its bytes. */
const rowBytes = 100
const maxGaps = 10_000
/** Rows that one step of trimming takes away. */
const trimRows = 64

/**
 * The file of what happened to recent events. Synchronous: it belongs into a thread of its own. A damaged file is begun
 * anew: there is nothing in it that anybody is promised.
 */
export class RecentEventsDatabase {
  readonly #bounds: RecentEventsBounds
  readonly #onWarning: (message: string) => void
  readonly #file: string
  #database: DatabaseSync
  #prepared = new Map<string, StatementSync>()
  /** Of usual and of notable events. */
  #bytes: [number, number] = [0, 0]

  /** @throws {Error} when the file can neither be opened nor be begun anew. */
  constructor(dir: string, bounds: RecentEventsBounds, onWarning: (message: string) => void) {
    this.#bounds = bounds
    this.#onWarning = onWarning
    mkdirSync(dir, { recursive: true })
    this.#file = join(dir, 'recent-events.sqlite')
    try {
      this.#database = this.#open()
    } catch (error) {
      this.#database = this.#beginAnew(error)
    }
  }

  keep({ isNotable, fromMs, toMs, data }: MomentChunk): void {
    this.#repairing(() => {
      const kind = isNotable ? 1 : 0
      const sql = 'INSERT INTO chunks (notable, from_ms, to_ms, data) VALUES (?,?,?,?)'
      this.#run(sql, kind, Math.round(fromMs), Math.round(toMs), data)
      this.#bytes[kind] += data.length + rowBytes
      while (this.#bytes[kind] > this.#bounds.maxBytes / 2 && this.#trim(kind)) continue
    })
  }

  keepGap({ fromMs, toMs, events }: MomentGap): void {
    this.#repairing(() => {
      const sql = 'INSERT INTO gaps (from_ms, to_ms, events) VALUES (?,?,?)'
      this.#run(sql, Math.round(fromMs), Math.round(toMs), events)
    })
  }

  find(query: MomentQuery): RecentEventsAnswer {
    return this.#repairing(() => {
      const { events, next } = searchMoments(range => this.#read(range), query)
      const gaps = this.#sql(
        'SELECT min(from_ms) AS fromMs, max(to_ms) AS toMs, coalesce(sum(events), 0) AS events, count(*) - count(events) AS crashes FROM gaps WHERE to_ms >= ? AND from_ms < ?',
      ).get(query.fromMs ?? 0, query.toMs ?? Number.MAX_SAFE_INTEGER)
      return { events, next, gaps: gaps as unknown as RecentEventsAnswer['gaps'] }
    })
  }

  /** Takes away what is too old. */
  trimAged(nowMs: number): void {
    this.#repairing(() => {
      const oldest = nowMs - this.#bounds.maxAgeMs
      if (this.#run('DELETE FROM chunks WHERE to_ms < ?', oldest) > 0) this.#count()
      this.#run('DELETE FROM gaps WHERE to_ms < ?', oldest)
      this.#run('DELETE FROM gaps WHERE id <= (SELECT max(id) FROM gaps) - ?', maxGaps)
    })
  }

  /** Says that nothing is missing at the end, and closes the file. */
  close(): void {
    try {
      this.#run('UPDATE run SET ended = 1')
    } finally {
      this.#database.close()
    }
  }

  *#read({ sinceMs, fromId, maxId, notableOnly }: ChunkRange): Generator<StoredChunk> {
    const sql = `SELECT id, data FROM chunks WHERE id <= ? AND (to_ms >= ? OR id >= ?)${notableOnly ? ' AND notable = 1' : ''} ORDER BY id DESC`
    const bounds = [maxId, sinceMs, fromId].map(asInteger)
    for (const row of this.#database.prepare(sql).iterate(...bounds)) {
      const data = row['data'] as Uint8Array
      yield { id: row['id'] as number, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength) }
    }
  }

  #trim(kind: 0 | 1): boolean {
    const oldest = this.#sql('SELECT id, length(data) AS bytes FROM chunks WHERE notable = ? ORDER BY id LIMIT ?')
    let removed = 0
    for (const row of oldest.all(kind, trimRows)) {
      if (this.#bytes[kind] <= this.#bounds.maxBytes / 2) break
      removed += this.#run('DELETE FROM chunks WHERE id = ?', row['id'] as number)
      this.#bytes[kind] -= (row['bytes'] as number) + rowBytes
    }
    return removed > 0
  }

  #count(): void {
    this.#bytes = [0, 0]
    const sql = `SELECT notable, sum(length(data) + ${rowBytes}) AS bytes FROM chunks GROUP BY notable`
    for (const row of this.#database.prepare(sql).all()) this.#bytes[row['notable'] as 0 | 1] = row['bytes'] as number
  }

  #run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#sql(sql).run(...values).changes)
  }

  #sql(text: string): StatementSync {
    let statement = this.#prepared.get(text)
    if (statement === undefined) this.#prepared.set(text, (statement = this.#database.prepare(text)))
    return statement
  }

  #repairing<T>(run: () => T): T {
    try {
      return run()
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#database.close()
      this.#database = this.#beginAnew(error)
      return run()
    }
  }

  #beginAnew(cause: unknown): DatabaseSync {
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.#file + suffix, { force: true })
    const reason = cause instanceof Error ? cause.message : String(cause)
    this.#onWarning(`the index of recent events begins anew: ${reason}`)
    return this.#open()
  }

  #open(): DatabaseSync {
    const database = new DatabaseSync(this.#file)
    try {
      database.exec('PRAGMA busy_timeout = 2000')
      const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
      if (version > schemaVersion) throw new Error(`it has format ${version}, this Sluice reads up to ${schemaVersion}`)
      // OFF, because a sync here would take turns with those that events wait for. A power failure may cost the file.
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA journal_size_limit = 16777216')
      database.exec(schema)
      database.exec(`PRAGMA user_version = ${schemaVersion}`)
      this.#prepared = new Map()
      this.#database = database
      this.#count()
      this.#begin(database)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  }

  /** A run that did not say that it ended had moments that it could not write any more. */
  #begin(database: DatabaseSync): void {
    const ended = database.prepare('SELECT ended FROM run').get()?.['ended']
    if (ended === undefined) database.exec('INSERT INTO run (ended) VALUES (0)')
    else {
      database.exec('UPDATE run SET ended = 0')
      const last = Number(database.prepare('SELECT coalesce(max(to_ms), 0) AS last FROM chunks').get()?.['last'])
      if (ended === 0 && last > 0) this.keepGap({ fromMs: last, toMs: Math.max(last, Date.now()), events: null })
    }
  }
}

/** SQLite has no infinity among its whole numbers. */
const asInteger = (value: number): number =>
  Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER))
