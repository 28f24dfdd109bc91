import { didYouMean } from '../config/did-you-mean.ts'
import { namePattern } from '../config/sections/name.ts'
import { SluiceError } from '../errors/sluice-error.ts'
import type { FunctionRecord, ManagedBy, RegistryState } from './registry-records.ts'

/** What must be true of a record for a plan to hold. Empty: nothing. */
export interface PlanCondition {
  /** The revision that the caller saw; `any`: it must exist. */
  readonly ifMatch?: number | 'any'
  /** It must not exist. */
  readonly ifNoneMatch?: true
}

interface Revised {
  readonly revision: number
}

/**
 * @param what for messages, such as `function price`.
 * @throws {SluiceError} SLUICE_REGISTRY_REVISION.
 */
export function assertCondition(what: string, record: Revised | undefined, condition: PlanCondition): void {
  const { ifMatch, ifNoneMatch } = condition
  if (ifNoneMatch === true && record !== undefined) {
    throw revisionError(`${what} exists already, at revision ${record.revision}`, record.revision)
  }
  if (ifMatch === undefined) return
  if (record === undefined) throw revisionError(`${what} does not exist, so it has no revision to match`, null)
  if (ifMatch === 'any' || ifMatch === record.revision) return
  const message = `${what} is at revision ${record.revision}, not ${ifMatch}: somebody changed it meanwhile; read it again`
  throw revisionError(message, record.revision)
}

function revisionError(message: string, revision: number | null): SluiceError {
  return new SluiceError('SLUICE_REGISTRY_REVISION', message, { details: { revision } })
}

/** @throws {SluiceError} SLUICE_REGISTRY_MANAGED when the configuration file manages it and somebody else changes it. */
export function assertManaged(
  what: string,
  record: { readonly managedBy: ManagedBy } | undefined,
  by: ManagedBy,
): void {
  if (record?.managedBy !== 'config' || by === 'config') return
  const message = `the configuration file manages ${what}; change it there, or give it another name`
  throw new SluiceError('SLUICE_REGISTRY_MANAGED', message)
}

/** @throws {SluiceError} SLUICE_FUNCTIONS_NOT_FOUND. */
export function functionOf(state: RegistryState, name: string): FunctionRecord {
  const record = state.functions.get(name)
  if (record !== undefined) return record
  const message = `there is no function ${name}${didYouMean(name, state.functions.keys())}`
  throw new SluiceError('SLUICE_FUNCTIONS_NOT_FOUND', message, { details: { function: name } })
}

/** @throws {SluiceError} SLUICE_REGISTRY_INVALID naming a field. */
export function invalid(what: string, field: string, message: string): SluiceError {
  return new SluiceError('SLUICE_REGISTRY_INVALID', `${what}: ${field}: ${message}`, { details: { field } })
}

/**
 * The last look at a name that is to stay: it becomes part of paths, groups and keys.
 * @throws {SluiceError} SLUICE_REGISTRY_INVALID.
 */
export function assertName(kind: 'function' | 'trigger', name: string): void {
  if (new RegExp(namePattern).test(name)) return
  const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)
  throw invalid(
    `${kind} ${shown}`,
    'name',
    'a name is 1 to 63 lower-case letters, digits and dashes, and begins with no dash',
  )
}
