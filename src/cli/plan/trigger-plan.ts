import type { TriggerView } from '../../api/views/trigger-view.ts'
import { fieldChanges, type FieldChange } from './field-changes.ts'

/** What would be done about one trigger. */
export interface TriggerPlan {
  readonly name: string
  readonly action: 'create' | 'update' | 'unchanged'
  readonly fields: readonly FieldChange[]
  readonly definition: TriggerView['definition']
  /** Sent as `if-match`; undefined: it must not exist. */
  readonly revision: number | undefined
}

/** What only another trigger can have: its place in one stream says nothing of another. */
const fixedFields = ['stream', 'start']

/** @returns a text instead when it cannot be done. */
export function planTrigger(
  name: string,
  definition: TriggerView['definition'],
  current: TriggerView | undefined,
): TriggerPlan | string {
  if (current === undefined) return { name, action: 'create', fields: [], definition, revision: undefined }
  const fields = fieldChanges(current.definition, definition)
  const fixed = fields.find(({ path }) => fixedFields.some(field => path === field || path.startsWith(`${field}.`)))
  if (fixed !== undefined) {
    const from = JSON.stringify(fixed.from)
    return `${fixed.path} is ${from} and cannot be changed: \`sluice triggers delete ${name}\` first (its place in the stream is lost), or take another name`
  }
  const action = fields.length === 0 ? 'unchanged' : 'update'
  return { name, action, fields, definition, revision: current.revision }
}
