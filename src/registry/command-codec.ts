import { SluiceError } from '../errors/sluice-error.ts'
import type { AppendRecord, LogRecord } from '../log/log-record.ts'
import type { RegistryCommand } from './registry-change.ts'

/** Tells a command from whatever else may get into a topic. */
const header = Buffer.from('sluice-registry')

/** A command as a record of its log. */
export function encodeCommand(command: RegistryCommand): AppendRecord {
  return { key: null, header, value: Buffer.from(JSON.stringify(command)) }
}

/**
 * Reads a command. Whether this version of Sluice knows it is told when it is applied.
 * @throws {SluiceError} SLUICE_REGISTRY_CORRUPT for anything that is no command.
 */
export function decodeCommand({ offset, header: found, value }: LogRecord): RegistryCommand {
  if (found?.equals(header) !== true || value === null) throw corrupt(offset, 'was not written by a registry')
  let command: unknown
  try {
    command = JSON.parse(value.toString())
  } catch (cause) {
    throw corrupt(offset, 'is no JSON', cause)
  }
  if (!isCommand(command)) throw corrupt(offset, 'lacks fields of a command')
  return command
}

function isCommand(value: unknown): value is RegistryCommand {
  if (typeof value !== 'object' || value === null) return false
  const { id, atMs, by, expectedPosition, changes } = value as Partial<RegistryCommand>
  const hasFields = typeof id === 'string' && typeof atMs === 'number' && typeof by === 'string'
  if (!hasFields || typeof expectedPosition !== 'number' || !Array.isArray(changes)) return false
  return changes.every(change => typeof change === 'object' && change !== null)
}

function corrupt(offset: number, problem: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_REGISTRY_CORRUPT', `record ${offset} of the command log ${problem}; ${remedy}`, {
    cause,
    details: { position: offset },
  })
}

/** What can be done about a command log that is damaged. */
export const remedy =
  'restore the registry from a backup, or move its directory away: what the configuration file declares is made anew then, what was deployed has to be deployed again'
