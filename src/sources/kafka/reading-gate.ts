import type { Subscription, SubscriptionHandlers } from '../../log/partition-log.ts'

/** A subscription behind the gate. */
interface Gated {
  subscription: Subscription | undefined
  /** Partitions that the group has here. */
  readonly assigned: Set<number>
  /** Those that their own trigger wants nothing of now. */
  readonly paused: Set<number>
}

/**
 * Whether anything is read of a topic. While it is closed, the groups stay joined and keep their places: no partition moves
 * because somebody pauses.
 *
 *   open ──close()──▶ closed: no records are handed out, in partitions that are gained meanwhile neither ──open()──▶ open
 */
export class ReadingGate {
  readonly #gated = new Set<Gated>()
  #isClosed = false

  /** From here on no records are handed out. */
  close(): void {
    this.#isClosed = true
    for (const { subscription, assigned } of this.#gated) subscription?.pause([...assigned])
  }

  open(): void {
    this.#isClosed = false
    for (const { subscription, assigned, paused } of this.#gated)
      subscription?.resume([...assigned].filter(partition => !paused.has(partition)))
  }

  /** Subscribes behind the gate. */
  async subscribe(
    handlers: SubscriptionHandlers,
    subscribe: (handlers: SubscriptionHandlers) => Promise<Subscription>,
  ): Promise<Subscription> {
    const gated: Gated = { subscription: undefined, assigned: new Set(), paused: new Set() }
    const { assigned, paused } = gated
    const subscription = await subscribe({
      assigned: (epoch, partitions) => {
        for (const { partition } of partitions) assigned.add(partition)
        if (this.#isClosed) gated.subscription?.pause(partitions.map(({ partition }) => partition))
        handlers.assigned(epoch, partitions)
      },
      revoked: (epoch, partitions) => {
        for (const partition of partitions) assigned.delete(partition)
        handlers.revoked(epoch, partitions)
      },
      records: (epoch, partition, records) => handlers.records(epoch, partition, records),
      anomaly: anomaly => handlers.anomaly(anomaly),
      fatal: error => handlers.fatal(error),
    })
    gated.subscription = subscription
    this.#gated.add(gated)
    if (this.#isClosed) subscription.pause([...assigned])
    return {
      pause: partitions => {
        for (const partition of partitions) paused.add(partition)
        subscription.pause(partitions)
      },
      resume: partitions => {
        for (const partition of partitions) paused.delete(partition)
        if (!this.#isClosed) subscription.resume(partitions)
      },
      commit: (epoch, offsets) => subscription.commit(epoch, offsets),
      close: () => {
        this.#gated.delete(gated)
        return subscription.close()
      },
    }
  }
}
