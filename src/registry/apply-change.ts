import type { RegistryChange } from './registry-change.ts'
import type { FunctionRecord, RegistryState } from './registry-records.ts'
import { StateDraft } from './state-draft.ts'

/** What the records that a command touches take from it. */
export interface ChangeStamp {
  readonly revision: number
  readonly atMs: number
}

type ChangeOf<Kind extends RegistryChange['kind']> = Extract<RegistryChange, { kind: Kind }>
type Appliers = {
  readonly [Kind in RegistryChange['kind']]: (draft: StateDraft, change: ChangeOf<Kind>, stamp: ChangeStamp) => void
}

/**
 * How each change is applied. Nothing is validated: whoever made the change has, against the very state it is applied to.
 * What is not there all the same is left alone, on every node alike.
 */
const appliers: Appliers = {
  'put-function'(draft, { kind: _kind, ...change }, { revision, atMs }) {
    const { name, managedBy, code, definition, hash, expiresAtMs } = change
    const before = draft.functionNamed(name)
    draft.setFunction({
      name,
      managedBy,
      enabled: before?.enabled ?? true,
      latest: { version: 'latest', hash, code, definition, description: '', labels: {}, createdAtMs: atMs },
      versions: before?.versions ?? new Map(),
      lastVersion: before?.lastVersion ?? 0,
      aliases: before?.aliases ?? new Map(),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      revision,
      createdAtMs: before?.createdAtMs ?? atMs,
      updatedAtMs: atMs,
    })
  },

  'delete-function'(draft, { name }) {
    draft.deleteFunction(name)
  },

  'enable-function'(draft, { name, enabled }, stamp) {
    updateFunction(draft, name, stamp, () => ({ enabled }))
  },

  'publish-version'(draft, { function: name, version, description, labels }, stamp) {
    updateFunction(draft, name, stamp, record => {
      const published = { ...record.latest, version, description, labels, createdAtMs: stamp.atMs }
      return {
        versions: draft.withVersion(record, version, published),
        lastVersion: Math.max(record.lastVersion, version),
      }
    })
  },

  'delete-version'(draft, { function: name, version }, stamp) {
    updateFunction(draft, name, stamp, record => ({ versions: draft.withVersion(record, version, undefined) }))
  },

  'put-alias'(draft, { function: functionName, alias: name, description, weights, shadow, rollout }, stamp) {
    updateFunction(draft, functionName, stamp, record => ({
      aliases: draft.withAlias(record, name, {
        name,
        description,
        weights,
        ...(shadow === undefined ? {} : { shadow }),
        ...(rollout === undefined ? {} : { rollout }),
        revision: stamp.revision,
        createdAtMs: record.aliases.get(name)?.createdAtMs ?? stamp.atMs,
        updatedAtMs: stamp.atMs,
      }),
    }))
  },

  'delete-alias'(draft, { function: name, alias }, stamp) {
    updateFunction(draft, name, stamp, record => ({ aliases: draft.withAlias(record, alias, undefined) }))
  },

  'put-trigger'(draft, { name, managedBy, definition, expiresAtMs }, { revision, atMs }) {
    const before = draft.triggerNamed(name)
    draft.setTrigger({
      name,
      uid: before?.uid ?? uidOf(name, draft.nextGeneration(name)),
      managedBy,
      definition,
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      revision,
      createdAtMs: before?.createdAtMs ?? atMs,
      updatedAtMs: atMs,
    })
  },

  'delete-trigger'(draft, { name }) {
    draft.deleteTrigger(name)
  },

  renew(draft, { function: functionName, trigger: triggerName, expiresAtMs }, stamp) {
    if (functionName !== undefined) updateFunction(draft, functionName, stamp, () => ({ expiresAtMs }))
    const trigger = triggerName === undefined ? undefined : draft.triggerNamed(triggerName)
    if (trigger === undefined) return
    draft.setTrigger({ ...trigger, expiresAtMs, revision: stamp.revision, updatedAtMs: stamp.atMs })
  },
}

export function isKnownChange(kind: unknown): kind is RegistryChange['kind'] {
  return typeof kind === 'string' && Object.hasOwn(appliers, kind)
}

export function applyChange(draft: StateDraft, change: RegistryChange, stamp: ChangeStamp): void {
  const apply = appliers[change.kind] as (draft: StateDraft, change: RegistryChange, stamp: ChangeStamp) => void
  apply(draft, change, stamp)
}

/** The state as changes would make it if their command came next. Its position stays. Pure. */
export function preview(state: RegistryState, changes: readonly RegistryChange[], atMs: number): RegistryState {
  const draft = new StateDraft(state)
  for (const change of changes) applyChange(draft, change, { revision: state.position + 1, atMs })
  return draft.finish()
}

function updateFunction(
  draft: StateDraft,
  name: string,
  { revision, atMs }: ChangeStamp,
  update: (record: FunctionRecord) => Partial<FunctionRecord>,
): void {
  const record = draft.functionNamed(name)
  if (record !== undefined) draft.setFunction({ ...record, ...update(record), revision, updatedAtMs: atMs })
}

/** Names have no dot, so no trigger's name can be another one's uid. */
function uidOf(name: string, generation: number): string {
  return generation === 1 ? name : `${name}.${generation}`
}
