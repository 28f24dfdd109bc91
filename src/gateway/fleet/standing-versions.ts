import { formatFunctionRef, type FunctionRef } from '../../config/function-ref.ts'
import type { FunctionRecord, RegistryState } from '../../registry/registry-records.ts'
import type { FunctionRoutes } from './function-routes.ts'
import type { RefTargets } from './ref-targets.ts'

/**
 * Versions with a warm minimum run even while nothing feeds them: those that the aliases of their function name, or the
 * latest one of a function without aliases. Published versions that nothing names are not kept warm.
 */
export class StandingVersions {
  readonly #routes: FunctionRoutes
  readonly #open = new Map<string, RefTargets>()

  constructor(routes: FunctionRoutes) {
    this.#routes = routes
  }

  follow(state: RegistryState): void {
    const wanted = new Map<string, FunctionRef>()
    for (const record of state.functions.values())
      for (const ref of standingRefs(record)) wanted.set(formatFunctionRef(ref), ref)
    for (const [name, targets] of this.#open) {
      if (wanted.has(name)) continue
      this.#open.delete(name)
      this.#routes.close(targets)
    }
    for (const [name, ref] of wanted) if (!this.#open.has(name)) this.#open.set(name, this.#routes.open(ref))
  }
}

/** References whose versions stand by. Pure. */
export function standingRefs(record: FunctionRecord): FunctionRef[] {
  const { name, latest, versions, aliases, enabled } = record
  if (!enabled) return []
  if (aliases.size === 0) {
    return latest.definition.scaling.minWorkers > 0 ? [{ name, version: { kind: 'latest' } }] : []
  }
  return [...aliases.values()]
    .filter(({ weights }) =>
      weights.some(
        ({ version, weight }) => weight > 0 && (versions.get(version)?.definition.scaling.minWorkers ?? 0) > 0,
      ),
    )
    .map(({ name: alias }) => ({ name, version: { kind: 'alias', alias } }) as const)
}
