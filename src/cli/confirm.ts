import { SluiceError } from '../errors/sluice-error.ts'
import type { CommandIo } from './command-io.ts'

/** @throws {SluiceError} SLUICE_CLI_DECLINED unless somebody says yes, SLUICE_CLI_USAGE where nobody can be asked. */
export async function confirm(io: CommandIo, question: string): Promise<void> {
  const answer = await io.ask(`${question} [y/N] `)
  if (answer === undefined) {
    throw new SluiceError('SLUICE_CLI_USAGE', 'nobody is here to ask: add --yes, or --dry-run to look only')
  }
  if (!/^y(es)?$/i.test(answer.trim())) throw new SluiceError('SLUICE_CLI_DECLINED', 'nothing was changed')
}
