import { DatabaseSync, type StatementSync, type SQLInputValue } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { deadLetterMigration, deadLetterOperations, deadLetterSchema } from './dead-letter-tables.ts'
import type { ParkedEvent } from './home-store.ts'
import type { KeptPlace } from './kept-place.ts'
import { pauseOperations, preparePauses } from './pause-tables.ts'
import { redriveOperations, redriveSchema } from './redrive-tables.ts'
import { suspectOperations, suspectsSchema } from './suspects-table.ts'

/** A call from sqlite-store.ts; `id` comes back in the reply. */
export interface StoreCall {
  readonly id: number
  readonly operation: keyof ReturnType<typeof operations> | 'open' | 'close'
  readonly args: readonly unknown[]
}

export interface StoreReply {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

const schema = `
  CREATE TABLE IF NOT EXISTS parked (
    trigger TEXT NOT NULL, stream TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
    key TEXT NOT NULL, header BLOB NOT NULL, value BLOB, timestamp INTEGER NOT NULL,
    attempt INTEGER NOT NULL, failures TEXT NOT NULL, due_at INTEGER NOT NULL,
    version TEXT NOT NULL DEFAULT '',
    trace TEXT NOT NULL DEFAULT '', redrive INTEGER NOT NULL DEFAULT 0, link TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (trigger, stream, partition, offset)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS parked_by_key ON parked (trigger, stream, partition, key, offset);
  CREATE TABLE IF NOT EXISTS schedules (source TEXT PRIMARY KEY, tick INTEGER NOT NULL) STRICT;
  ${deadLetterSchema}
  ${redriveSchema}
`

const parkedColumns = `trigger, stream, partition, offset, key, header, value, timestamp AS timestampMs, attempt, failures,
  due_at AS dueAtMs, version, trace, redrive, link`
const atPlace = 'trigger = ? AND stream = ? AND partition = ? AND offset = ?'

/** Format of the tables; a newer one is refused rather than guessed at. 2: letters can be searched and redriven. 3: parked events keep
 * their trace. */
const schemaVersion = 3

const traceMigration = `
  ALTER TABLE parked ADD COLUMN trace TEXT NOT NULL DEFAULT '';
  ALTER TABLE parked ADD COLUMN redrive INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE parked ADD COLUMN link TEXT NOT NULL DEFAULT '';
`

/** What a file of an older format needs beside the tables that are new, by its format. */
const migrations: Readonly<Record<number, string>> = {
  1: `${deadLetterMigration}
    ALTER TABLE parked ADD COLUMN version TEXT NOT NULL DEFAULT '';
    ${traceMigration}`,
  2: traceMigration,
}

function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file)
  // FULL, because a dead letter must be on disk before the offset of its event moves.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000')
  const found = database.prepare('PRAGMA user_version').get() as { user_version: number }
  if (found.user_version > schemaVersion) {
    throw new Error(
      `${file} has format ${found.user_version}, this Sluice reads up to ${schemaVersion}: use the version that wrote it`,
    )
  }
  const migration = Object.entries(migrations).map(([from, sql]) => (Number(from) === found.user_version ? sql : ''))
  preparePauses(database)
  database.exec(suspectsSchema)
  database.exec(`BEGIN IMMEDIATE; ${schema} ${migration.join('')} PRAGMA user_version = ${schemaVersion}; COMMIT`)
  return database
}

