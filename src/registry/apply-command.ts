import { SluiceError } from '../errors/sluice-error.ts'
import { applyChange, isKnownChange } from './apply-change.ts'
import type { RegistryCommand } from './registry-change.ts'
import { StateDraft, type ReplicatedState } from './state-draft.ts'

/**
 * What came of a command. `stale`: another command came between its plan and its place in the log; `duplicate`: it was
 * applied before. Neither changes anything but the position.
 */
export type CommandOutcome = 'applied' | 'stale' | 'duplicate'

/**
 * Applies the command at the position of the state. Deterministic: the same log makes the same state on every node and
 * after every restart. Pure.
 * @throws {SluiceError} SLUICE_REGISTRY_UNKNOWN_COMMAND; nothing is applied then.
 */
export function applyCommand(
  state: ReplicatedState,
  command: RegistryCommand,
): { readonly state: ReplicatedState; readonly outcome: CommandOutcome } {
  const draft = new StateDraft(state, state.recentCommandIds)
  const outcome = applyToDraft(draft, command)
  return { state: draft.finish(), outcome }
}

/** {@link applyCommand} for replays: many commands into one draft. */
export function applyToDraft(draft: StateDraft, command: RegistryCommand): CommandOutcome {
  const { position } = draft
  // A node that skipped what it does not know would go on with a state that no other node has.
  refuseUnknown(command, position)
  // Stale ones count too: a position is an offset of the log.
  draft.position = position + 1
  if (draft.wasApplied(command.id)) return 'duplicate'
  if (command.expectedPosition !== position) return 'stale'
  const stamp = { revision: position + 1, atMs: command.atMs }
  for (const change of command.changes) applyChange(draft, change, stamp)
  draft.noteApplied(command.id)
  return 'applied'
}

function refuseUnknown(command: RegistryCommand, position: number): void {
  const { format, changes, by } = command as { format: unknown; changes: RegistryCommand['changes']; by: string }
  const unknown = changes.find(({ kind }) => !isKnownChange(kind))
  if (format === 1 && unknown === undefined) return
  const what = format === 1 ? `the change ${JSON.stringify(unknown?.kind)}` : `format ${JSON.stringify(format)}`
  throw new SluiceError(
    'SLUICE_REGISTRY_UNKNOWN_COMMAND',
    `command ${position} of the registry (by ${JSON.stringify(by)}) has ${what}, which this version of Sluice does not know; start the version that wrote it, or a newer one`,
    { details: { position } },
  )
}
