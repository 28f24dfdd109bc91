import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { codeOf, ExpendableDatabase, isDamage, NewerFormat } from './expendable-database.ts'
import { selectLines } from './observations-query.ts'
import {
  logLevels,
  type FunctionLogLine,
  type KeptLogLine,
  type LogLevel,
  type LogQuery,
  type VersionSample,
} from './observations.ts'

export interface ObservationsBounds {
  readonly dir: string
  readonly maxLines: number
  readonly maxAgeMs: number
  readonly maxBytes: number
}

const schema = `
  CREATE TABLE IF NOT EXISTS lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL, function TEXT NOT NULL, version TEXT NOT NULL, kind TEXT NOT NULL, level INTEGER NOT NULL,
    message TEXT NOT NULL, fields TEXT, invocation TEXT, trigger TEXT, trace TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS lines_by_function ON lines (function);
  CREATE INDEX IF NOT EXISTS lines_by_invocation ON lines (invocation) WHERE invocation IS NOT NULL;
  CREATE INDEX IF NOT EXISTS lines_by_trace ON lines (trace) WHERE trace IS NOT NULL;
  CREATE TABLE IF NOT EXISTS samples (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, function TEXT NOT NULL, version TEXT NOT NULL, figures TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS samples_by_function ON samples (function, at);
`

/** Format of the tables; a file with a newer one is put aside. */
const schemaVersion = 1
/** Rows that one step of trimming takes away: some milliseconds, so that it delays nobody. */
const trimRows = 1_000
/** An hour is shown; the interval that it begins in is whole. */
const sampleAgeMs = 65 * 60_000

/** Its code for a statement that does not fit the tables: on opening, they are not ours. */
const mismatchCode = 1
/** Its codes for a value that is too large, or breaks a constraint. */
const valueCodes = new Set([18, 19])

/** The file of what is kept to be looked at. Synchronous: it belongs into a thread of its own. */
export class ObservationsDatabase {
  readonly #bounds: ObservationsBounds
  readonly #onWarning: (message: string) => void
  readonly #file: string
  readonly #store: ExpendableDatabase
  #lines = 0

