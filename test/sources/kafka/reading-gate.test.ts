import { describe, expect, it } from 'vitest'
import type { Subscription, SubscriptionHandlers } from '../../../src/log/partition-log.ts'
import { ReadingGate } from '../../../src/sources/kafka/reading-gate.ts'

/** A subscription that notes what it is told. */
function open() {
  const told: string[] = []
  let handlers!: SubscriptionHandlers
  const inner: Subscription = {
    pause: partitions => void told.push(`pause ${partitions.join()}`),
    resume: partitions => void told.push(`resume ${partitions.join()}`),
    commit: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
  const nothing = (): void => undefined
  const trigger: SubscriptionHandlers = {
    ...{ assigned: nothing, revoked: nothing, records: nothing, anomaly: nothing, fatal: nothing },
  }
  const gate = new ReadingGate()
  const subscribe = () =>
    gate.subscribe(trigger, given => {
      handlers = given
      return Promise.resolve(inner)
    })
  const assign = (epoch: number, ...partitions: number[]): void =>
    handlers.assigned(
      epoch,
      partitions.map(partition => ({ partition, position: 0 })),
    )
  return { told, gate, subscribe, assign, revoke: (epoch: number, ...of: number[]) => handlers.revoked(epoch, of) }
}

describe('a topic that is paused', () => {
  it('is not read by any group, in partitions that are gained meanwhile neither', async () => {
    const { told, gate, subscribe, assign, revoke } = open()
    await subscribe()
    assign(1, 0, 1)
    gate.close()
    revoke(2, 1)
    assign(2, 3)
    expect(told).toEqual(['pause 0,1', 'pause 3'])
    gate.open()
    expect(told.at(-1)).toBe('resume 0,3')
  })

  it('leaves out what its own trigger wants nothing of when it goes on', async () => {
    const { told, gate, subscribe, assign } = open()
    const subscription = await subscribe()
    assign(1, 0, 1, 2)
    subscription.pause([0])
    gate.close()
    subscription.pause([1])
    subscription.resume([0])
    expect(told).toEqual(['pause 0', 'pause 0,1,2', 'pause 1'])
    gate.open()
    expect(told.at(-1)).toBe('resume 0,2')
  })

  it('is not read by a group that joins later', async () => {
    const { told, gate, subscribe, assign } = open()
    gate.close()
    await subscribe()
    assign(1, 5)
    expect(told.at(-1)).toBe('pause 5')
  })
})
