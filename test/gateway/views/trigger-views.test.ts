import { describe, expect, it } from 'vitest'
import type { RunningTrigger } from '../../../src/gateway/fleet/trigger-fleet.ts'
import type { LogEnds } from '../../../src/gateway/fleet/version-lag.ts'
import { triggerViewOf } from '../../../src/gateway/views/trigger-views.ts'
import { triggerViewOf as sampleOf } from '../../api/sample-views.ts'

/** As much of a trigger as its view looks at: one partition, completed up to an offset. */
const triggerAt = (completed: number): RunningTrigger =>
  ({
    record: { name: 'orders', uid: 'u', managedBy: 'api', definition: sampleOf('orders').definition },
    routes: { refs: { targets: [] }, targetsOf: () => [], problem: undefined },
    log: { partitionCount: 1, committed: () => Promise.resolve(new Map([[0, completed]])) },
    dispatch: {
      ...{ counters: { retried: 0, delayed: 0, succeeded: 0, failed: 0 }, state: 'running' },
      ...{ parkedKeys: 0, parkedEvents: 0, pauseRecord: undefined, problem: undefined, breaker: undefined },
      partitions: () => [{ partition: 0, completed, inFlight: 0 }],
    },
  }) as unknown as RunningTrigger

const endsAt = (end: number) => ({ of: () => Promise.resolve([{ low: 0, end }]) }) as unknown as LogEnds

describe('the view of a trigger', () => {
  it('has as lag what is not completed', async () => {
    const { partitions, lag } = await triggerViewOf(triggerAt(3), { ends: endsAt(10), deadLetters: new Map() })
    expect(partitions).toMatchObject([{ committed: 3, end: 10, lag: 7 }])
    expect(lag).toBe(7)
  })

  it('has no end below what is completed, although ends are a moment older', async () => {
    const { partitions, lag } = await triggerViewOf(triggerAt(12), { ends: endsAt(10), deadLetters: new Map() })
    expect(partitions).toMatchObject([{ committed: 12, end: 12, lag: 0 }])
    expect(lag).toBe(0)
  })
})