  /** @throws {Error} when the file can neither be opened nor be put aside. */
  constructor(bounds: ObservationsBounds, onWarning: (message: string) => void) {
    this.#bounds = bounds
    this.#onWarning = onWarning
    mkdirSync(bounds.dir, { recursive: true })
    this.#file = join(bounds.dir, 'observations.sqlite')
    this.#store = new ExpendableDatabase({
      ...{ file: this.#file, schema, schemaVersion },
      onOpen: database => this.#look(database),
      putAway: reason => this.#putAside(reason),
      isReason: error => isDamage(error) || error instanceof NewerFormat || codeOf(error) === mismatchCode,
    })
  }

  /** @returns the id of every line, in their order; 0 for one that could not be kept. */
  write(lines: readonly FunctionLogLine[], samples: readonly VersionSample[]): number[] {
    return this.#store.repairing(() => {
      this.#store.exec('BEGIN IMMEDIATE')
      try {
        const ids = lines.map(line => this.#insert(line))
        for (const sample of samples) this.#insertSample(sample)
        this.#store.exec('COMMIT')
        this.#lines += ids.filter(id => id > 0).length
        return ids
      } catch (error) {
        if (this.#store.isTransaction) this.#store.exec('ROLLBACK')
        throw error
      }
    })
  }

  logs(query: LogQuery): KeptLogLine[] {
    const { sql, values } = selectLines(query)
    return this.#store.repairing(() => this.#store.sql(sql).all(...values)).map(lineOf)
  }

  samples(functionName: string, fromMs: number): VersionSample[] {
    const sql =
      'SELECT at AS atMs, function, version, figures AS "values" FROM samples WHERE function = ? AND at >= ? ORDER BY at, id'
    return this.#store.repairing(() => this.#store.sql(sql).all(functionName, fromMs)) as unknown as VersionSample[]
  }

  /** Takes away one step of what is too much. @returns whether there is more. */
  trimExcess(): boolean {
    return this.#store.repairing(() => {
      const { maxLines, maxBytes } = this.#bounds
      const excess = this.#usedBytes() > maxBytes ? trimRows : Math.min(this.#lines - maxLines, trimRows)
      return excess > 0 && this.#trimLines('TRUE', excess) > 0
    })
  }

  /** Takes away one step of what is too old. @returns whether there is more. */
  trimAged(nowMs: number): boolean {
    return this.#store.repairing(() => {
      // The oldest by arrival are looked at; a few of them that a wrong clock has put into the future hide nothing.
      const lines = this.#trimLines('at < ?', trimRows, nowMs - this.#bounds.maxAgeMs)
      const samples = this.#store.run(
        'DELETE FROM samples WHERE id IN (SELECT id FROM samples ORDER BY id LIMIT ?) AND (at < ? OR at > ?)',
        trimRows,
        nowMs - sampleAgeMs,
        nowMs + sampleAgeMs,
      )
      return lines + samples > 0
    })
  }

  close(): void {
    this.#store.close()
  }

  #insert(line: FunctionLogLine): number {
    const { atMs, kind, level, message, fields, invocationId, trigger, traceId } = line
    const sql =
      'INSERT INTO lines (at, function, version, kind, level, message, fields, invocation, trigger, trace) VALUES (?,?,?,?,?,?,?,?,?,?)'
    try {
      const values = [Math.round(atMs), line.function, line.version, kind, logLevels.indexOf(level), message]
      const optional = [fields ?? null, invocationId ?? null, trigger ?? null, traceId ?? null]
      return Number(this.#store.sql(sql).run(...values, ...optional).lastInsertRowid)
    } catch (error) {
      const code = codeOf(error)
      // A line with a value that is none stays out alone; a full disk concerns all.
      if (code !== undefined && !valueCodes.has(code)) throw error
      return 0
    }
  }

  #insertSample({ atMs, version, values, ...sample }: VersionSample): void {
    const sql = 'INSERT INTO samples (at, function, version, figures) VALUES (?,?,?,?)'
    this.#store.run(sql, Math.round(atMs), sample.function, version, values)
  }

  #trimLines(condition: string, rows: number, ...values: SQLInputValue[]): number {
    const oldest = 'id IN (SELECT id FROM lines ORDER BY id LIMIT ?)'
    const removed = this.#store.run(`DELETE FROM lines WHERE ${oldest} AND ${condition}`, rows, ...values)
    this.#lines -= removed
    return removed
  }

  #usedBytes(): number {
    const pragma = (name: string): number => Number(this.#store.sql(`PRAGMA ${name}`).get()?.[name])
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
  }

  #putAside(reason: string): void {
    const aside = join(this.#bounds.dir, 'observations.aside.sqlite')
    // One is kept: a disk that damages again and again must not fill up with the pieces.
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(aside + suffix, { force: true })
      if (existsSync(this.#file + suffix)) renameSync(this.#file + suffix, aside + suffix)
    }
    this.#onWarning(`function logs and time series begin anew, the old file is ${aside}: ${reason}`)
  }

  #look(database: DatabaseSync): void {
    database.function('fold', { deterministic: true }, text => (typeof text === 'string' ? text.toLowerCase() : null))
    // Reads an index from end to end and the names of all columns: what is damaged there shows now.
    this.#lines = Number(database.prepare('SELECT count(*) AS lines FROM lines').get()?.['lines'])
    database.prepare(selectLines({ limit: 1 }).sql)
    database.prepare('SELECT at, function, version, figures FROM samples')
  }
}

function lineOf(row: Record<string, unknown>): KeptLogLine {
  const text = (name: string): string => row[name] as string
  const { fields, invocation, trigger, trace } = row
  return {
    id: row['id'] as number,
    atMs: row['at'] as number,
    function: text('function'),
    version: text('version'),
    kind: text('kind') as KeptLogLine['kind'],
    level: logLevels[row['level'] as number] as LogLevel,
    message: text('message'),
    ...(fields === null ? {} : { fields: fields as string }),
    ...(invocation === null ? {} : { invocationId: invocation as string }),
    ...(trigger === null ? {} : { trigger: trigger as string }),
    ...(trace === null ? {} : { traceId: trace as string }),
  }
}
