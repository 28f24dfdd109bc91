import type { LagSource } from '../../controller/lag.ts'
import type { TriggerRoute } from '../../dispatch/trigger-route.ts'
import type { VersionDispatch } from '../../dispatch/version-dispatch.ts'
import type { PartitionEnds, PartitionLog } from '../../log/partition-log.ts'

/** End offsets are asked for at most this often, however many triggers read a stream. */
const endsMaxAgeMs = 900

/** Ends of streams, at most a second old. */
export class LogEnds {
  readonly #ends = new WeakMap<PartitionLog, { atMs: number; ends: Promise<readonly PartitionEnds[]> }>()

  of(log: PartitionLog): Promise<readonly PartitionEnds[]> {
    const known = this.#ends.get(log)
    if (known !== undefined && performance.now() - known.atMs < endsMaxAgeMs) return known.ends
    const ends = log.ends()
    this.#ends.set(log, { atMs: performance.now(), ends })
    return ends
  }
}

/** What the controller sees of the events that wait for one version: its share of each trigger that feeds it. */
export function lagOf(dispatch: VersionDispatch, ends: LogEnds): LagSource {
  return {
    get runnable() {
      return dispatch.runnable
    },
    get runnableKeys() {
      return dispatch.runnableKeys
    },
    get running() {
      return dispatch.running
    },
    get calls() {
      return dispatch.permits.limits
    },
    get limitedBy() {
      return dispatch.limitedBy
    },
    get received() {
      return dispatch.received
    },
    async notTaken() {
      const lags = await Promise.all(dispatch.routes.map(route => notTaken(route, ends)))
      return lags.reduce((sum, lag) => sum + lag, 0)
    },
  }
}

async function notTaken({ trigger, engine, weight }: TriggerRoute, logEnds: LogEnds): Promise<number> {
  // What waits for the end of a pause needs no worker.
  if (trigger.state !== 'running' || engine.pauseRecord !== undefined) return 0
  const ends = await logEnds.of(trigger.log)
  let events = 0
  for (const { partition, taken } of trigger.partitions())
    if (!trigger.isPartitionPaused(partition)) events += Math.max(0, (ends[partition]?.end ?? taken) - taken)
  return Math.ceil((events * weight) / 100)
}
