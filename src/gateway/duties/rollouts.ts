import type { VersionStatsSnapshot } from '../../dispatch/version-stats.ts'
import type { AliasRecord, FunctionRecord, RegistryState, RolloutRecord } from '../../registry/registry-records.ts'
import type { RegistryChange } from '../../registry/registry-change.ts'
import type { Registry } from '../../registry/registry.ts'
import { decideRollout, type RolloutDecision, type VersionPerformance } from '../../registry/rollout-decision.ts'
import type { VersionEngines } from '../fleet/version-engines.ts'
import { weightsAt } from './rollout-weights.ts'

const intervalMs = 1_000

/** Figures of the versions when the step began. */
interface Baseline {
  readonly step: string
  readonly byVersion: Map<string, VersionStatsSnapshot>
}

/**
 * Moves aliases in steps and goes back by itself. What a rollout has reached stands in the registry, so that a restart goes
 * on with it; the figures of a step that was under way are counted anew then.
 */
export class Rollouts {
  readonly #registry: Registry
  readonly #engines: VersionEngines
  readonly #onError: (error: unknown) => void
  readonly #baselines = new Map<string, Baseline>()
  /** What running rollouts wait for, by their id. Not worth a command of the registry each second. */
  readonly #waiting = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined
  #ticking = false

  constructor(registry: Registry, engines: VersionEngines, onError: (error: unknown) => void) {
    this.#registry = registry
    this.#engines = engines
    this.#onError = onError
  }

  start(): void {
    this.#timer = setInterval(() => void this.#tick(), intervalMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** What a running rollout waits for; undefined when it was not judged yet. */
  waitsFor(id: string): string | undefined {
    return this.#waiting.get(id)
  }

  async #tick(): Promise<void> {
    if (this.#ticking) return
    this.#ticking = true
    try {
      for (const { record, alias, rollout } of running(this.#registry.state)) await this.#judge(record, alias, rollout)
      const ids = new Set([...running(this.#registry.state)].map(({ rollout }) => rollout.id))
      for (const known of [this.#baselines, this.#waiting])
        for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
    } catch (error) {
      this.#onError(error)
    } finally {
      this.#ticking = false
    }
  }

  async #judge(record: FunctionRecord, alias: AliasRecord, rollout: RolloutRecord): Promise<void> {
    const nowMs = Date.now()
    const baseline = this.#baselineOf(record.name, rollout)
    const fresh = this.#performance(record.name, [String(rollout.to)], baseline)
    const others = rollout.from.filter(({ version }) => version !== rollout.to).map(({ version }) => String(version))
    const decision = decideRollout(
      rollout,
      { new: fresh, old: this.#performance(record.name, others, baseline) },
      nowMs,
    )
    this.#waiting.set(rollout.id, decision.reason)
    const next = afterDecision(rollout, decision, nowMs)
    if (next === undefined) return
    await this.#registry.transact('rollout', state => changeFor(state, record.name, alias.name, next))
  }

  #baselineOf(name: string, rollout: RolloutRecord): Baseline {
    const step = `${rollout.step}/${rollout.stepSinceMs}`
    const known = this.#baselines.get(rollout.id)
    if (known?.step === step) return known
    const byVersion = new Map<string, VersionStatsSnapshot>()
    for (const { version, dispatch } of this.#engines.of(name))
      byVersion.set(version.version, dispatch.stats.snapshot())
    const baseline = { step, byVersion }
    this.#baselines.set(rollout.id, baseline)
    return baseline
  }

  #performance(name: string, versions: readonly string[], baseline: Baseline): VersionPerformance {
    const engines = this.#engines.of(name).filter(({ version }) => versions.includes(version.version))
    const windows = engines.map(({ version, dispatch }) =>
      dispatch.stats.window(baseline.byVersion.get(version.version)),
    )
    return {
      invocations: windows.reduce((sum, window) => sum + window.invocations, 0),
      failures: windows.reduce((sum, window) => sum + window.failures, 0),
      // Of several old versions the slowest speaks: a new one must not be sent back for being like it.
      p95Ms: windows.reduce<number | undefined>(
        (max, { invocations, durationMs }) => (invocations === 0 ? max : Math.max(max ?? 0, durationMs.p95)),
        undefined,
      ),
    }
  }
}

function* running(state: RegistryState) {
  for (const record of state.functions.values()) {
    for (const alias of record.aliases.values()) {
      const { rollout } = alias
      if (rollout?.state === 'running') yield { record, alias, rollout }
    }
  }
}

/** The record after a decision; undefined when there is nothing to write. Pure. */
export function afterDecision(
  rollout: RolloutRecord,
  decision: RolloutDecision,
  nowMs: number,
): RolloutRecord | undefined {
  const { reason } = decision
  switch (decision.kind) {
    case 'hold':
      return undefined
    case 'advance':
      return { ...rollout, step: decision.step, stepSinceMs: nowMs, reason }
    case 'complete':
      return { ...rollout, state: 'completed', endedAtMs: nowMs, reason }
    case 'roll-back':
      return { ...rollout, state: 'rolled-back', endedAtMs: nowMs, reason }
  }
}

/** Puts the alias as the rollout wants it, unless somebody has moved it meanwhile. Pure. */
export function changeFor(
  state: RegistryState,
  name: string,
  aliasName: string,
  next: RolloutRecord,
): RegistryChange[] {
  const alias = state.functions.get(name)?.aliases.get(aliasName)
  if (alias?.rollout?.id !== next.id || alias.rollout.state !== 'running') return []
  const { description, shadow } = alias
  const percent = next.state === 'completed' ? 100 : (next.steps[next.step] ?? 100)
  const weights = next.state === 'rolled-back' ? next.from : weightsAt(next.from, next.to, percent)
  const change = { kind: 'put-alias', function: name, alias: aliasName, description, weights, rollout: next } as const
  return [shadow === undefined ? change : { ...change, shadow }]
}
