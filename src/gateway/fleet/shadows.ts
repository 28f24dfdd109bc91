import type { Delivery } from '../../dispatch/delivery.ts'
import { Shadow } from '../../dispatch/shadow.ts'
import type { RegistryState, ShadowTarget } from '../../registry/registry-records.ts'
import type { InvocationOutcome } from '../../workers/invocation.ts'
import type { RefTargets } from './ref-targets.ts'
import type { VersionEngine, VersionEngines } from './version-engines.ts'

interface RunningShadow {
  readonly target: ShadowTarget
  readonly engine: VersionEngine
  readonly shadow: Shadow
}

/** The shadow versions of all aliases: one for each alias that has one, whatever the number of its triggers. */
export class Shadows {
  readonly #engines: VersionEngines
  readonly #running = new Map<string, RunningShadow>()

  constructor(engines: VersionEngines) {
    this.#engines = engines
  }

  /** Follows the registry: what an alias says now runs, and nothing else. */
  follow(state: RegistryState): void {
    const wanted = new Map<string, { name: string; target: ShadowTarget }>()
    for (const { name, aliases } of state.functions.values())
      for (const { name: alias, shadow } of aliases.values())
        if (shadow !== undefined) wanted.set(keyOf(name, alias), { name, target: shadow })
    for (const [key, running] of this.#running) {
      const target = wanted.get(key)?.target
      if (target?.version === running.target.version && target.percent === running.target.percent) wanted.delete(key)
      else this.#stop(key, running)
    }
    for (const [key, { name, target }] of wanted) this.#start(key, name, target, state)
  }

  /** An attempt of an event ended: its copy goes to the shadow version of the alias that the trigger names, if there is one. */
  offer({ ref, alias }: RefTargets, delivery: Delivery, outcome: InvocationOutcome): void {
    if (this.#running.size === 0 || alias?.shadow === undefined) return
    this.#running.get(keyOf(ref.name, alias.name))?.shadow.offer(delivery, outcome)
  }

  of(functionName: string, alias: string): RunningShadow | undefined {
    return this.#running.get(keyOf(functionName, alias))
  }

  stop(): void {
    for (const [key, running] of this.#running) this.#stop(key, running)
  }

  #start(key: string, name: string, target: ShadowTarget, state: RegistryState): void {
    const record = state.functions.get(name)?.versions.get(target.version)
    if (record === undefined) return
    try {
      const engine = this.#engines.acquire(name, record)
      const shadow = new Shadow({ engine: engine.dispatch, percent: target.percent })
      this.#running.set(key, { target, engine, shadow })
    } catch {
      // It refers to something that is not there any more. A shadow is best effort: its report stays empty.
    }
  }

  #stop(key: string, { shadow, engine }: RunningShadow): void {
    this.#running.delete(key)
    shadow.stop()
    this.#engines.release(engine)
  }
}

const keyOf = (functionName: string, alias: string): string => `${functionName}@${alias}`
