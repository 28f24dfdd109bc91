import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'

export interface ExpendableDatabaseOptions {
  readonly file: string
  readonly schema: string
  /** Format of the tables; a file with a newer one is begun anew. */
  readonly schemaVersion: number
  /** Looks through a file that was opened; what it throws counts as the file's fault. */
  readonly onOpen: (database: DatabaseSync) => void
  /** Takes the file and what belongs to it out of the way, and tells why. */
  readonly putAway: (reason: string) => void
  /** Whether an error on opening is reason enough; others are thrown. Default: every one is. */
  readonly isReason?: (error: unknown) => boolean
}

/** Codes of SQLite for a file that is damaged or no database. */
const damageCodes = new Set([11, 24, 26])

/**
 * A file of what is kept to be looked at, which nobody is promised: when it is damaged it is begun anew, and the call that
 * found out is made once more. Synchronous: it belongs into a thread of its own.
 */
export class ExpendableDatabase {
  readonly #options: ExpendableDatabaseOptions
  #database: DatabaseSync
  #prepared = new Map<string, StatementSync>()

  /** @throws {Error} when the file can neither be opened nor be begun anew. */
  constructor(options: ExpendableDatabaseOptions) {
    this.#options = options
    const { isReason = () => true } = options
    try {
      this.#database = this.#open()
    } catch (error) {
      if (!isReason(error)) throw error
      this.#database = this.#beginAnew(error)
    }
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction
  }

  /** Prepares each text once. */
  sql(text: string): StatementSync {
    let statement = this.#prepared.get(text)
    if (statement === undefined) this.#prepared.set(text, (statement = this.#database.prepare(text)))
    return statement
  }

  /** A statement of its own: for rows that are read one by one, while others may read, too. */
  prepare(text: string): StatementSync {
    return this.#database.prepare(text)
  }

  /** @returns how many rows it changed. */
  run(text: string, ...values: SQLInputValue[]): number {
    return Number(this.sql(text).run(...values).changes)
  }

  exec(text: string): void {
    this.#database.exec(text)
  }

  /** Damage shows late, at the page that has it: then a new file takes over, and the call is made once more. */
  repairing<T>(call: () => T): T {
    try {
      return call()
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#database.close()
      this.#database = this.#beginAnew(error)
      return call()
    }
  }

  close(): void {
    this.#database.close()
  }

  #beginAnew(cause: unknown): DatabaseSync {
    this.#options.putAway(cause instanceof Error ? cause.message : String(cause))
    return this.#open()
  }

  #open(): DatabaseSync {
    const { file, schema, schemaVersion, onOpen } = this.#options
    const database = new DatabaseSync(file)
    try {
      database.exec('PRAGMA busy_timeout = 2000')
      const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
      if (version > schemaVersion) throw new NewerFormat(version, schemaVersion)
      // OFF, because a sync here would take turns with those that events wait for. A power failure may cost the file.
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA journal_size_limit = 16777216')
      database.exec(schema)
      database.exec(`PRAGMA user_version = ${schemaVersion}`)
      onOpen(database)
      this.#prepared = new Map()
      return database
    } catch (error) {
      database.close()
      throw error
    }
  }
}

export class NewerFormat extends Error {
  constructor(version: number, schemaVersion: number) {
    super(`it has format ${version}, this Sluice reads up to ${schemaVersion}`)
  }
}

/** The result code of SQLite, without its extension; undefined for what another has thrown. */
export function codeOf(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

/** Whether the file is at fault, and not what was asked of it. */
export function isDamage(error: unknown): boolean {
  const code = codeOf(error)
  return code !== undefined && damageCodes.has(code)
}
