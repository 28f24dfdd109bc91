import type { DropInput } from '../../api/trigger-control.ts'
import type { DropView } from '../../api/views/drop-view.ts'
import { parseFunctionRef } from '../../config/function-ref.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { GatewayView } from '../gateway-view.ts'
import { buryParked, parkedWithin, type ParkedScope } from '../pauses/drop-parked.ts'

/** @throws {SluiceError} as TriggerControl.dropParked says. */
export async function dropParked(view: GatewayView, name: string, input: DropInput): Promise<DropView> {
  const { triggers: fleet, pauses, store } = view
  const { key, by, dryRun } = input
  await fleet.settled(name)
  const trigger = fleet.running.get(name)
  if (trigger === undefined) throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no trigger ${name} at work`)
  if (trigger.isInternal === true)
    throw new SluiceError('SLUICE_DISPATCH_PLACE', `${name} belongs to the gateway: what it has parked runs`)
  const { uid, definition } = trigger.record
  const assertPaused = (): void => {
    if (pauses.of({ kind: 'trigger', trigger: uid }) !== undefined) return
    if (key !== undefined && pauses.of({ kind: 'key', trigger: uid, key }) !== undefined) return
    const what = key === undefined ? `trigger ${name}` : `neither key ${key} nor trigger ${name}`
    const not = key === undefined ? 'is not paused' : 'is paused'
    throw new SluiceError('SLUICE_DISPATCH_NOT_PAUSED', `${what} ${not}: pause it before what it has parked is dropped`)
  }
  assertPaused()
  const scope: ParkedScope = { trigger: uid, stream: trigger.log.stream, ...(key === undefined ? {} : { key }) }
  // What a stop parks besides was not asked about.
  const keys = await parkedWithin(store, scope)
  const events = keys.reduce((sum, parked) => sum + parked.events, 0)
  if (dryRun || events === 0) return { dryRun, parked: events, dropped: 0 }
  let dropped = 0
  const functionName = parseFunctionRef(definition.function)?.name ?? definition.function
  await fleet.between(name, async () => {
    // It may have been resumed while it was being stopped.
    assertPaused()
    dropped = await buryParked(store, scope, keys, { functionName, by, nowMs: Date.now() })
  })
  return { dryRun, parked: events, dropped }
}
