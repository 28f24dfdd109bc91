import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { every, matching, selectInRange, selectPage, type Where } from './dead-letter-query.ts'
import {
  maxKeptFailures,
  type DeadLetter,
  type DeadLetterDeletion,
  type DeadLetterFilter,
  type DeadLetterGroup,
  type DeadLetterPage,
  type NewDeadLetter,
} from './dead-letters.ts'
import type { ParkedEvent } from './home-store.ts'
import type { KeptPlace } from './kept-place.ts'

/** Gives the prepared statement of a text; each is prepared once. */
export type Sql = (text: string) => StatementSync

/**
 * What is searched lies apart from what is large: a search reads a fifth of what it would otherwise. Counts are kept by the
 * database itself, because they are asked for with every look at a trigger.
 */
export const deadLetterSchema = `
  CREATE TABLE IF NOT EXISTS letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    trigger TEXT NOT NULL, stream TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
    event_id TEXT NOT NULL, key TEXT NOT NULL, stage TEXT NOT NULL, function TEXT NOT NULL, version TEXT NOT NULL,
    reason TEXT NOT NULL, message TEXT NOT NULL,
    first_seen INTEGER NOT NULL, created_at INTEGER NOT NULL, last_attempt INTEGER NOT NULL,
    attempts INTEGER NOT NULL, redrives INTEGER NOT NULL DEFAULT 0, job INTEGER NOT NULL DEFAULT 0,
    results INTEGER NOT NULL, bytes INTEGER NOT NULL,
    UNIQUE (trigger, stream, partition, offset)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS letters_by_id ON letters (trigger);
  CREATE INDEX IF NOT EXISTS letters_by_time ON letters (trigger, created_at);
  CREATE INDEX IF NOT EXISTS letters_by_key ON letters (trigger, key);
  CREATE INDEX IF NOT EXISTS letters_by_event ON letters (trigger, event_id);
  CREATE INDEX IF NOT EXISTS letters_by_reason ON letters (trigger, reason);
  CREATE INDEX IF NOT EXISTS letters_by_version ON letters (trigger, function, version);
  CREATE INDEX IF NOT EXISTS letters_in_redrive ON letters (job) WHERE job <> 0;
  CREATE TABLE IF NOT EXISTS letter_bodies (
    id INTEGER PRIMARY KEY, header BLOB NOT NULL, failures TEXT NOT NULL, results TEXT NOT NULL, value BLOB
  ) STRICT;
  CREATE TABLE IF NOT EXISTS letter_counts (trigger TEXT PRIMARY KEY, letters INTEGER NOT NULL) STRICT;
  CREATE TRIGGER IF NOT EXISTS letter_added AFTER INSERT ON letters BEGIN
    INSERT INTO letter_counts VALUES (new.trigger, 1) ON CONFLICT DO UPDATE SET letters = letters + 1;
  END;
  CREATE TRIGGER IF NOT EXISTS letter_gone AFTER DELETE ON letters BEGIN
    UPDATE letter_counts SET letters = letters - 1 WHERE trigger = old.trigger;
    DELETE FROM letter_bodies WHERE id = old.id;
  END;
`

/** From format 1, where all of a letter lay in one table. */
export const deadLetterMigration = `
  INSERT INTO letters (id, trigger, stream, partition, offset, event_id, key, stage, function, version, reason, message,
      first_seen, created_at, last_attempt, attempts, results, bytes)
    SELECT id, trigger, stream, partition, offset, event_id, key, stage,
      iif(instr(function, '@') = 0, function, substr(function, 1, instr(function, '@') - 1)),
      iif(instr(function, '@') = 0, '', substr(function, instr(function, '@') + 1)),
      reason, message, created_at, created_at, created_at, json_array_length(failures),
      iif(results = '', 0, json_array_length(results)), coalesce(length(value), 0)
    FROM dead_letters;
  INSERT INTO letter_bodies (id, header, failures, results, value)
    SELECT id, header, failures, results, value FROM dead_letters;
  DROP TABLE dead_letters;
`

