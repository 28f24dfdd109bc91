import type { FunctionDefinition } from '../../config/sections/function-definition.ts'
import type { FunctionView } from '../../api/views/function-view.ts'
import type { Bundle } from '../bundle/bundle-function.ts'
import { defaultDefinition } from '../manifest/default-definition.ts'
import { fieldChanges, type FieldChange } from './field-changes.ts'

/** What would be done about one function; a pure comparison of what is there with what is wanted. */
export interface FunctionPlan {
  readonly name: string
  /** unchanged: neither code nor definition; a version may still be published. */
  readonly action: 'create' | 'update' | 'unchanged'
  /** Of a new function: what differs from the defaults. */
  readonly fields: readonly FieldChange[]
  readonly code: CodeChange | undefined
  readonly definition: FunctionDefinition
  /** Sent as `if-match`; undefined: it must not exist. */
  readonly revision: number | undefined
  /** The version that its publication makes or finds; undefined: nothing is published. */
  readonly publishes: { readonly version: number; readonly isNew: boolean } | undefined
  /** What `latest-published` stands for afterwards; undefined: nothing is published. */
  readonly newestVersion: number | undefined
}

/** The code of a function before and after, told by hash and size. */
export interface CodeChange {
  readonly from: { readonly hash: string; readonly bytes: number } | undefined
  readonly to: { readonly hash: string; readonly bytes: number }
}

/** Marks the manifest that an apply made a function for. */
export const managedByLabel = 'managed-by'

export function planFunction(
  name: string,
  wanted: { readonly definition: FunctionDefinition; readonly publish: boolean },
  bundle: Pick<Bundle, 'hash' | 'bytes'>,
  current: FunctionView | undefined,
): FunctionPlan {
  const { definition } = wanted
  const to = { hash: bundle.hash, bytes: bundle.bytes }
  if (current === undefined) {
    return {
      name,
      action: 'create',
      fields: fieldChanges(defaultDefinition(), definition),
      code: { from: undefined, to },
      definition,
      revision: undefined,
      publishes: wanted.publish ? { version: 1, isNew: true } : undefined,
      newestVersion: wanted.publish ? 1 : undefined,
    }
  }
  const fields = fieldChanges(current.definition, definition)
  const isNewCode = current.code.hash !== to.hash
  const isChanged = isNewCode || fields.length > 0
  const newest = current.versions[0]
  const isPublished = !isChanged && newest?.hash === current.latestHash
  const published = isPublished && newest !== undefined ? newest.version : current.lastVersion + 1
  return {
    name,
    action: isChanged ? 'update' : 'unchanged',
    fields,
    code: isNewCode ? { from: { hash: current.code.hash, bytes: current.code.bytes }, to } : undefined,
    definition,
    revision: current.revision,
    publishes: wanted.publish ? { version: published, isNew: !isPublished } : undefined,
    newestVersion: wanted.publish ? published : newest?.version,
  }
}

/** The definition with the mark of the manifest that an apply makes it for. */
export function withManagedBy(definition: FunctionDefinition, mark: string | undefined): FunctionDefinition {
  if (mark === undefined) return definition
  return { ...definition, labels: { ...definition.labels, [managedByLabel]: mark } }
}
