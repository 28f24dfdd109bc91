import type { RouteTable, RouteTarget } from '../../dispatch/route.ts'
import type { RetryOverride } from '../../config/sections/function-definition.ts'
import type { RefTargets } from './ref-targets.ts'

export interface TriggerRoutesOptions {
  readonly stream: string
  readonly retry: RetryOverride | undefined
}

/** Where the events of a trigger go: what its function reference means now, with the trigger's own retry and limits. */
export class TriggerRoutes implements RouteTable {
  /** The table changed: ready keys choose again. */
  onChange: () => void = () => undefined
  readonly #options: TriggerRoutesOptions
  #refs: RefTargets
  #targets: readonly RouteTarget[] = []
  #problem: string | undefined

  constructor(refs: RefTargets, options: TriggerRoutesOptions) {
    this.#options = options
    this.#refs = refs
    this.#watch(refs)
  }

  get refs(): RefTargets {
    return this.#refs
  }

  targetsOf(): readonly RouteTarget[] {
    return this.#targets
  }

  /** Why no event can run; undefined while some version can. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Points to another reference; returns the one before, which the caller closes. */
  point(refs: RefTargets): RefTargets {
    const old = this.#refs
    old.onChange = () => undefined
    this.#refs = refs
    this.#watch(refs)
    this.onChange()
    return old
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
    const denied = targets.find(({ engine }) => engine.version.role?.streams?.includes(stream) === false)
    if (denied === undefined) return
    const { name, version } = denied.engine.version
    this.#problem = `the role of ${name}@${version} does not allow the stream ${stream}`
    this.#targets = []
  }
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
