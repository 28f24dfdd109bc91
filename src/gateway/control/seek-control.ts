import type { SeekInput, SeekTarget } from '../../api/trigger-control.ts'
import type { SeekView } from '../../api/views/seek-view.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import type { RunningTrigger } from '../fleet/trigger-fleet.ts'
import type { GatewayView } from '../gateway-view.ts'
import { groupOf } from '../home-streams.ts'
import { planSeek, withoutMoves, type SeekPlan } from '../pauses/seek-plan.ts'

/** @throws {SluiceError} as TriggerControl.seekTrigger says. */
export async function seekTrigger(view: GatewayView, name: string, { to, dryRun }: SeekInput): Promise<SeekView> {
  const { triggers: fleet, pauses } = view
  await fleet.settled(name)
  const trigger = fleet.running.get(name)
  if (trigger === undefined) throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no trigger ${name} at work`)
  const log = movableLog(trigger)
  const assertPaused = (): void => {
    if (pauses.of({ kind: 'trigger', trigger: trigger.record.uid }) === undefined)
      throw new SluiceError('SLUICE_DISPATCH_NOT_PAUSED', `trigger ${name} is not paused: pause it before it is moved`)
  }
  assertPaused()
  const positions = await positionsOf(log, to)
  const group = groupOf(trigger.record.uid)
  const plan = async (): Promise<SeekPlan> => planSeek(await log.ends(), await log.committed(group), positions)
  const viewOf = (planned: SeekPlan, notMoved: readonly number[] = []): SeekView => ({
    moved: !dryRun,
    ...planned,
    notMoved: [...notMoved],
    parked: fleet.running.get(name)?.dispatch.parkedEvents ?? 0,
  })
  if (dryRun) return viewOf(await plan())
  let moved: SeekPlan | undefined
  let left: readonly number[] = []
  await fleet.between(name, async () => {
    // It may have been resumed while it was being stopped.
    assertPaused()
    const planned = await plan()
    const offsets = planned.partitions.map(({ partition, to: offset }) => [partition, offset] as const)
    left = await log.seek(group, new Map(offsets.filter(([partition]) => positions.has(partition))))
    moved = withoutMoves(planned, left)
  })
  if (moved === undefined) throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no trigger ${name} at work`)
  return viewOf(moved, left)
}

function movableLog({ name, log, isInternal }: RunningTrigger): PartitionLog {
  if (isInternal === true)
    throw new SluiceError(
      'SLUICE_DISPATCH_PLACE',
      `${name} belongs to the gateway: asynchronous invocations keep their place`,
    )
  return log
}

async function positionsOf(log: PartitionLog, to: SeekTarget): Promise<ReadonlyMap<number, number>> {
  if (typeof to === 'object' && 'partition' in to) {
    const { partition, offset } = to
    const ends = (await log.ends())[partition]
    if (ends === undefined || offset < ends.low || offset > ends.end) {
      const has =
        ends === undefined ? `partitions 0 to ${log.partitionCount - 1}` : `offsets ${ends.low} to ${ends.end}`
      throw new SluiceError(
        'SLUICE_LOG_OUT_OF_RANGE',
        `${log.stream}/${partition} has no offset ${offset}: it has ${has}`,
      )
    }
    return new Map([[partition, offset]])
  }
  const start = to === 'start' ? 'earliest' : to === 'end' ? 'latest' : to
  return new Map((await log.positionsAt(start)).entries())
}
