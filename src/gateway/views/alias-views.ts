import type { AliasView, RolloutView } from '../../api/views/alias-view.ts'
import type { AliasRecord, FunctionRecord, RolloutRecord } from '../../registry/registry-records.ts'

export function aliasViewOf(record: FunctionRecord, alias: AliasRecord): AliasView {
  const { name, description, weights, shadow, rollout, revision, createdAtMs, updatedAtMs } = alias
  const named = [...weights.filter(({ weight }) => weight > 0), ...(shadow === undefined ? [] : [shadow])]
  return {
    function: record.name,
    name,
    description,
    weights,
    shadow: shadow ?? null,
    rollout: rollout === undefined ? null : rolloutViewOf(rollout),
    problems: named
      .filter(({ version }) => !record.versions.has(version))
      .map(({ version }) => `version ${version} is deleted; events that it should run wait`),
    revision,
    createdAtMs,
    updatedAtMs,
  }
}

function rolloutViewOf({ endedAtMs, reason, ...rollout }: RolloutRecord): RolloutView {
  return { ...rollout, endedAtMs: endedAtMs ?? null, reason: reason ?? null }
}
