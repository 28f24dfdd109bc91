import type { RegistryState } from '../registry/registry-records.ts'
import type { RunningTrigger, WaitingTrigger } from './fleet/trigger-fleet.ts'
import { groupOf } from './home-streams.ts'

/** What is looked at to name a group. */
export interface HolderParts {
  readonly running: ReadonlyMap<string, Pick<RunningTrigger, 'name' | 'record' | 'dispatch'>>
  readonly waiting: ReadonlyMap<string, WaitingTrigger>
  readonly state: RegistryState
}

/**
 * The trigger of a group as whoever is refused because of it should read it: `trigger audit, paused since …,`. Undefined
 * when no trigger has the group any more.
 */
export function describeHolder(group: string, { running, waiting, state }: HolderParts): string | undefined {
  for (const { name, record, dispatch } of running.values()) {
    if (groupOf(record.uid) !== group) continue
    const { pauseRecord, problem } = dispatch
    if (pauseRecord !== undefined) return `trigger ${name}, paused since ${timeOf(pauseRecord.sinceMs)},`
    if (problem !== undefined) return `trigger ${name}, which is stopped (${problem}),`
    return dispatch.state === 'disabled' ? `trigger ${name}, whose function is disabled,` : `trigger ${name}`
  }
  for (const { record, problem } of waiting.values())
    if (groupOf(record.uid) === group) return `trigger ${record.name}, which cannot run (${problem}),`
  for (const { name, uid, definition } of state.triggers.values())
    if (groupOf(uid) === group) return definition.enabled ? `trigger ${name}` : `trigger ${name}, which is disabled,`
  return undefined
}

const timeOf = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z')