function operations(database: DatabaseSync) {
  const prepared = new Map<string, StatementSync>()
  const sql = (text: string): StatementSync => {
    let statement = prepared.get(text)
    if (statement === undefined) prepared.set(text, (statement = database.prepare(text)))
    return statement
  }
  const run = (text: string, ...values: SQLInputValue[]): void => void sql(text).run(...values)
  const pauses = pauseOperations(sql)
  const redrives = redriveOperations(sql)
  const letters = deadLetterOperations(sql)
  return {
    ...pauses,
    ...suspectOperations(sql),
    ...letters,
    ...redrives,
    parkedAt(trigger: string, stream: string, partition: number, offset: number): unknown {
      const row = sql(`SELECT ${parkedColumns} FROM parked WHERE ${atPlace}`).get(trigger, stream, partition, offset)
      if (row === undefined) return undefined
      const redrive = letters.redriveAt({ trigger, stream, partition, offset })
      return { ...(parkedOf(row) as ParkedEvent), ...(redrive === undefined ? {} : { redrive }) }
    },
    oldestParked(trigger: string): unknown {
      const row = sql(`SELECT ${parkedColumns} FROM parked WHERE trigger = ? ORDER BY timestamp, offset LIMIT 1`).get(
        trigger,
      )
      return row === undefined ? undefined : parkedOf(row)
    },
    placesOf(eventId: string, limit: number): unknown[] {
      const columns = 'trigger, stream, partition, offset'
      return [
        // One that is being redriven is parked.
        ...sql(`SELECT ${columns} FROM letters WHERE event_id = ? AND job = 0 ORDER BY id DESC LIMIT ?`).all(
          eventId,
          limit,
        ),
        ...sql(`SELECT ${columns} FROM parked WHERE instr(header, CAST(? AS BLOB)) > 0 LIMIT ?`).all(eventId, limit),
      ]
    },
    park(events: readonly ParkedEvent[]): void {
      for (const event of events) {
        // Of an event that is parked again the version stays that a redrive wants, and so do its attempts when it was read
        // from the log once more, because the process died before its offset was committed. Another event at its place is another topic's.
        run(
          `INSERT INTO parked (trigger, stream, partition, offset, key, header, value, timestamp, attempt, failures, due_at,
            trace) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET key = excluded.key, header = excluded.header,
            value = excluded.value, timestamp = excluded.timestamp, attempt = excluded.attempt,
            failures = excluded.failures, due_at = excluded.due_at, trace = excluded.trace WHERE excluded.attempt >= parked.attempt
            OR excluded.header <> parked.header`,
          event.trigger,
          event.stream,
          event.partition,
          event.offset,
          event.key,
          event.header,
          event.value,
          event.timestampMs,
          event.attempt,
          event.failures,
          event.dueAtMs,
          event.trace ?? '',
        )
      }
    },
    parkedOf(trigger: string, stream: string, partition: number, key: string, limit: number): unknown[] {
      const rows = sql(
        `SELECT ${parkedColumns} FROM parked WHERE trigger = ? AND stream = ? AND partition = ? AND key = ? ORDER BY offset LIMIT ?`,
      ).all(trigger, stream, partition, key, limit)
      return rows.map(row => {
        // A redriven letter is parked under a name of its own.
        const recorded = key.startsWith('\0') ? letters.recordedAt(placeIn(row)) : undefined
        return { ...(parkedOf(row) as ParkedEvent), ...(recorded === undefined ? {} : { recorded }) }
      })
    },
    parkedKeys(trigger: string): unknown[] {
      return sql(
        `SELECT partition, key, count(*) AS events, max(due_at) AS dueAtMs,
          coalesce(max(due_at - json_extract(failures, '$[#-1].atMs')), 0) AS waitMs
          FROM parked WHERE trigger = ? GROUP BY partition, key`,
      ).all(trigger)
    },
    forgetTrigger(trigger: string): void {
      run('DELETE FROM parked WHERE trigger = ?', trigger)
      redrives.forgetRedrives(trigger, Date.now())
      pauses.forgetPausesOf(trigger)
      run('DELETE FROM suspects WHERE trigger = ?', trigger)
    },
    scheduleTick(source: string): number | undefined {
      return sql('SELECT tick FROM schedules WHERE source = ?').get(source)?.['tick'] as number | undefined
    },
    putScheduleTick(source: string, tickMs: number): void {
      run(
        'INSERT INTO schedules (source, tick) VALUES (?,?) ON CONFLICT DO UPDATE SET tick = max(tick, excluded.tick)',
        source,
        tickMs,
      )
    },
  }
}

const placeIn = (row: Record<string, unknown>): KeptPlace => row as unknown as KeptPlace

/** A row of the parked events; most are wanted by no redrive. */
function parkedOf({ version, trace, redrive, link, ...event }: Record<string, unknown>): unknown {
  return {
    ...event,
    ...(version === '' ? undefined : { version }),
    ...(trace === '' ? undefined : { trace }),
    ...(redrive === 0 ? undefined : { redrive }),
    ...(link === '' ? undefined : { link }),
  }
}

/**
 * One transaction per round: calls that arrived while the last one synced share the next sync. Reading takes part to see
 * what was written before it, and needs no transaction that can be refused: who asks why the store takes nothing any
 * more gets an answer.
 */
function serve(port: NonNullable<typeof parentPort>): void {
  const database = openDatabase((workerData as { file: string }).file)
  const table = operations(database) as unknown as Record<string, (...args: unknown[]) => unknown>
  let waiting: StoreCall[] = []
  const round = (): void => {
    const calls = waiting
    waiting = []
    const answer = ({ id, operation, args }: StoreCall): StoreReply =>
      isControl(operation) ? { id } : attempt(database, id, () => table[operation]?.(...args))
    const closing = calls.some(({ operation }) => operation === 'close')
    let replies: StoreReply[] = []
    try {
      const writes = calls.some(({ operation }) => !isReading(operation))
      // Fails while someone else holds the file locked, such as a person with the sqlite3 shell: no reason to end.
      if (writes) database.exec('BEGIN IMMEDIATE')
      for (const call of calls) replies.push(answer(call))
      if (writes) database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      replies = calls.map(call => (isReading(call.operation) ? answer(call) : { id: call.id, error: String(error) }))
    }
    port.postMessage(replies)
    if (!closing) return
    database.close()
    port.close()
  }
  port.on('message', (call: StoreCall) => {
    if (waiting.push(call) === 1) setImmediate(round)
  })
}

/** The database has no part in these: it is open when the first call is served. */
const isControl = (operation: StoreCall['operation']): boolean => operation === 'open' || operation === 'close'

const reading: ReadonlySet<StoreCall['operation']> = new Set([
  'redrives',
  'countDeadLetters',
  'deadLetterAt',
  'parkedAt',
  'oldestParked',
  'placesOf',
  'parkedOf',
  'parkedKeys',
  'pauses',
  'scheduleTick',
])

/** Whether a call changes nothing. */
const isReading = (operation: StoreCall['operation']): boolean => isControl(operation) || reading.has(operation)

/** A statement that fails undoes itself alone; its neighbours in the transaction stand. */
function attempt(database: DatabaseSync, id: number, run: () => unknown): StoreReply {
  database.exec('SAVEPOINT call')
  try {
    const value = run()
    database.exec('RELEASE call')
    return { id, value }
  } catch (error) {
    // A full disk may have rolled the whole transaction back already; the COMMIT below then reports it for every call.
    if (database.isTransaction) database.exec('ROLLBACK TO call; RELEASE call')
    return { id, error: String(error) }
  }
}

if (parentPort !== null) serve(parentPort)
