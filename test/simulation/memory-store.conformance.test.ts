import { homeStoreSuite } from '../conformance/home-store.suite.ts'
import { MemoryStore, StoreTables } from './memory-store.ts'

homeStoreSuite('the store of the simulation', () => {
  const tables = new StoreTables()
  let isLocked = false
  const open = () => new MemoryStore({ tables, later: setImmediate, isLocked: () => isLocked })
  let store = open()
  return Promise.resolve({
    get store() {
      return store
    },
    lettersOf: trigger =>
      Promise.resolve(
        [...tables.letters.values()].filter(letter => letter.trigger === trigger).sort((a, b) => b.id - a.id),
      ),
    async reopen() {
      await store.close()
      store = open()
    },
    lock() {
      isLocked = true
      return () => (isLocked = false)
    },
    close: () => store.close(),
  })
})
