import type { PauseEntry } from '../../api/views/pause-view.ts'
import type { PauseView } from '../../api/views/trigger-view.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import type { KnownPause } from '../pauses/pause-board.ts'
import type { PauseScope } from '../pauses/pause-scope.ts'

/** @param nameOf the name of a trigger, by its uid. */
export function pauseEntryOf(
  { id, scope, record, isConfirmed }: KnownPause,
  nameOf: (uid: string) => string | undefined,
): PauseEntry {
  return {
    id,
    kind: scope.kind,
    ...{ trigger: null, partition: null, key: null, function: null, version: null, source: null },
    ...fieldsOf(scope, nameOf),
    state: isConfirmed ? 'paused' : 'pausing',
    ...pauseViewOf(record),
  }
}

export function pauseViewOf({ reason, by, sinceMs, expiresAtMs }: PauseRecord): PauseView {
  return { reason, by, sinceMs, expiresAtMs: expiresAtMs ?? null }
}

function fieldsOf(scope: PauseScope, nameOf: (uid: string) => string | undefined): Partial<PauseEntry> {
  const { kind: _kind, ...fields } = scope
  return 'trigger' in fields ? { ...fields, trigger: nameOf(fields.trigger) ?? fields.trigger } : fields
}
