import { parseFunctionRef } from '../config/function-ref.ts'
import type { FunctionDefinition } from '../config/sections/function-definition.ts'
import { SluiceError } from '../errors/sluice-error.ts'
import type { CodeRef } from '../functions/code-ref.ts'
import { assertCondition, assertManaged, assertName, functionOf, type PlanCondition } from './plan-condition.ts'
import type { RegistryChange } from './registry-change.ts'
import type { FunctionRecord, ManagedBy, RegistryState } from './registry-records.ts'

/*
 * What is to change when somebody wants something of a function: pure functions of the state that it is wanted of. They
 * throw what the caller is told, and are asked again when another command came first.
 */

export interface PutFunctionPlan extends PlanCondition {
  readonly name: string
  readonly managedBy: ManagedBy
  readonly code: CodeRef
  readonly definition: FunctionDefinition
  readonly hash: string
  readonly publish?: { readonly description: string; readonly labels: Readonly<Record<string, string>> }
  readonly expiresAtMs?: number
}

/**
 * Creates a function or changes its latest version; `published` is the version that its publication made or found. A
 * function of the file that the API made before becomes the file's.
 * @throws {SluiceError} SLUICE_REGISTRY_REVISION, SLUICE_REGISTRY_MANAGED.
 */
export function planPutFunction(
  state: RegistryState,
  { publish, ifMatch, ifNoneMatch, ...put }: PutFunctionPlan,
): { readonly changes: RegistryChange[]; readonly published: number | undefined } {
  const { name, hash, managedBy } = put
  const record = state.functions.get(name)
  const what = `function ${name}`
  assertName('function', name)
  assertCondition(what, record, conditionOf(ifMatch, ifNoneMatch))
  assertManaged(what, record, managedBy)
  const isSame =
    record?.latest.hash === hash && record.managedBy === managedBy && record.expiresAtMs === put.expiresAtMs
  const changes: RegistryChange[] = isSame ? [] : [{ kind: 'put-function', ...put }]
  if (publish === undefined) return { changes, published: undefined }
  const same = record === undefined ? undefined : newestPublished(record)
  if (same !== undefined && same.hash === hash) return { changes, published: same.number }
  const version = (record?.lastVersion ?? 0) + 1
  changes.push({ kind: 'publish-version', function: name, version, ...publish })
  return { changes, published: version }
}

/** @throws {SluiceError} SLUICE_FUNCTIONS_NOT_FOUND, SLUICE_REGISTRY_REVISION, SLUICE_REGISTRY_MANAGED. */
export function planPublish(
  state: RegistryState,
  plan: PlanCondition & {
    readonly function: string
    readonly description: string
    readonly labels: Readonly<Record<string, string>>
  },
): { readonly changes: RegistryChange[]; readonly version: number; readonly unchanged: boolean } {
  const record = changeable(state, plan.function, plan)
  const newest = newestPublished(record)
  if (newest?.hash === record.latest.hash) return { changes: [], version: newest.number, unchanged: true }
  const version = record.lastVersion + 1
  const { description, labels } = plan
  return {
    changes: [{ kind: 'publish-version', function: record.name, version, description, labels }],
    version,
    unchanged: false,
  }
}

/**
 * Forced, it leaves its triggers: they stop, and their events wait for a function of that name.
 * @throws {SluiceError} SLUICE_REGISTRY_IN_USE beside those of {@link planPublish}.
 */
export function planDeleteFunction(
  state: RegistryState,
  plan: PlanCondition & { readonly name: string; readonly force: boolean },
): RegistryChange[] {
  const { name, force } = plan
  const { aliases } = changeable(state, name, plan)
  const needs = triggersOf(state, name).map(trigger => `trigger ${trigger}`)
  for (const alias of aliases.keys()) needs.push(`alias ${alias}`)
  if (needs.length > 0 && !force) throw inUse(`function ${name}`, needs)
  return [{ kind: 'delete-function', name }]
}

