import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import { homeStoreSuite } from '../conformance/home-store.suite.ts'

homeStoreSuite('the SQLite store', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-store-'))
  const open = () => openSqliteStore({ dir, onFatal: error => console.error(error) })
  let store = await open()
  return {
    get store() {
      return store
    },
    lettersOf: trigger => store.listDeadLetters(trigger, 100),
    async reopen() {
      await store.close()
      store = await open()
    },
    lock() {
      const other = new DatabaseSync(join(dir, 'home.sqlite'))
      other.exec('BEGIN IMMEDIATE')
      return () => {
        other.exec('ROLLBACK')
        other.close()
      }
    },
    async close() {
      await store.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
})
