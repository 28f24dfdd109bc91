import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { PauseRecord } from './home-store.ts'

const schema = `
  CREATE TABLE IF NOT EXISTS pauses (
    scope TEXT PRIMARY KEY, reason TEXT NOT NULL, paused_by TEXT NOT NULL, since INTEGER NOT NULL
  ) STRICT;
`

/** What a pause has learnt to say since the table was made; a Sluice that does not know a column leaves it as it is. */
const laterColumns = { expires_at: 'INTEGER', failed_probes: 'INTEGER' } as const

/** Makes the table of pauses, or adds what one of an earlier version lacks. */
export function preparePauses(database: DatabaseSync): void {
  database.exec(schema)
  const known = new Set(
    database
      .prepare('PRAGMA table_info(pauses)')
      .all()
      .map(row => String(row['name'])),
  )
  for (const [column, type] of Object.entries(laterColumns))
    if (!known.has(column)) database.exec(`ALTER TABLE pauses ADD COLUMN ${column} ${type}`)
}

/** @param sql gives the prepared statement of a text. */
export function pauseOperations(sql: (text: string) => StatementSync) {
  const run = (text: string, ...values: SQLInputValue[]): void => void sql(text).run(...values)
  return {
    pause(scope: string, pause: PauseRecord): void {
      run(
        'INSERT OR REPLACE INTO pauses (scope, reason, paused_by, since, expires_at, failed_probes) VALUES (?,?,?,?,?,?)',
        scope,
        pause.reason,
        pause.by,
        pause.sinceMs,
        pause.expiresAtMs ?? null,
        pause.failedProbes ?? null,
      )
    },
    resume(scope: string): void {
      run('DELETE FROM pauses WHERE scope = ?', scope)
    },
    pauses(): [string, PauseRecord][] {
      const rows = sql('SELECT scope, reason, paused_by, since, expires_at, failed_probes FROM pauses').all()
      return rows.map(row => [
        String(row['scope']),
        {
          reason: String(row['reason']),
          by: String(row['paused_by']),
          sinceMs: Number(row['since']),
          ...(row['expires_at'] === null ? {} : { expiresAtMs: Number(row['expires_at']) }),
          ...(row['failed_probes'] === null ? {} : { failedProbes: Number(row['failed_probes']) }),
        },
      ])
    },
    /** Ends the pauses of a trigger that is deleted, of its partitions and of its keys. */
    forgetPausesOf(trigger: string): void {
      run('DELETE FROM pauses WHERE scope = ?', `trigger:${trigger}`)
      for (const prefix of [`partition:${trigger}:`, `key:${trigger}:`])
        run('DELETE FROM pauses WHERE substr(scope, 1, length(?1)) = ?1', prefix)
    },
  }
}
