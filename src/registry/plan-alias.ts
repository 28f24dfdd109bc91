import { aliasPattern } from '../config/function-ref.ts'
import { SluiceError } from '../errors/sluice-error.ts'
import { assertCondition, assertManaged, functionOf, invalid, type PlanCondition } from './plan-condition.ts'
import { inUse, triggersOf } from './plan-function.ts'
import type { RegistryChange } from './registry-change.ts'
import type {
  AliasRecord,
  FunctionRecord,
  RegistryState,
  RolloutBounds,
  RolloutRecord,
  ShadowTarget,
  WeightedVersion,
} from './registry-records.ts'

/* Plans for aliases and their rollouts; see plan-function.ts. All throw SLUICE_FUNCTIONS_NOT_FOUND and SLUICE_REGISTRY_MANAGED. */

export interface PutAliasPlan extends PlanCondition {
  readonly function: string
  readonly alias: string
  readonly description: string
  readonly weights: readonly WeightedVersion[]
  readonly shadow?: ShadowTarget
}

/**
 * Moves an alias in one step. A rollout that runs is aborted by it, unless the weights stay as they are.
 * @throws {SluiceError} SLUICE_REGISTRY_INVALID for versions that are not there or stand twice, weights outside of 0 to 100
 *   or with more than two decimals, or that do not add up to 100; for the name `latest`. SLUICE_REGISTRY_REVISION.
 */
export function planPutAlias(state: RegistryState, plan: PutAliasPlan, nowMs: number): RegistryChange[] {
  const { function: name, alias, description, weights, shadow } = plan
  const record = functionOf(state, name)
  const existing = record.aliases.get(alias)
  const what = `alias ${name}@${alias}`
  assertManaged(`function ${name}`, record, 'api')
  assertCondition(what, existing, plan)
  checkName(alias)
  checkWeights(what, record, weights)
  if (shadow !== undefined) checkShadow(what, record, shadow)
  const isSame =
    existing !== undefined &&
    existing.description === description &&
    sameWeights(existing.weights, weights) &&
    existing.shadow?.version === shadow?.version &&
    existing.shadow?.percent === shadow?.percent
  if (isSame) return []
  const rollout = existing?.rollout
  const kept =
    rollout?.state === 'running' && !sameWeights(existing?.weights ?? [], weights)
      ? { ...rollout, state: 'aborted' as const, endedAtMs: nowMs, reason: 'the alias was moved by hand' }
      : rollout
  return [putAlias(name, alias, { description, weights, ...(shadow && { shadow }), ...(kept && { rollout: kept }) })]
}

/** @throws {SluiceError} SLUICE_API_NOT_FOUND, SLUICE_REGISTRY_IN_USE, SLUICE_REGISTRY_REVISION. */
export function planDeleteAlias(
  state: RegistryState,
  plan: PlanCondition & { readonly function: string; readonly alias: string; readonly force: boolean },
): RegistryChange[] {
  const { function: name, alias, force } = plan
  aliasOf(state, name, alias, plan)
  const needs = triggersOf(state, name, alias).map(trigger => `trigger ${trigger}`)
  if (needs.length > 0 && !force) throw inUse(`alias ${name}@${alias}`, needs)
  return [{ kind: 'delete-alias', function: name, alias }]
}

export interface StartRolloutPlan extends PlanCondition {
  readonly function: string
  readonly alias: string
  readonly id: string
  readonly nowMs: number
  readonly to: number
  readonly steps: readonly number[]
  readonly stepMs: number
  readonly bounds: RolloutBounds
}

/**
 * Begins a rollout with its first step.
 * @param weightsAt weights while a percentage has moved.
 * @throws {SluiceError} SLUICE_API_NOT_FOUND, SLUICE_REGISTRY_ROLLOUT when one runs, SLUICE_REGISTRY_INVALID for a version
 *   that is not there or serves alone already, or steps that do not ascend to 100.
 */
