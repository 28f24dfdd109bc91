import { createHash } from 'node:crypto'
import { openLocalRegistry } from '../../src/registry/local-registry.ts'
import type { RegistryState } from '../../src/registry/registry-records.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { textOf } from './registry-fixtures.ts'

/** Every command is of this time, so that it can be told beforehand what state it makes. */
export const killRegistryAtMs = 1_000

/** A registry that writes snapshots and deletes log files all the time, so that kills meet them. */
export function openKilledRegistry(dir: string): Promise<Registry> {
  return openLocalRegistry({
    dir,
    snapshotCommands: 5,
    segmentBytes: 8_000,
    historyMs: 0,
    now: () => killRegistryAtMs,
    onFatal: error => {
      throw error
    },
  })
}

/** Of all that a state says but its position, which a plan does not know; revisions tell it as well. */
export function stateDigest({ functions, triggers, triggerGenerations }: RegistryState): string {
  const text = textOf({ position: 0, functions, triggers, triggerGenerations })
  return createHash('sha256').update(text).digest('hex')
}
