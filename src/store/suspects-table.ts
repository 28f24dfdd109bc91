import type { StatementSync } from 'node:sqlite'
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
const keptMs = 7 * 86_400_000

export function suspectOperations(sql: (text: string) => StatementSync) {
  const write = (conflict: string, suspect: Suspect): void => {
    const { trigger, stream, partition, offset, crashes, isRunning, isExclusive, attempt, failures, sinceMs } = suspect
    const place = [trigger, stream, partition, offset] as const
    sql(
      `INSERT INTO suspects (trigger, stream, partition, offset, crashes, running, exclusive, attempt, failures, since)
        VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET ${conflict}`,
    ).run(...place, crashes, Number(isRunning), Number(isExclusive), attempt, failures, sinceMs)
  }
  return {
    putSuspect(suspect: Suspect): void {
      write(
        `crashes = excluded.crashes, running = excluded.running, exclusive = excluded.exclusive,
          attempt = excluded.attempt, failures = excluded.failures, since = excluded.since`,
        suspect,
      )
    },
    addSuspects(suspects: readonly Suspect[]): void {
      // What is known of it already is more than that it may have been in a process that died.
      for (const suspect of suspects) write('exclusive = 1', suspect)
    },
    suspectsOf(trigger: string, stream: string, nowMs: number): Suspect[] {
      sql('DELETE FROM suspects WHERE since < ?').run(nowMs - keptMs)
      const rows = sql(
        `SELECT partition, offset, crashes, running, exclusive, attempt, failures, since
          FROM suspects WHERE trigger = ? AND stream = ?`,
      ).all(trigger, stream)
      return rows.map(row => ({
        ...{ trigger, stream, partition: Number(row['partition']), offset: Number(row['offset']) },
        crashes: Number(row['crashes']),
        isRunning: row['running'] === 1,
        isExclusive: row['exclusive'] === 1,
        attempt: Number(row['attempt']),
        failures: String(row['failures']),
        sinceMs: Number(row['since']),
      }))
    },
    removeSuspect({ trigger, stream, partition, offset }: KeptPlace): void {
      sql('DELETE FROM suspects WHERE trigger = ? AND stream = ? AND partition = ? AND offset = ?').run(
        ...[trigger, stream, partition, offset],
      )
    },
  }
}
