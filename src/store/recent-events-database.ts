import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { ExpendableDatabase } from './expendable-database.ts'
import { searchMoments, type ChunkRange, type StoredChunk } from './moment-search.ts'
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
  readonly #store: ExpendableDatabase
  /** Of usual and of notable events. */
  #bytes: [number, number] = [0, 0]

  /** @throws {Error} when the file can neither be opened nor be begun anew. */
  constructor(dir: string, bounds: RecentEventsBounds, onWarning: (message: string) => void) {
    this.#bounds = bounds
    mkdirSync(dir, { recursive: true })
    const file = join(dir, 'recent-events.sqlite')
    this.#store = new ExpendableDatabase({
      ...{ file, schema, schemaVersion },
      onOpen: database => {
        this.#count(database)
        begin(database)
      },
      putAway: reason => {
        for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
        onWarning(`the index of recent events begins anew: ${reason}`)
      },
    })
  }

  keep({ isNotable, fromMs, toMs, data }: MomentChunk): void {
    this.#store.repairing(() => {
      const kind = isNotable ? 1 : 0
      const sql = 'INSERT INTO chunks (notable, from_ms, to_ms, data) VALUES (?,?,?,?)'
      this.#store.run(sql, kind, Math.round(fromMs), Math.round(toMs), data)
      this.#bytes[kind] += data.length + rowBytes
      while (this.#bytes[kind] > this.#bounds.maxBytes / 2 && this.#trim(kind)) continue
    })
  }

  keepGap({ fromMs, toMs, events }: MomentGap): void {
    this.#store.repairing(() => this.#store.run(insertGap, Math.round(fromMs), Math.round(toMs), events))
  }

  find(query: MomentQuery): RecentEventsAnswer {
    return this.#store.repairing(() => {
      const { events, next } = searchMoments(range => this.#read(range), query)
      const gaps = this.#store
        .sql(
          'SELECT min(from_ms) AS fromMs, max(to_ms) AS toMs, coalesce(sum(events), 0) AS events, count(*) - count(events) AS crashes FROM gaps WHERE to_ms >= ? AND from_ms < ?',
        )
        .get(query.fromMs ?? 0, query.toMs ?? Number.MAX_SAFE_INTEGER)
      return { events, next, gaps: gaps as unknown as RecentEventsAnswer['gaps'] }
    })
  }

  /** Takes away what is too old. */
  trimAged(nowMs: number): void {
    this.#store.repairing(() => {
      const oldest = nowMs - this.#bounds.maxAgeMs
      if (this.#store.run('DELETE FROM chunks WHERE to_ms < ?', oldest) > 0) this.#count(this.#store)
      this.#store.run('DELETE FROM gaps WHERE to_ms < ?', oldest)
      this.#store.run('DELETE FROM gaps WHERE id <= (SELECT max(id) FROM gaps) - ?', maxGaps)
    })
  }

  /** Says that nothing is missing at the end, and closes the file. */
  close(): void {
    try {
      this.#store.run('UPDATE run SET ended = 1')
    } finally {
      this.#store.close()
    }
  }

  *#read({ sinceMs, fromId, maxId, notableOnly }: ChunkRange): Generator<StoredChunk> {
    const sql = `SELECT id, data FROM chunks WHERE id <= ? AND (to_ms >= ? OR id >= ?)${notableOnly ? ' AND notable = 1' : ''} ORDER BY id DESC`
    const bounds = [maxId, sinceMs, fromId].map(asInteger)
    for (const row of this.#store.prepare(sql).iterate(...bounds)) {
      const data = row['data'] as Uint8Array
      yield { id: row['id'] as number, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength) }
    }
  }

  #trim(kind: 0 | 1): boolean {
    const oldest = this.#store.sql('SELECT id, length(data) AS bytes FROM chunks WHERE notable = ? ORDER BY id LIMIT ?')
    let removed = 0
    for (const row of oldest.all(kind, trimRows)) {
      if (this.#bytes[kind] <= this.#bounds.maxBytes / 2) break
      removed += this.#store.run('DELETE FROM chunks WHERE id = ?', row['id'] as number)
      this.#bytes[kind] -= (row['bytes'] as number) + rowBytes
    }
    return removed > 0
  }

  #count(database: Pick<DatabaseSync, 'prepare'>): void {
    this.#bytes = [0, 0]
    const sql = `SELECT notable, sum(length(data) + ${rowBytes}) AS bytes FROM chunks GROUP BY notable`
    for (const row of database.prepare(sql).all()) this.#bytes[row['notable'] as 0 | 1] = row['bytes'] as number
  }
}

/** A run that did not say that it ended had moments that it could not write any more. */
function begin(database: DatabaseSync): void {
  const ended = database.prepare('SELECT ended FROM run').get()?.['ended']
  if (ended === undefined) return database.exec('INSERT INTO run (ended) VALUES (0)')
  database.exec('UPDATE run SET ended = 0')
  const last = Number(database.prepare('SELECT coalesce(max(to_ms), 0) AS last FROM chunks').get()?.['last'])
  if (ended === 0 && last > 0) database.prepare(insertGap).run(last, Math.max(last, Date.now()), null)
}

const insertGap = 'INSERT INTO gaps (from_ms, to_ms, events) VALUES (?,?,?)'

/** SQLite has no infinity among its whole numbers. */
const asInteger = (value: number): number =>
  Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER))
