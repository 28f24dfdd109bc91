import { selectInRange, type Where } from './dead-letter-query.ts'
import { endOfScan, redrivenBytes, restful, scanLimit, type Sql } from './dead-letter-tables.ts'
import {
  maxRedrives,
  type RedriveJob,
  type RedriveProgress,
  type RedriveSpec,
  type RedriveStep,
} from './dead-letters.ts'
import { loneKey } from './parked-key.ts'

export const redriveSchema = `
  CREATE TABLE IF NOT EXISTS redrives (
    id INTEGER PRIMARY KEY AUTOINCREMENT, trigger TEXT NOT NULL, state TEXT NOT NULL, spec TEXT NOT NULL,
    cursor INTEGER NOT NULL DEFAULT 0, redriven INTEGER NOT NULL DEFAULT 0, succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0, started_at INTEGER NOT NULL, ended_at INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS redrives_of ON redrives (trigger, state);
`

/** Jobs of a trigger that have ended and are still shown. */
const keptJobs = 100

/** Data, and results that go out again, of the letters of a job that are in flight; a single one may be larger. */
const maxInFlightBytes = 32 * 1024 * 1024

/**
 * Redrives as the thread that writes keeps them. A letter that is taken is in three places, changed in one transaction: its
 * row carries the job, its event is parked, and the job has counted it. Whatever happens to the process between two of these
 * transactions, the event is parked and runs again, and each letter is counted once.
 */