/** Letters that one step of the writing thread looks at, and that it deletes: both take some hundredths of a second. */
export const scanLimit = 2_000
const deleteLimit = 250

const columns = `letters.id, trigger, stream, partition, offset, event_id AS eventId, key, stage, function, version, reason,
  message, first_seen AS firstSeenAtMs, created_at AS createdAtMs, last_attempt AS lastAttemptAtMs, attempts,
  redrives AS redriveCount, job AS redrive, bytes AS valueBytes, header, failures, letter_bodies.results AS results`

const defaultMaxPageBytes = 8 * 1024 * 1024

/** What the thread that writes does with letters; each call is one step of its transaction. */
export function deadLetterOperations(sql: Sql) {
  const find = (id: KeptPlace): Found | undefined =>
    sql(
      `SELECT id, job, attempts, redrives FROM letters WHERE trigger = ? AND stream = ? AND partition = ? AND offset = ?`,
    ).get(id.trigger, id.stream, id.partition, id.offset) as Found | undefined

  const insert = (letter: NewDeadLetter): void => {
    const [name, version] = functionParts(letter.function)
    const { lastInsertRowid } = sql(
      `INSERT INTO letters (trigger, stream, partition, offset, event_id, key, stage, function, version, reason, message,
        first_seen, created_at, last_attempt, attempts, results, bytes) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
    ).run(
      ...[letter.trigger, letter.stream, letter.partition, letter.offset, letter.eventId, letter.key, letter.stage],
      ...[name, version, letter.reason, letter.message],
      ...[letter.firstSeenAtMs, letter.lastAttemptAtMs, letter.lastAttemptAtMs],
      ...[lengthOf(letter.failures), lengthOf(letter.results), letter.value?.length ?? 0],
    )
    sql('INSERT INTO letter_bodies (id, header, failures, results, value) VALUES (?,?,?,?,?)').run(
      ...[lastInsertRowid, letter.header, newest(parse(letter.failures)), letter.results, letter.value],
    )
  }

  /** The event died again: the letter goes on with a longer history. Results of an earlier life stay until there are newer ones. */
  const revive = ({ id, job, attempts, redrives }: Found, letter: NewDeadLetter): void => {
    const [name, version] = functionParts(letter.function)
    const body = sql('SELECT failures FROM letter_bodies WHERE id = ?').get(id) as { failures: string }
    const redrive = job === 0 ? redrives : redrives + 1
    // Attempts are counted anew in each life: the number of the redrive tells which.
    const failures = parse(letter.failures).map(failure => (job === 0 ? failure : { ...(failure as object), redrive }))
    sql(
      `UPDATE letters SET key = ?, stage = ?, function = iif(?4 = '', function, ?3), version = iif(?4 = '', version, ?5),
        reason = ?, message = ?, last_attempt = ?, attempts = ?, redrives = ?, job = 0,
        results = iif(?11 = '', results, ?12) WHERE id = ?`,
    ).run(
      ...[letter.key, letter.stage, name, letter.function, version, letter.reason, letter.message],
      ...[letter.lastAttemptAtMs, attempts + failures.length, redrive],
      ...[letter.results, lengthOf(letter.results), id],
    )
    sql(`UPDATE letter_bodies SET failures = ?, results = iif(?2 = '', results, ?2) WHERE id = ?`).run(
      ...[newest([...parse(body.failures), ...failures]), letter.results, id],
    )
    if (job !== 0) sql('UPDATE redrives SET failed = failed + 1 WHERE id = ?').run(job)
  }

  return {
    putDeadLetter(letter: NewDeadLetter): void {
      const found = find(letter)
      if (found === undefined) insert(letter)
      else revive(found, letter)
      unparkRow(sql, letter)
    },
    /** An event that came from the store is done: neither parked nor a letter that is being redriven. */
    unpark(trigger: string, stream: string, partition: number, offset: number): void {
      const place = { trigger, stream, partition, offset }
      unparkRow(sql, place)
      const found = find(place)
      // A letter that lies still tells of an earlier death of the event; whoever wants it gone deletes it.
      if (found === undefined || found.job === 0) return
      sql('DELETE FROM letters WHERE id = ?').run(found.id)
      sql('UPDATE redrives SET succeeded = succeeded + 1 WHERE id = ?').run(found.job)
    },
    redriveAt(place: KeptPlace): number | undefined {
      return find(place)?.job || undefined
    },
    /** What a letter of stage `sink` at a place recorded, while it is being redriven. */
    recordedAt({ trigger, stream, partition, offset }: KeptPlace): ParkedEvent['recorded'] {
      const row = sql(
        `SELECT letter_bodies.results AS results, function, version FROM letters JOIN letter_bodies USING (id)
          WHERE trigger = ? AND stream = ? AND partition = ? AND offset = ? AND job <> 0 AND stage = 'sink'
          AND letters.results > 0`,
      ).get(trigger, stream, partition, offset)
      if (row === undefined) return undefined
      return { results: String(row['results']), function: functionOf(row['function'], row['version']) }
    },
    deadLetterAt(trigger: string, stream: string, partition: number, offset: number): DeadLetter | undefined {
      const row = sql(
        `SELECT ${columns}, value FROM letters JOIN letter_bodies USING (id)
          WHERE trigger = ? AND stream = ? AND partition = ? AND offset = ? AND job = 0`,
      ).get(trigger, stream, partition, offset)
      return row === undefined ? undefined : letterOf(row)
    },
    countDeadLetters(): [string, number][] {
      const rows = sql('SELECT trigger, letters FROM letter_counts WHERE letters > 0').all()
      return rows.map(row => [String(row['trigger']), Number(row['letters'])])
    },
    deleteDeadLetter(trigger: string, id: number): 'deleted' | 'absent' | 'redriving' {
      const row = sql('SELECT job FROM letters WHERE id = ? AND trigger = ?').get(id, trigger)
      if (row === undefined) return 'absent'
      if (row['job'] !== 0) return 'redriving'
      sql('DELETE FROM letters WHERE id = ?').run(id)
      return 'deleted'
    },
    deleteDeadLetters(
      trigger: string,
      filter: DeadLetterFilter,
      range: { readonly afterId: number; readonly upToId: number },
    ): DeadLetterDeletion {
      const select = selectInRange(trigger, filter, [restful], range, scanLimit, deleteLimit)
      const ids = sql(select.sql)
        .all(...select.values)
        .map(row => Number(row['id']))
      // Before anything goes: it is found by counting.
      const next = ids.length === deleteLimit ? ids.at(-1) : endOfScan(sql, trigger, range)
      for (const id of ids) sql('DELETE FROM letters WHERE id = ?').run(id)
      return { deleted: ids.length, next }
    },
  }
}

/** What the thread that only reads does. */
export function deadLetterReads(database: DatabaseSync, sql: Sql) {
  const one = (values: readonly SQLInputValue[], maxValueBytes: number | undefined): DeadLetter | undefined => {
    const value = maxValueBytes === undefined ? 'value' : `substr(value, 1, ${Math.trunc(maxValueBytes)}) AS value`
    const row = sql(
      `SELECT ${columns}, ${value} FROM letters JOIN letter_bodies USING (id) WHERE letters.id = ? AND trigger = ?`,
    ).get(...values)
    return row === undefined ? undefined : letterOf(row)
  }
  return {
    listDeadLetters(trigger: string, limit: number, page: DeadLetterPage = {}): readonly DeadLetter[] {
      const { maxValueBytes, maxBytes = defaultMaxPageBytes } = page
      const select = selectPage(trigger, limit, page)
      const letters: DeadLetter[] = []
      // One state of the database for the ids and what belongs to them.
      database.exec('BEGIN')
      try {
        let bytes = 0
        for (const row of database.prepare(select.sql).all(...select.values)) {
          const letter = one([Number(row['id']), trigger], maxValueBytes)
          if (letter === undefined) continue
          bytes += sizeOf(letter)
          if (letters.length > 0 && bytes > maxBytes) break
          letters.push(letter)
        }
      } finally {
        database.exec('COMMIT')
      }
      return letters
    },
    deadLetter: (trigger: string, id: number): DeadLetter | undefined => one([id, trigger], undefined),
    countMatching(trigger: string, filter: DeadLetterFilter, limit: number): number {
      const { sql: where, values } = every([{ sql: 'trigger = ?', values: [trigger] }, ...matching(filter)])
      const row = database
        .prepare(`SELECT count(*) AS letters FROM (SELECT 1 FROM letters WHERE ${where} LIMIT ?)`)
        .get(...values, limit)
      return Number(row?.['letters'])
    },
    groupDeadLetters(trigger: string, filter: DeadLetterFilter): readonly DeadLetterGroup[] {
      const { sql: where, values } = every([{ sql: 'trigger = ?', values: [trigger] }, ...matching(filter)])
      const rows = database
        .prepare(
          `SELECT stage, function, version, reason, job <> 0 AS isRedriving, redrives AS redriveCount,
            count(*) AS letters, sum(bytes) AS bytes, min(created_at) AS firstCreatedAtMs,
            max(created_at) AS lastCreatedAtMs
          FROM letters WHERE ${where} GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY letters DESC`,
        )
        .all(...values)
      return rows.map(({ version, ...row }) => ({
        ...(row as unknown as DeadLetterGroup),
        function: functionOf(row['function'], version),
        isRedriving: row['isRedriving'] === 1,
      }))
    },
    lastDeadLetter(trigger: string): number {
      return Number(sql('SELECT max(id) AS id FROM letters WHERE trigger = ?').get(trigger)?.['id'] ?? 0)
    },
  }
}

/**
 * What a letter takes in memory while it is redriven, in bytes, as an expression on the columns of `letters`. Its results
 * count only where they go out again.
 */
export const redrivenBytes = `bytes + iif(stage = 'sink',
  (SELECT coalesce(octet_length(letter_bodies.results), 0) FROM letter_bodies WHERE letter_bodies.id = letters.id), 0)`

/** Not part of a redrive. */
export const restful: Where = { sql: 'job = 0', values: [] }

/** The last id that {@link selectInRange} has looked at; undefined when it came to the end of the range. */
export function endOfScan(
  sql: Sql,
  trigger: string,
  { afterId, upToId }: { readonly afterId: number; readonly upToId: number },
): number | undefined {
  const row = sql('SELECT id FROM letters WHERE trigger = ? AND id > ? AND id <= ? ORDER BY id LIMIT 1 OFFSET ?').get(
    ...[trigger, afterId, upToId, scanLimit - 1],
  )
  return row === undefined ? undefined : Number(row['id'])
}

interface Found {
  readonly id: number
  readonly job: number
  readonly attempts: number
  readonly redrives: number
}

function unparkRow(sql: Sql, { trigger, stream, partition, offset }: KeptPlace): void {
  sql('DELETE FROM parked WHERE trigger = ? AND stream = ? AND partition = ? AND offset = ?').run(
    ...[trigger, stream, partition, offset],
  )
}

function letterOf({ version, ...row }: Record<string, unknown>): DeadLetter {
  return { ...(row as unknown as DeadLetter), function: functionOf(row['function'], version) }
}

const functionOf = (name: unknown, version: unknown): string =>
  name === '' ? '' : `${String(name)}@${String(version)}`

function functionParts(text: string): readonly [name: string, version: string] {
  const at = text.lastIndexOf('@')
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

const parse = (json: string): readonly unknown[] => (json === '' ? [] : (JSON.parse(json) as unknown[]))

const lengthOf = (json: string): number => parse(json).length

const newest = (failures: readonly unknown[]): string => JSON.stringify(failures.slice(-maxKeptFailures))

const sizeOf = ({ header, value, failures, results, message }: DeadLetter): number =>
  header.length + (value?.length ?? 0) + failures.length + results.length + message.length
