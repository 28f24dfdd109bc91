import { writeSync } from 'node:fs'
import { preview } from '../../src/registry/apply-change.ts'
import type { RegistryChange } from '../../src/registry/registry-change.ts'
import type { RegistryState } from '../../src/registry/registry-records.ts'
import { seededRandom } from '../log/embedded/log-directory.ts'
import { killRegistryAtMs, openKilledRegistry, stateDigest } from './killed-registry.ts'
import { publish, putAlias, putFunction, putTrigger } from './registry-fixtures.ts'

/**
 * A process that changes a registry at random until it is killed. It tells the digest of the state that it found, of the
 * state that each command would make, and of the state that it was answered: `open`, `plan` and `done`.
 */
const [directory, seed] = process.argv.slice(2) as [string, string]
const random = seededRandom(Number(seed))
const below = (count: number): number => Math.floor(random() * count)

// Synchronously: what is not written when the process is killed was never said.
const tell = (what: string, state: RegistryState): void => void writeSync(1, `${what} ${stateDigest(state)}\n`)

const registry = await openKilledRegistry(directory)
tell('open', registry.state)
for (;;) {
  const state = await registry.transact('test', before => {
    const changes = Array.from({ length: 1 + below(3) }, () => randomChange(before))
    tell('plan', preview(before, changes, killRegistryAtMs))
    return changes
  })
  tell('done', state)
}

function randomChange(state: RegistryState): RegistryChange {
  const name = `f-${below(5)}`
  const lastVersion = state.functions.get(name)?.lastVersion ?? 0
  switch (below(8)) {
    case 0:
      return { kind: 'delete-function', name }
    case 1:
    case 2:
      return publish(name, lastVersion + 1)
    case 3:
      return putAlias(name, 'live', [[lastVersion, 100]])
    case 4:
      return putTrigger(`t-${below(3)}`, `${name}@live`)
    case 5:
      return { kind: 'delete-trigger', name: `t-${below(3)}` }
    default:
      return putFunction(name, below(1_000))
  }
}
