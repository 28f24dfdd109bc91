import type { ErrorCode } from '../errors/error-codes.ts'
import type { SluiceError } from '../errors/sluice-error.ts'

/** What `sluice` exits with; scripts may rely on it. */
export const exitCodes = {
  ok: 0,
  /** The command failed, or a stop had to be forced. */
  failed: 1,
  /** The command line, the configuration or a function is wrong: the same command fails again. */
  usage: 2,
  unreachable: 3,
  /** A dry run found something to change. */
  changesPending: 4,
} as const

const usageCodes: readonly ErrorCode[] = [
  'SLUICE_CLI_BUNDLE',
  'SLUICE_CLI_USAGE',
  'SLUICE_CONFIG_INVALID',
  'SLUICE_CONFIG_UNREADABLE',
  'SLUICE_CONTROLLER_SIMULATION',
  'SLUICE_FUNCTIONS_LOAD',
  'SLUICE_REPLAY_CAPTURE',
  'SLUICE_REPLAY_TRIGGER',
]

export function exitCodeOf(error: SluiceError): number {
  if (error.code === 'SLUICE_CLI_UNREACHABLE') return exitCodes.unreachable
  return usageCodes.includes(error.code) ? exitCodes.usage : exitCodes.failed
}
