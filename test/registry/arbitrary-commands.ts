import fc from 'fast-check'
import type { RegistryChange, RegistryCommand } from '../../src/registry/registry-change.ts'
import { publish, putAlias, putFunction, putTrigger } from './registry-fixtures.ts'

const name = fc.constantFrom('a', 'b', 'c', 'constructor')
const version = fc.integer({ min: 1, max: 4 })
const expiry = fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined })

const withExpiry = (expiresAtMs: number | undefined) => (expiresAtMs === undefined ? {} : { expiresAtMs })

/** Any change, also of what is not there. */
const change: fc.Arbitrary<RegistryChange> = fc.oneof(
  fc
    .tuple(name, fc.integer({ min: 1, max: 3 }), expiry)
    .map(([to, seed, atMs]) => putFunction(to, seed, withExpiry(atMs))),
  name.map(to => ({ kind: 'delete-function', name: to }) as const),
  fc.tuple(name, fc.boolean()).map(([to, enabled]) => ({ kind: 'enable-function', name: to, enabled }) as const),
  fc.tuple(name, version).map(([to, number]) => publish(to, number)),
  fc.tuple(name, version).map(([to, number]) => ({ kind: 'delete-version', function: to, version: number }) as const),
  fc
    .tuple(name, name, version, version)
    .map(([to, alias, from, next]) => putAlias(to, alias, [[from, 70], [next, 30]])), // prettier-ignore
  fc.tuple(name, name).map(([to, alias]) => ({ kind: 'delete-alias', function: to, alias }) as const),
  fc.tuple(name, name, expiry).map(([trigger, to, atMs]) => putTrigger(trigger, to, withExpiry(atMs))),
  name.map(trigger => ({ kind: 'delete-trigger', name: trigger }) as const),
  fc.tuple(name, name).map(([to, trigger]) => ({ kind: 'renew', function: to, trigger, expiresAtMs: 100 }) as const),
)

/** A log of commands: most are made for the position they stand at, some are stale, some are there twice. */
export const commandLog: fc.Arbitrary<readonly RegistryCommand[]> = fc
  .array(
    fc.record({
      changes: fc.array(change, { minLength: 1, maxLength: 3 }),
      fate: fc.constantFrom('fresh', 'fresh', 'fresh', 'stale', 'again'),
    }),
    { maxLength: 60 },
  )
  .map(entries => {
    const log: RegistryCommand[] = []
    for (const [position, { changes, fate }] of entries.entries()) {
      const command = { format: 1, atMs: position * 10, by: 'test', changes } as const
      const before = log[position >> 1]
      if (fate === 'again' && before !== undefined) log.push({ ...command, id: before.id, expectedPosition: position })
      else log.push({ ...command, id: `id-${position}`, expectedPosition: fate === 'stale' ? position - 1 : position })
    }
    return log
  })
