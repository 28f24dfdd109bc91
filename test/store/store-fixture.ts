import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { NewDeadLetter } from '../../src/store/dead-letters.ts'
import type { HomeStore } from '../../src/store/home-store.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'

/** A directory that is removed when the test has finished. */
export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-store-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A real store, closed when the test has finished. */
export async function openStore(dir = temporaryDir()): Promise<HomeStore> {
  const store = await openSqliteStore({ dir, onFatal: error => console.error(error) })
  onTestFinished(() => store.close())
  return store
}

/** The letter of the event at an offset of partition 0 of stream `s`, which trigger `t` could not digest. */
export const letterAt = (offset: number, more: Partial<NewDeadLetter> = {}): NewDeadLetter => ({
  trigger: 't',
  stream: 's',
  partition: 0,
  offset,
  eventId: `e${offset}`,
  key: 'k',
  header: Buffer.from(`header ${offset}`),
  value: Buffer.from(`value ${offset}`),
  stage: 'handler',
  function: 'fn@3',
  reason: 'error',
  message: 'no',
  failures: JSON.stringify([{ attempt: 1, message: 'no' }]),
  results: '',
  firstSeenAtMs: 1,
  lastAttemptAtMs: 10 + offset,
  ...more,
})

/** Where the event at an offset stands. */
export const placeOf = (offset: number) => ({ trigger: 't', stream: 's', partition: 0, offset })
