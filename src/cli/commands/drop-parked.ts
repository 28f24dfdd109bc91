import type { PauseTarget } from '../../api/views/pause-view.ts'
import type { DropView } from '../../api/views/drop-view.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, type ApiClient } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { confirm } from '../confirm.ts'
import { countOf } from '../format-quantity.ts'
import { userName } from '../user-name.ts'
import { printJson } from './api-command.ts'

/** Makes dead letters of the parked events of a trigger or key, after asking; in a dry run only tells of them. */
export async function dropParked(
  io: CommandIo,
  client: ApiClient,
  target: PauseTarget,
  { dryRun, yes, json }: { readonly dryRun?: boolean; readonly yes?: boolean; readonly json?: boolean },
): Promise<void> {
  if (target.kind !== 'trigger' && target.kind !== 'key')
    throw new SluiceError('SLUICE_CLI_USAGE', 'only what a trigger or a key has parked can be dropped')
  const { trigger } = target
  const of = target.kind === 'key' ? { key: target.key } : {}
  const path = apiPath('triggers', trigger, 'drop-parked')
  const drop = (isDry: boolean): Promise<DropView> =>
    client.json<DropView>('POST', path, { body: { ...of, by: userName(), dryRun: isDry } })
  const where = target.kind === 'key' ? `key ${target.key} of ${trigger}` : trigger
  const plan = await drop(true)
  const { parked } = plan
  if (dryRun === true) {
    if (json === true) printJson(io, plan)
    else io.out(`${where} has ${countOf(parked, 'parked event')}, which would become dead letters\n`)
    return
  }
  if (parked === 0) return
  if (yes !== true)
    await confirm(io, `${countOf(parked, 'parked event')} of ${where} will become dead letters and not run. Go on?`)
  const { dropped } = await drop(false)
  if (json !== true) io.out(`${countOf(dropped, 'parked event')} of ${where} are dead letters now\n`)
}
