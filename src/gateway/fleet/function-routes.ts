import { formatFunctionRef, type FunctionRef } from '../../config/function-ref.ts'
import type { RegistryState } from '../../registry/registry-records.ts'
import { RefTargets } from './ref-targets.ts'
import type { VersionEngines } from './version-engines.ts'

/** References of direct invocations that are kept at a time; the one idle for longest makes room. */
const maxBorrowed = 256

/**
 * All references that are in use: those of triggers and sources for as long as they are, those of direct invocations until
 * they were idle for a while. A change of a function reaches them all in one step.
 */
export class FunctionRoutes {
  readonly #engines: VersionEngines
  readonly #open = new Set<RefTargets>()
  readonly #borrowed = new Map<string, { readonly targets: RefTargets; usedAtMs: number; users: number }>()
  readonly #sweep: NodeJS.Timeout
  #state: RegistryState

  constructor(engines: VersionEngines, state: RegistryState) {
    this.#engines = engines
    this.#state = state
    this.#sweep = setInterval(() => this.#closeIdle(performance.now()), 1_000)
    this.#sweep.unref()
  }

  open(ref: FunctionRef): RefTargets {
    const targets = new RefTargets(ref, this.#engines, this.#state)
    this.#open.add(targets)
    return targets
  }

  close(targets: RefTargets): void {
    if (!this.#open.delete(targets)) return
    targets.close()
  }

  /** The targets of a reference for one direct invocation; give them back with {@link giveBack}. */
  borrow(ref: FunctionRef): RefTargets {
    const name = formatFunctionRef(ref)
    let borrowed = this.#borrowed.get(name)
    if (borrowed === undefined) {
      if (this.#borrowed.size >= maxBorrowed) this.#closeIdle(Infinity)
      borrowed = { targets: this.open(ref), usedAtMs: 0, users: 0 }
      this.#borrowed.set(name, borrowed)
    }
    borrowed.usedAtMs = performance.now()
    borrowed.users++
    return borrowed.targets
  }

  giveBack(targets: RefTargets): void {
    const borrowed = this.#borrowed.get(formatFunctionRef(targets.ref))
    if (borrowed?.targets !== targets) return
    borrowed.users--
    borrowed.usedAtMs = performance.now()
  }

  /** Follows a change of the registry. */
  refresh(state: RegistryState, functions: ReadonlySet<string>): void {
    this.#state = state
    for (const targets of this.#open) if (functions.has(targets.ref.name)) targets.refresh(state)
  }

  stop(): void {
    clearInterval(this.#sweep)
  }

  /** Closes references that no direct invocation has used for as long as their function wants its workers kept. */
  #closeIdle(nowMs: number): void {
    for (const [name, { targets, usedAtMs, users }] of this.#borrowed) {
      if (users > 0) continue
      const keepMs = Math.max(0, ...targets.targets.map(({ engine }) => engine.version.scaling.scaleToZeroAfterMs))
      if (nowMs - usedAtMs < keepMs) continue
      this.#borrowed.delete(name)
      this.close(targets)
    }
  }
}
