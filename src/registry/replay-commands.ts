import { SluiceError } from '../errors/sluice-error.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { applyToDraft } from './apply-command.ts'
import { decodeCommand, remedy } from './command-codec.ts'
import { StateDraft, type ReplicatedState } from './state-draft.ts'

export interface Replay {
  readonly state: ReplicatedState
  /** Commands that were read, and their bytes. */
  readonly commands: number
  readonly bytes: number
}

/** Commands that are read in one go. */
const browsedRecords = 4_096

/** Reads that may come back empty before the end: brokers answer late, a damaged record does not come at all. */
const maxEmptyReads = 3

/**
 * Applies all commands from the position of a state to the end of the log.
 * @throws {SluiceError} SLUICE_REGISTRY_CORRUPT when a command is missing or cannot be read, SLUICE_REGISTRY_UNKNOWN_COMMAND.
 */
export async function replayCommands(log: PartitionLog, from: ReplicatedState): Promise<Replay> {
  const ends = (await log.ends())[0] ?? { low: 0, end: 0 }
  if (from.position > ends.end)
    throw corrupt(from.position, `the command log ends at ${ends.end}, before the snapshot at ${from.position}`)
  if (from.position < ends.low) throw gap(from.position, ends.low)
  const draft = new StateDraft(from, from.recentCommandIds)
  let bytes = 0
  for (let emptyReads = 0; draft.position < ends.end;) {
    const records = await log.browse(0, draft.position, Math.min(browsedRecords, ends.end - draft.position))
    if (records.length === 0 && ++emptyReads === maxEmptyReads) throw gap(draft.position, ends.end)
    for (const record of records) {
      if (record.offset !== draft.position) throw gap(draft.position, record.offset)
      applyToDraft(draft, decodeCommand(record))
      bytes += record.value?.length ?? 0
    }
  }
  return { state: draft.finish(), commands: draft.position - from.position, bytes }
}

/** Commands that should be there are not. */
export function gap(from: number, to: number): SluiceError {
  const which = to === from + 1 ? `command ${from} is` : `commands ${from} to ${to - 1} are`
  return corrupt(from, `${which} not in the log, or damaged`)
}

export function corrupt(position: number, problem: string): SluiceError {
  return new SluiceError(
    'SLUICE_REGISTRY_CORRUPT',
    `the registry cannot go on at command ${position}: ${problem}; ${remedy}`,
    {
      details: { position },
    },
  )
}
