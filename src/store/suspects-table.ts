import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import type { Suspect } from './home-store.ts'
import type { KeptPlace } from './kept-place.ts'

/** Events that may end, or have ended, the host of their worker; see dispatch/host-crashes.ts. */
export const suspectsSchema = `
  CREATE TABLE IF NOT EXISTS suspects (
    trigger TEXT NOT NULL, stream TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
    crashes INTEGER NOT NULL, running INTEGER NOT NULL, exclusive INTEGER NOT NULL,
    attempt INTEGER NOT NULL, failures TEXT NOT NULL, since INTEGER NOT NULL,
    PRIMARY KEY (trigger, stream, partition, offset)
  ) STRICT;
`

/** What is this old belongs to an event that was complete when its row could not be removed any more. */
export const keptMs = 7 * 86_400_000

const columns = 'partition, offset, crashes, running, exclusive, attempt, failures, since'

export function suspectOperations(sql: (text: string) => StatementSync) {
  const put = (suspect: Suspect): void => {
    const { trigger, stream, partition, offset, crashes, isRunning, isExclusive, attempt, failures, sinceMs } = suspect
    const place = [trigger, stream, partition, offset] as const
    sql(
      `INSERT OR REPLACE INTO suspects (trigger, stream, partition, offset, crashes, running, exclusive, attempt, failures, since)
        VALUES (?,?,?,?,?,?,?,?,?,?)`,
    ).run(...place, crashes, Number(isRunning), Number(isExclusive), attempt, failures, sinceMs)
  }
  const at = ({ trigger, stream, partition, offset }: KeptPlace): Suspect | undefined => {
    const row = sql(
      `SELECT ${columns} FROM suspects WHERE trigger = ? AND stream = ? AND partition = ? AND offset = ?`,
    ).get(trigger, stream, partition, offset)
    return row === undefined ? undefined : suspectOf(trigger, stream, row)
  }
  return {
    putSuspect(suspect: Suspect): void {
      put(suspect)
    },
    processEnded(places: readonly KeptPlace[], nowMs: number): void {
      for (const place of places) put(afterEnd(at(place), place, nowMs))
      // What had not reached a worker was not running.
      sql('UPDATE suspects SET running = 0 WHERE running = 1').run()
    },
    suspectsOf(trigger: string, stream: string, nowMs: number): Suspect[] {
      sql('DELETE FROM suspects WHERE since < ?').run(nowMs - keptMs)
      const rows = sql(`SELECT ${columns} FROM suspects WHERE trigger = ? AND stream = ?`).all(trigger, stream)
      return rows.map(row => suspectOf(trigger, stream, row))
    },
    removeSuspect({ trigger, stream, partition, offset }: KeptPlace): void {
      sql('DELETE FROM suspects WHERE trigger = ? AND stream = ? AND partition = ? AND offset = ?').run(
        ...[trigger, stream, partition, offset],
      )
    },
  }
}

/** What is known of an event that a worker had when the process ended. Pure. */
export function afterEnd(known: Suspect | undefined, place: KeptPlace, nowMs: number): Suspect {
  const { trigger, stream, partition, offset } = place
  const fresh = { crashes: 0, attempt: 1, failures: '[]', sinceMs: nowMs }
  const suspect = { ...fresh, ...known, trigger, stream, partition, offset, isRunning: false, isExclusive: true }
  if (known === undefined || !known.isRunning || !known.isExclusive) return suspect
  const { crashes, attempt, failures, sinceMs } = known
  const message = 'the gateway process ended while the event ran alone in it'
  const failure = { attempt, atMs: sinceMs, stage: 'handler', reason: 'crash', message }
  const history = [...(JSON.parse(failures) as unknown[]), failure]
  return { ...suspect, crashes: crashes + 1, attempt: attempt + 1, failures: JSON.stringify(history) }
}

function suspectOf(trigger: string, stream: string, row: Record<string, SQLOutputValue>): Suspect {
  return {
    ...{ trigger, stream, partition: Number(row['partition']), offset: Number(row['offset']) },
    crashes: Number(row['crashes']),
    isRunning: row['running'] === 1,
    isExclusive: row['exclusive'] === 1,
    attempt: Number(row['attempt']),
    failures: String(row['failures']),
    sinceMs: Number(row['since']),
  }
}
