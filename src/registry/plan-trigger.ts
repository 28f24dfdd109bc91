import { isDeepStrictEqual } from 'node:util'
import { didYouMean } from '../config/did-you-mean.ts'
import { parseFunctionRef } from '../config/function-ref.ts'
import { SluiceError } from '../errors/sluice-error.ts'
import {
  assertCondition,
  assertManaged,
  assertName,
  functionOf,
  invalid,
  type PlanCondition,
} from './plan-condition.ts'
import type { RegistryChange } from './registry-change.ts'
import type { ManagedBy, RegistryState, TriggerDefinition, TriggerRecord } from './registry-records.ts'

/* Plans for triggers and leases; see plan-function.ts. */

export interface PutTriggerPlan extends PlanCondition {
  readonly name: string
  readonly managedBy: ManagedBy
  readonly definition: TriggerDefinition
  readonly expiresAtMs?: number
  /** What only the gateway can tell: streams, sinks, filters, roles. Throws what the caller is told. */
  readonly check?: () => void
}

/**
 * @throws {SluiceError} SLUICE_REGISTRY_REVISION, SLUICE_REGISTRY_MANAGED, SLUICE_REGISTRY_INVALID for a function, version or
 *   alias that is not there, and for a change of stream or start: the place in one stream says nothing of another.
 */
export function planPutTrigger(state: RegistryState, plan: PutTriggerPlan): RegistryChange[] {
  const { name, managedBy, definition, expiresAtMs, check } = plan
  const what = `trigger ${name}`
  const record = state.triggers.get(name)
  assertName('trigger', name)
  assertCondition(what, record, plan)
  assertManaged(what, record, managedBy)
  assertResolves(what, state, definition)
  if (record !== undefined) {
    for (const field of ['stream', 'start'] as const) {
      if (isDeepStrictEqual(record.definition[field], definition[field])) continue
      throw invalid(what, field, 'it cannot be changed; delete the trigger and create it again, or create another one')
    }
  }
  check?.()
  const isSame =
    record?.managedBy === managedBy &&
    record.expiresAtMs === expiresAtMs &&
    isDeepStrictEqual(record.definition, definition)
  if (isSame) return []
  return [{ kind: 'put-trigger', name, managedBy, definition, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) }]
}

/** @throws {SluiceError} SLUICE_API_NOT_FOUND, SLUICE_REGISTRY_REVISION, SLUICE_REGISTRY_MANAGED. */
export function planDeleteTrigger(
  state: RegistryState,
  plan: PlanCondition & { readonly name: string },
): RegistryChange[] {
  const record = triggerOf(state, plan.name)
  assertCondition(`trigger ${plan.name}`, record, plan)
  assertManaged(`trigger ${plan.name}`, record, 'api')
  return [{ kind: 'delete-trigger', name: plan.name }]
}

/**
 * Renews what has an end.
 * @throws {SluiceError} SLUICE_FUNCTIONS_NOT_FOUND, SLUICE_API_NOT_FOUND; SLUICE_REGISTRY_INVALID for what has none.
 */
export function planRenew(
  state: RegistryState,
  plan: { readonly function?: string; readonly trigger?: string; readonly expiresAtMs: number },
): RegistryChange[] {
  const { function: functionName, trigger } = plan
  if (functionName !== undefined && functionOf(state, functionName).expiresAtMs === undefined)
    throw invalid(`function ${functionName}`, 'function', 'it does not expire, so there is nothing to renew')
  if (trigger !== undefined && triggerOf(state, trigger).expiresAtMs === undefined)
    throw invalid(`trigger ${trigger}`, 'trigger', 'it does not expire, so there is nothing to renew')
  return [{ kind: 'renew', ...plan }]
}

function triggerOf(state: RegistryState, name: string): TriggerRecord {
  const record = state.triggers.get(name)
  if (record === undefined)
    throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no trigger ${name}; GET /v1/triggers lists them`)
  return record
}

function assertResolves(what: string, state: RegistryState, { function: text }: TriggerDefinition): void {
  const ref = parseFunctionRef(text)
  const record = ref === undefined ? undefined : state.functions.get(ref.name)
  if (ref === undefined || record === undefined) {
    const name = ref?.name ?? text
    throw invalid(what, 'function', `there is no function '${name}'${didYouMean(name, state.functions.keys())}`)
  }
  const { version } = ref
  if (version.kind === 'version' && !record.versions.has(version.version))
    throw invalid(what, 'function', `function ${ref.name} has no version ${version.version}`)
  if (version.kind === 'alias' && !record.aliases.has(version.alias)) {
    const hint = didYouMean(version.alias, record.aliases.keys())
    throw invalid(what, 'function', `function ${ref.name} has no alias '${version.alias}'${hint}`)
  }
}
