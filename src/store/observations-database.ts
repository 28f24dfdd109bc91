import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
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

/** Codes of SQLite for a file that is damaged or no database. */
const damageCodes = new Set([11, 24, 26])
/** Its code for a statement that does not fit the tables: on opening, they are not ours. */
const mismatchCode = 1
/** Its codes for a value that is too large, or breaks a constraint. */
const valueCodes = new Set([18, 19])

/** The file of what is kept to be looked at. Synchronous: it belongs into a thread of its own. */
export class ObservationsDatabase {
  readonly #bounds: ObservationsBounds
  readonly #onWarning: (message: string) => void
  readonly #file: string
  #database: DatabaseSync
  #prepared = new Map<string, StatementSync>()
  #lines = 0

  /** @throws {Error} when the file can neither be opened nor be put aside. */
  constructor(bounds: ObservationsBounds, onWarning: (message: string) => void) {
    this.#bounds = bounds
    this.#onWarning = onWarning
    mkdirSync(bounds.dir, { recursive: true })
    this.#file = join(bounds.dir, 'observations.sqlite')
    try {
      this.#database = this.#open()
    } catch (error) {
      if (!isDamage(error) && !(error instanceof NewerFormat) && codeOf(error) !== mismatchCode) throw error
      this.#database = this.#beginAnew(error)
    }
  }

  /** @returns the id of every line, in their order; 0 for one that could not be kept. */
  write(lines: readonly FunctionLogLine[], samples: readonly VersionSample[]): number[] {
    return this.#repairing(() => {
      this.#database.exec('BEGIN IMMEDIATE')
      try {
        const ids = lines.map(line => this.#insert(line))
        for (const sample of samples) this.#insertSample(sample)
        this.#database.exec('COMMIT')
        this.#lines += ids.filter(id => id > 0).length
        return ids
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
        throw error
      }
    })
  }

  logs(query: LogQuery): KeptLogLine[] {
    const { sql, values } = selectLines(query)
    return this.#repairing(() => this.#sql(sql).all(...values)).map(lineOf)
  }

  samples(functionName: string, fromMs: number): VersionSample[] {
    const sql =
      'SELECT at AS atMs, function, version, figures AS "values" FROM samples WHERE function = ? AND at >= ? ORDER BY at, id'
    return this.#repairing(() => this.#sql(sql).all(functionName, fromMs)) as unknown as VersionSample[]
  }

  /** Takes away one step of what is too much. @returns whether there is more. */
  trimExcess(): boolean {
    return this.#repairing(() => {
      const { maxLines, maxBytes } = this.#bounds
      const excess = this.#usedBytes() > maxBytes ? trimRows : Math.min(this.#lines - maxLines, trimRows)
      return excess > 0 && this.#trimLines('TRUE', excess) > 0
    })
  }

  /** Takes away one step of what is too old. @returns whether there is more. */
  trimAged(nowMs: number): boolean {
    return this.#repairing(() => {
      // The oldest by arrival are looked at; a few of them that a wrong clock has put into the future hide nothing.
      const lines = this.#trimLines('at < ?', trimRows, nowMs - this.#bounds.maxAgeMs)
      const samples = this.#run(
        'DELETE FROM samples WHERE id IN (SELECT id FROM samples ORDER BY id LIMIT ?) AND (at < ? OR at > ?)',
        trimRows,
        nowMs - sampleAgeMs,
        nowMs + sampleAgeMs,
      )
      return lines + samples > 0
    })
  }

  close(): void {
    this.#database.close()
  }

  #insert(line: FunctionLogLine): number {
    const { atMs, kind, level, message, fields, invocationId, trigger, traceId } = line
    const sql =
      'INSERT INTO lines (at, function, version, kind, level, message, fields, invocation, trigger, trace) VALUES (?,?,?,?,?,?,?,?,?,?)'
    try {
      const values = [Math.round(atMs), line.function, line.version, kind, logLevels.indexOf(level), message]
      const optional = [fields ?? null, invocationId ?? null, trigger ?? null, traceId ?? null]
      return Number(this.#sql(sql).run(...values, ...optional).lastInsertRowid)
    } catch (error) {
      const code = codeOf(error)
      // A line with a value that is none stays out alone; a full disk concerns all.
      if (code !== undefined && !valueCodes.has(code)) throw error
      return 0
    }
  }

  #insertSample({ atMs, version, values, ...sample }: VersionSample): void {
    const sql = 'INSERT INTO samples (at, function, version, figures) VALUES (?,?,?,?)'
    this.#run(sql, Math.round(atMs), sample.function, version, values)
  }

  #trimLines(condition: string, rows: number, ...values: SQLInputValue[]): number {
    const oldest = 'id IN (SELECT id FROM lines ORDER BY id LIMIT ?)'
    const removed = this.#run(`DELETE FROM lines WHERE ${oldest} AND ${condition}`, rows, ...values)
    this.#lines -= removed
    return removed
  }

  #usedBytes(): number {
    const pragma = (name: string): number => Number(this.#sql(`PRAGMA ${name}`).get()?.[name])
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
  }

  #run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#sql(sql).run(...values).changes)
  }

  #sql(text: string): StatementSync {
    let statement = this.#prepared.get(text)
    if (statement === undefined) this.#prepared.set(text, (statement = this.#database.prepare(text)))
    return statement
  }

  /** Damage shows late, at the page that has it: then a new file takes over, and the call is made once more. */
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
    const aside = join(this.#bounds.dir, 'observations.aside.sqlite')
    // One is kept: a disk that damages again and again must not fill up with the pieces.
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(aside + suffix, { force: true })
      if (existsSync(this.#file + suffix)) renameSync(this.#file + suffix, aside + suffix)
    }
    const reason = cause instanceof Error ? cause.message : String(cause)
    this.#onWarning(`function logs and time series begin anew, the old file is ${aside}: ${reason}`)
    return this.#open()
  }

  #open(): DatabaseSync {
    const database = new DatabaseSync(this.#file)
    try {
      database.exec('PRAGMA busy_timeout = 2000')
      const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
      if (version > schemaVersion) throw new NewerFormat(version)
      // OFF, because a sync here would take turns with those that events wait for. A power failure may cost the file.
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA journal_size_limit = 16777216')
      database.exec(schema)
      database.exec(`PRAGMA user_version = ${schemaVersion}`)
      database.function('fold', { deterministic: true }, text => (typeof text === 'string' ? text.toLowerCase() : null))
      // Reads an index from end to end and the names of all columns: what is damaged there shows now.
      this.#lines = Number(database.prepare('SELECT count(*) AS lines FROM lines').get()?.['lines'])
      database.prepare(selectLines({ limit: 1 }).sql)
      database.prepare('SELECT at, function, version, figures FROM samples')
      this.#prepared = new Map()
      return database
    } catch (error) {
      database.close()
      throw error
    }
  }
}

class NewerFormat extends Error {
  constructor(version: number) {
    super(`it has format ${version}, this Sluice reads up to ${schemaVersion}`)
  }
}

/** The result code of SQLite, without its extension; undefined for what another has thrown. */
function codeOf(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

export function isDamage(error: unknown): boolean {
  const code = codeOf(error)
  return code !== undefined && damageCodes.has(code)
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
