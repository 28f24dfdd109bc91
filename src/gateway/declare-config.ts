import type { Config } from '../config/config.ts'
import type { DeclaredFunction } from '../functions/load-functions.ts'
import type { RegistryChange } from '../registry/registry-change.ts'
import type { RegistryState } from '../registry/registry-records.ts'

/**
 * What has to change in the registry so that it holds what the configuration file declares: functions and triggers of the
 * file are put, those of an earlier file are deleted. One made by the API under the same name becomes the file's. Pure.
 */
export function declareConfig(
  state: RegistryState,
  functions: ReadonlyMap<string, DeclaredFunction>,
  triggers: Config['triggers'],
): RegistryChange[] {
  const changes: RegistryChange[] = []
  for (const { name, code, definition, hash } of functions.values()) {
    const record = state.functions.get(name)
    if (record?.managedBy === 'config' && record.latest.hash === hash) continue
    changes.push({ kind: 'put-function', name, managedBy: 'config', code, definition, hash })
  }
  for (const [name, definition] of triggers) {
    const record = state.triggers.get(name)
    if (record?.managedBy === 'config' && isSame(record.definition, definition)) continue
    // Its place in one stream, and what is parked of it, says nothing of another: it begins anew there.
    if (record !== undefined && record.definition.stream !== definition.stream)
      changes.push({ kind: 'delete-trigger', name })
    changes.push({ kind: 'put-trigger', name, managedBy: 'config', definition })
  }
  for (const { name, managedBy } of state.triggers.values())
    if (managedBy === 'config' && !triggers.has(name)) changes.push({ kind: 'delete-trigger', name })
  for (const { name, managedBy } of state.functions.values())
    if (managedBy === 'config' && !functions.has(name)) changes.push({ kind: 'delete-function', name })
  return changes
}

/** Equal as JSON, whatever the order of the fields. */
function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  )
}