export function redriveOperations(sql: Sql) {
  const inFlight = (id: number): { readonly letters: number; readonly bytes: number } =>
    sql(`SELECT count(*) AS letters, total(${redrivenBytes}) AS bytes FROM letters WHERE job = ? AND job <> 0`).get(
      id,
    ) as {
      letters: number
      bytes: number
    }

  const bytesOf = (letter: number): number =>
    Number(sql(`SELECT ${redrivenBytes} AS bytes FROM letters WHERE id = ?`).get(letter)?.['bytes'] ?? 0)

  const placesOf = (id: number): RedriveProgress['inFlight'] =>
    sql('SELECT partition, offset FROM letters WHERE job = ? AND job <> 0').all(
      id,
    ) as unknown as RedriveProgress['inFlight']

  const jobOf = (id: number): Job | undefined => {
    const row = sql('SELECT * FROM redrives WHERE id = ?').get(id)
    return row === undefined ? undefined : readJob(row)
  }

  /** Copies a letter to the parked events, with its bytes as they are, and marks it. */
  const take = (letter: number, job: Job, nowMs: number): void => {
    // One that a crash has left parked as well, under its key, runs from there.
    const { offset } = sql('SELECT offset FROM letters WHERE id = ?').get(letter) as { offset: number }
    sql(
      `INSERT INTO parked (trigger, stream, partition, offset, key, header, value, timestamp, attempt, failures, due_at,
          version, redrive, link)
        SELECT trigger, stream, partition, offset, ?, header, value, first_seen, 1, '[]', ?, ?, ?,
          coalesce(json_extract(failures, '$[#-1].traceparent'), '')
        FROM letters JOIN letter_bodies USING (id) WHERE letters.id = ? ON CONFLICT DO NOTHING`,
    ).run(...[loneKey(offset), nowMs, job.version ?? '', job.id, letter])
    sql('UPDATE letters SET job = ? WHERE id = ?').run(job.id, letter)
  }

  /** Takes what there is room for, in the order in which the letters were written. */
  const takeNext = (
    job: Job,
    step: RedriveStep,
    before: { readonly letters: number; readonly bytes: number },
  ): { readonly taken: number; readonly cursor: number } => {
    const room = Math.min(step.limit, step.maxInFlight - before.letters, job.total - job.redriven)
    if (room <= 0) return { taken: 0, cursor: job.cursor }
    const range = { afterId: job.cursor, upToId: job.upToId }
    const select = selectInRange(job.trigger, job.filter, conditionsOf(job), range, scanLimit, room)
    let taken = 0
    let { bytes } = before
    let { cursor } = job
    for (const row of sql(select.sql).all(...select.values)) {
      const letter = Number(row['id'])
      bytes += bytesOf(letter)
      if (bytes > maxInFlightBytes && before.letters + taken > 0) return { taken, cursor }
      cursor = letter
      take(cursor, job, step.nowMs)
      taken++
    }
    return { taken, cursor: taken === room ? cursor : (endOfScan(sql, job.trigger, range) ?? job.upToId) }
  }

  return {
    startRedrive(spec: RedriveSpec, nowMs: number): RedriveJob {
      const { lastInsertRowid } = sql(
        `INSERT INTO redrives (trigger, state, spec, started_at) VALUES (?, 'running', ?, ?)`,
      ).run(spec.trigger, JSON.stringify(spec), nowMs)
      sql(
        `DELETE FROM redrives WHERE trigger = ?1 AND state <> 'running' AND id <= coalesce((SELECT id FROM redrives
          WHERE trigger = ?1 AND state <> 'running' ORDER BY id DESC LIMIT 1 OFFSET ${keptJobs}), 0)`,
      ).run(spec.trigger)
      return shown(jobOf(Number(lastInsertRowid)) as Job)
    },

    advanceRedrive(id: number, step: RedriveStep): RedriveProgress | undefined {
      const job = jobOf(id)
      if (job === undefined) return undefined
      const before = inFlight(id)
      if (job.state !== 'running') return { job: shown(job), inFlight: placesOf(id), isSearching: false }
      const { taken, cursor } = takeNext(job, step, before)
      const inFlightNow = before.letters + taken
      const redriven = job.redriven + taken
      const isTakenAll = cursor >= job.upToId || redriven >= job.total
      const isDone = isTakenAll && inFlightNow === 0
      // A look at what is in flight costs no sync.
      if (cursor !== job.cursor || isDone)
        sql('UPDATE redrives SET cursor = ?, redriven = ?, state = ?, ended_at = ? WHERE id = ?').run(
          ...[cursor, redriven, isDone ? 'done' : 'running', isDone ? step.nowMs : null, id],
        )
      return {
        job: shown(jobOf(id) as Job),
        inFlight: placesOf(id),
        isSearching: cursor !== job.cursor && taken === 0 && !isTakenAll,
      }
    },

    cancelRedrive(id: number, nowMs: number): RedriveJob | undefined {
      sql(`UPDATE redrives SET state = 'cancelled', ended_at = ? WHERE id = ? AND state = 'running'`).run(nowMs, id)
      const job = jobOf(id)
      return job === undefined ? undefined : shown(job)
    },

    redrives(trigger?: string): (RedriveJob & { readonly inFlight: number })[] {
      const rows =
        trigger === undefined
          ? sql('SELECT * FROM redrives ORDER BY id DESC').all()
          : sql('SELECT * FROM redrives WHERE trigger = ? ORDER BY id DESC').all(trigger)
      return rows.map(row => ({ ...shown(readJob(row)), inFlight: inFlight(Number(row['id'])).letters }))
    },

    /** The trigger is gone, and its parked events with it: what was on its way is a letter that lies still again. */
    forgetRedrives(trigger: string, nowMs: number): void {
      sql('UPDATE letters SET job = 0 WHERE trigger = ? AND job <> 0').run(trigger)
      sql(`UPDATE redrives SET state = 'cancelled', ended_at = ? WHERE trigger = ? AND state = 'running'`).run(
        nowMs,
        trigger,
      )
    },
  }
}

type Job = RedriveJob & { readonly cursor: number }

/** What never became an event cannot run; what failed again and again only by force. */
function conditionsOf({ force }: RedriveSpec): readonly Where[] {
  const conditions: Where[] = [restful, { sql: `stage <> 'source'`, values: [] }]
  if (!force) conditions.push({ sql: 'redrives < ?', values: [maxRedrives] })
  return conditions
}

function readJob(row: Record<string, unknown>): Job {
  return {
    ...(JSON.parse(String(row['spec'])) as RedriveSpec),
    id: Number(row['id']),
    state: row['state'] as RedriveJob['state'],
    cursor: Number(row['cursor']),
    redriven: Number(row['redriven']),
    succeeded: Number(row['succeeded']),
    failed: Number(row['failed']),
    startedAtMs: Number(row['started_at']),
    endedAtMs: row['ended_at'] === null ? null : Number(row['ended_at']),
  }
}

/** How far it has come in the table is nobody else's business. */
function shown({ cursor: _cursor, ...job }: Job): RedriveJob {
  return job
}
