import { parseVersionRef } from '../../config/function-ref.ts'
import type { RetryOverride } from '../../config/sections/function-definition.ts'
import type { Delivery } from '../../dispatch/delivery.ts'
import type { RouteTable, RouteTarget } from '../../dispatch/route.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { FunctionRoutes } from './function-routes.ts'
import type { RefTargets } from './ref-targets.ts'

export interface TriggerRoutesOptions {
  readonly stream: string
  readonly retry: RetryOverride | undefined
  /** For the versions that redrives want. */
  readonly functions: Pick<FunctionRoutes, 'open' | 'close'>
}

/** Where the events of a trigger go: what its function reference means now, with the trigger's own retry and limits. */
export class TriggerRoutes implements RouteTable {
  /** The table changed: ready keys choose again. */
  onChange: () => void = () => undefined
  readonly #options: TriggerRoutesOptions
  #refs: RefTargets
  #targets: readonly RouteTarget[] = []
  #problem: string | undefined
  /** References that redrives want, by version: opened by the first event of one. */
  readonly #wanted = new Map<string, RefTargets>()

  constructor(refs: RefTargets, options: TriggerRoutesOptions) {
    this.#options = options
    this.#refs = refs
    this.#watch(refs)
  }

  get refs(): RefTargets {
    return this.#refs
  }

  /** @throws {SluiceError} SLUICE_DISPATCH_UNRESOLVED when the version that a redrive wants cannot run it. */
  targetsOf({ wantedVersion }: Pick<Delivery, 'wantedVersion'> = none): readonly RouteTarget[] {
    return wantedVersion === undefined ? this.#targets : this.#targetsWanted(wantedVersion)
  }

  /** No redrive wants this version any more. */
  release(version: string): void {
    const refs = this.#wanted.get(version)
    if (refs === undefined) return
    this.#wanted.delete(version)
    this.#options.functions.close(refs)
    this.onChange()
  }

  /** Lets go of everything. */
  close(): void {
    this.#releaseAll()
    this.#options.functions.close(this.#refs)
  }

  /** Why no event can run; undefined while some version can. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Points to another reference; returns the one before, which the caller closes. */
  point(refs: RefTargets): RefTargets {
    const old = this.#refs
    old.onChange = () => undefined
    // They are versions of the function before.
    this.#releaseAll()
    this.#refs = refs
    this.#watch(refs)
    this.onChange()
    return old
  }

  #targetsWanted(version: string): readonly RouteTarget[] {
    const { stream, retry, functions } = this.#options
    let refs = this.#wanted.get(version)
    if (refs === undefined) {
      refs = functions.open({ name: this.#refs.ref.name, version: parseVersionRef(version) })
      refs.onChange = () => this.onChange()
      this.#wanted.set(version, refs)
    }
    const problem = refs.problem ?? deniedBy(refs, stream)
    if (problem !== undefined) throw new SluiceError('SLUICE_DISPATCH_UNRESOLVED', problem)
    return refs.targets.map(({ engine, weight }) => routeTarget(engine, weight, retry))
  }

  #releaseAll(): void {
    for (const refs of this.#wanted.values()) this.#options.functions.close(refs)
    this.#wanted.clear()
  }

  #watch(refs: RefTargets): void {
    this.#follow()
    refs.onChange = () => {
      this.#follow()
      this.onChange()
    }
  }

  #follow(): void {
    const { stream, retry } = this.#options
    const { targets, problem } = this.#refs
    this.#problem = problem
    this.#targets = targets.map(({ engine, weight }) => routeTarget(engine, weight, retry))
    const denied = deniedBy(this.#refs, stream)
    if (denied === undefined) return
    this.#problem = denied
    this.#targets = []
  }
}

const none: Pick<Delivery, 'wantedVersion'> = { wantedVersion: undefined }

/** Why the role of a version forbids it the stream; undefined when none does. */
function deniedBy({ targets }: RefTargets, stream: string): string | undefined {
  const denied = targets.find(({ engine }) => engine.version.role?.streams?.includes(stream) === false)
  if (denied === undefined) return undefined
  const { name, version } = denied.engine.version
  return `the role of ${name}@${version} does not allow the stream ${stream}`
}

/** A version as a trigger runs it. */
export function routeTarget(
  engine: RefTargets['targets'][number]['engine'],
  weight: number,
  retry: RetryOverride | undefined,
): RouteTarget {
  const { version, dispatch } = engine
  return {
    engine: dispatch,
    weight,
    retry: { ...version.retry, ...retry },
    policy: { role: version.role, network: version.network },
  }
}