export function planStartRollout(
  state: RegistryState,
  plan: StartRolloutPlan,
  weightsAt: (from: readonly WeightedVersion[], to: number, percent: number) => WeightedVersion[],
): RegistryChange[] {
  const { function: name, alias: aliasName, id, nowMs, to, steps, stepMs, bounds } = plan
  const alias = aliasOf(state, name, aliasName, plan)
  const what = `alias ${name}@${aliasName}`
  if (alias.rollout?.state === 'running') {
    const message = `${what} moves to version ${alias.rollout.to} already; wait for it, or abort it first`
    throw new SluiceError('SLUICE_REGISTRY_ROLLOUT', message)
  }
  if (!functionOf(state, name).versions.has(to)) throw invalid(what, 'to', `function ${name} has no version ${to}`)
  if (alias.weights.every(({ version, weight }) => version === to || weight === 0))
    throw invalid(what, 'to', `version ${to} serves all of it already`)
  for (const [index, step] of steps.entries()) {
    if (!isHundredths(step) || step <= (steps[index - 1] ?? 0) || step > 100)
      throw invalid(what, `steps[${index}]`, 'steps ascend, from above 0 to 100, with at most two decimals')
  }
  if (steps.at(-1) !== 100) throw invalid(what, 'steps', 'the last step must be 100')
  const rollout: RolloutRecord = {
    id,
    state: 'running',
    from: alias.weights,
    to,
    steps,
    stepMs,
    bounds,
    step: 0,
    stepSinceMs: nowMs,
    startedAtMs: nowMs,
    reason: `step 1 of ${steps.length}: ${steps[0]} %`,
  }
  return [putAlias(name, aliasName, { ...alias, weights: weightsAt(alias.weights, to, steps[0] ?? 100), rollout })]
}

/** @throws {SluiceError} SLUICE_API_NOT_FOUND, SLUICE_REGISTRY_ROLLOUT when none runs. */
export function planEndRollout(
  state: RegistryState,
  plan: PlanCondition & {
    readonly function: string
    readonly alias: string
    readonly restore: boolean
    readonly reason: string
    readonly nowMs: number
  },
): RegistryChange[] {
  const { function: name, alias: aliasName, restore, reason, nowMs } = plan
  const alias = aliasOf(state, name, aliasName, plan)
  const { rollout } = alias
  if (rollout?.state !== 'running')
    throw new SluiceError('SLUICE_REGISTRY_ROLLOUT', `no rollout of alias ${name}@${aliasName} is running`)
  const ended: RolloutRecord = { ...rollout, state: 'aborted', endedAtMs: nowMs, reason }
  const weights = restore ? rollout.from : alias.weights
  return [putAlias(name, aliasName, { ...alias, weights, rollout: ended })]
}

function aliasOf(state: RegistryState, name: string, alias: string, condition: PlanCondition): AliasRecord {
  const record = functionOf(state, name)
  const found = record.aliases.get(alias)
  if (found === undefined) throw new SluiceError('SLUICE_API_NOT_FOUND', `function ${name} has no alias ${alias}`)
  assertManaged(`function ${name}`, record, 'api')
  assertCondition(`alias ${name}@${alias}`, found, condition)
  return found
}

function putAlias(
  name: string,
  alias: string,
  { description, weights, shadow, rollout }: Pick<AliasRecord, 'description' | 'weights' | 'shadow' | 'rollout'>,
): RegistryChange {
  return {
    kind: 'put-alias',
    function: name,
    alias,
    description,
    weights,
    ...(shadow === undefined ? {} : { shadow }),
    ...(rollout === undefined ? {} : { rollout }),
  }
}

function checkName(alias: string): void {
  const what = `alias ${JSON.stringify(alias.slice(0, 80))}`
  if (alias === 'latest') throw invalid(what, 'alias', 'latest is the version that changes with each update')
  if (!new RegExp(aliasPattern).test(alias))
    throw invalid(what, 'alias', 'a name is 1 to 63 lower-case letters, digits and dashes, and begins with a letter')
}

function checkWeights(what: string, record: FunctionRecord, weights: readonly WeightedVersion[]): void {
  const seen = new Set<number>()
  let hundredths = 0
  for (const [index, { version, weight }] of weights.entries()) {
    const field = `weights[${index}]`
    if (!record.versions.has(version))
      throw invalid(what, `${field}.version`, `function ${record.name} has no version ${version}`)
    if (seen.has(version)) throw invalid(what, `${field}.version`, `version ${version} stands twice`)
    if (!isHundredths(weight) || weight < 0 || weight > 100)
      throw invalid(what, `${field}.weight`, 'a weight is 0 to 100 percent, with at most two decimals')
    seen.add(version)
    hundredths += Math.round(weight * 100)
  }
  if (hundredths !== 10_000) throw invalid(what, 'weights', `they add up to ${hundredths / 100}, not to 100`)
}

function checkShadow(what: string, record: FunctionRecord, { version, percent }: ShadowTarget): void {
  if (!record.versions.has(version))
    throw invalid(what, 'shadow.version', `function ${record.name} has no version ${version}`)
  if (!(percent >= 1 && percent <= 100)) throw invalid(what, 'shadow.percent', 'it is 1 to 100')
}

function sameWeights(a: readonly WeightedVersion[], b: readonly WeightedVersion[]): boolean {
  return (
    a.length === b.length && a.every(({ version, weight }, i) => b[i]?.version === version && b[i].weight === weight)
  )
}

const isHundredths = (value: number): boolean => Math.abs(value * 100 - Math.round(value * 100)) < 1e-6
