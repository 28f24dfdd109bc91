import { formatFunctionRef, formatVersionRef, type FunctionRef } from '../../config/function-ref.ts'
import { messageOf } from '../../errors/sluice-error.ts'
import type { AliasRecord, RegistryState, VersionRecord } from '../../registry/registry-records.ts'
import type { VersionEngine, VersionEngines } from './version-engines.ts'

/** A version that runs a share of the events of a reference. */
export interface RefTarget {
  readonly engine: VersionEngine
  /** Percent, above 0. */
  readonly weight: number
}

/** What a function reference such as `price@live` means in a state of the registry. */
export interface ResolvedRef {
  readonly versions: readonly { readonly record: VersionRecord; readonly weight: number }[]
  readonly alias?: AliasRecord
  readonly enabled: boolean
  /** Why nothing can run; `versions` is empty then. */
  readonly problem?: string
}

/** Resolves a reference. Pure. */
export function resolveRef(state: RegistryState, ref: FunctionRef): ResolvedRef {
  const none = (problem: string): ResolvedRef => ({ versions: [], enabled: true, problem })
  const record = state.functions.get(ref.name)
  if (record === undefined) return none(`there is no function ${ref.name}`)
  const { enabled } = record
  const { version } = ref
  if (version.kind === 'latest') return { versions: [{ record: record.latest, weight: 100 }], enabled }
  if (version.kind === 'version') {
    const found = record.versions.get(version.version)
    if (found === undefined) return none(`function ${ref.name} has no version ${version.version}`)
    return { versions: [{ record: found, weight: 100 }], enabled }
  }
  const alias = record.aliases.get(version.alias)
  if (alias === undefined) return none(`function ${ref.name} has no alias ${version.alias}`)
  const versions: { record: VersionRecord; weight: number }[] = []
  for (const { version: number, weight } of alias.weights) {
    if (weight <= 0) continue
    const found = record.versions.get(number)
    // Its share waits for it with all others: giving it to the rest would move keys that need not move.
    if (found === undefined) return none(`version ${number} of ${formatFunctionRef(ref)} is deleted; move the alias`)
    versions.push({ record: found, weight })
  }
  return { versions, alias, enabled }
}

/**
 * The engines behind one reference, kept in step with the registry. Whoever uses it is told when it changes; what it let
 * go of drains by itself.
 */
export class RefTargets {
  readonly ref: FunctionRef
  readonly #engines: VersionEngines
  #targets: readonly RefTarget[] = []
  #alias: AliasRecord | undefined
  #problem: string | undefined
  #enabled = true
  /** Called after the targets, the problem or `enabled` changed. */
  onChange: () => void = () => undefined

  constructor(ref: FunctionRef, engines: VersionEngines, state: RegistryState) {
    this.ref = ref
    this.#engines = engines
    this.refresh(state)
  }

  get targets(): readonly RefTarget[] {
    return this.#targets
  }

  /** The alias that the reference names. */
  get alias(): AliasRecord | undefined {
    return this.#alias
  }

  /** Why nothing runs; undefined while something can. */
  get problem(): string | undefined {
    return this.#problem
  }

  get enabled(): boolean {
    return this.#enabled
  }

  get version(): string {
    return formatVersionRef(this.ref.version)
  }

  /** Follows the registry: takes the engines that are needed now, then lets go of those that are not. */
  refresh(state: RegistryState): void {
    const resolved = resolveRef(state, this.ref)
    const before = this.#targets
    const wasEnabled = this.#enabled
    const problemBefore = this.#problem
    this.#alias = resolved.alias
    this.#enabled = resolved.enabled
    this.#problem = resolved.problem
    let targets: RefTarget[] = []
    try {
      for (const { record, weight } of resolved.versions)
        targets.push({ engine: this.#engines.acquire(this.ref.name, record), weight })
    } catch (error) {
      for (const { engine } of targets) this.#engines.release(engine)
      targets = []
      this.#problem = messageOf(error)
    }
    this.#targets = targets
    for (const { engine } of before) this.#engines.release(engine)
    const isSame =
      before.length === targets.length &&
      before.every(
        ({ engine, weight }, index) => engine === targets[index]?.engine && weight === targets[index]?.weight,
      )
    if (!isSame || wasEnabled !== this.#enabled || problemBefore !== this.#problem) this.onChange()
  }

  /** Lets go of everything. */
  close(): void {
    for (const { engine } of this.#targets) this.#engines.release(engine)
    this.#targets = []
    this.onChange = () => undefined
  }
}