/**
 * Forced, it leaves what names it: aliases and triggers keep pointing to it, and their events wait until they are moved.
 * A rollout that runs needs both its versions, and is not ended by the way.
 * @throws {SluiceError} SLUICE_API_NOT_FOUND, SLUICE_REGISTRY_IN_USE, and SLUICE_REGISTRY_ROLLOUT even when forced, beside
 *   those of {@link planPublish}.
 */
export function planDeleteVersion(
  state: RegistryState,
  plan: PlanCondition & { readonly function: string; readonly version: number; readonly force: boolean },
): RegistryChange[] {
  const { function: name, version, force } = plan
  const record = changeable(state, name, plan)
  if (!record.versions.has(version))
    throw new SluiceError('SLUICE_API_NOT_FOUND', `function ${name} has no version ${version}`)
  const needs = triggersOf(state, name, String(version)).map(trigger => `trigger ${trigger}`)
  for (const { name: alias, weights, shadow, rollout } of record.aliases.values()) {
    const isMoved = rollout?.to === version || rollout?.from.some(entry => entry.version === version) === true
    if (rollout?.state === 'running' && isMoved) {
      const message = `version ${version} of function ${name} is part of the rollout of alias ${alias}; wait for it, or abort it first`
      throw new SluiceError('SLUICE_REGISTRY_ROLLOUT', message, { details: { alias } })
    }
    const isServed = weights.some(entry => entry.version === version && entry.weight > 0)
    if (isServed) needs.push(`alias ${alias}`)
    else if (shadow?.version === version) needs.push(`alias ${alias} (as its shadow)`)
  }
  if (needs.length > 0 && !force) throw inUse(`version ${version} of function ${name}`, needs)
  return [{ kind: 'delete-version', function: name, version }]
}

/**
 * A function of the file may be disabled, too: like a pause it is somebody's wish for now, and no part of the definition.
 * @throws {SluiceError} SLUICE_FUNCTIONS_NOT_FOUND, SLUICE_REGISTRY_REVISION.
 */
export function planEnable(
  state: RegistryState,
  plan: PlanCondition & { readonly name: string; readonly enabled: boolean },
): RegistryChange[] {
  const { name, enabled } = plan
  const record = functionOf(state, name)
  assertCondition(`function ${name}`, record, conditionOf(plan.ifMatch, plan.ifNoneMatch))
  return record.enabled === enabled ? [] : [{ kind: 'enable-function', name, enabled }]
}

/** The function, if it is there, as the caller saw it, and not the file's. */
export function changeable(state: RegistryState, name: string, condition: PlanCondition): FunctionRecord {
  const record = functionOf(state, name)
  assertCondition(`function ${name}`, record, conditionOf(condition.ifMatch, condition.ifNoneMatch))
  assertManaged(`function ${name}`, record, 'api')
  return record
}

/** Triggers that name a function, or one version or alias of it, directly. */
export function triggersOf(state: RegistryState, name: string, version?: string): string[] {
  return [...state.triggers.values()]
    .filter(({ definition }) => {
      const ref = parseFunctionRef(definition.function)
      const [, asked = 'latest'] = definition.function.split('@')
      return ref?.name === name && (version === undefined || asked === version)
    })
    .map(trigger => trigger.name)
}

export function inUse(what: string, needs: readonly string[]): SluiceError {
  const shown = needs.slice(0, 5).join(', ') + (needs.length > 5 ? ` and ${needs.length - 5} more` : '')
  return new SluiceError(
    'SLUICE_REGISTRY_IN_USE',
    `${what} is needed by ${shown}; point them elsewhere first, or force it: what needs it waits then`,
    { details: { neededBy: needs } },
  )
}

function newestPublished(record: FunctionRecord): { readonly number: number; readonly hash: string } | undefined {
  let newest: { number: number; hash: string } | undefined
  for (const [number, { hash }] of record.versions)
    if (newest === undefined || number > newest.number) newest = { number, hash }
  return newest
}

function conditionOf(ifMatch: PlanCondition['ifMatch'], ifNoneMatch: PlanCondition['ifNoneMatch']): PlanCondition {
  return { ...(ifMatch === undefined ? {} : { ifMatch }), ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }) }
}
