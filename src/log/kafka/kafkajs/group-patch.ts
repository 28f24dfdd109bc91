import { ConsumerGroup, type ConsumerGroupInternals } from './kafkajs-internals.ts'

const patched = Symbol.for('sluice.kafkajs.group-patch')
const hook = Symbol.for('sluice.kafkajs.group-hook')

/** What a consumer of ours wants to know and to decide about its membership. */
export interface GroupHook {
  /** A membership begins; the same object for all of its generations. */
  began(group: ConsumerGroupInternals): void
  /** May kafkajs move its fetch position behind `offset`? It asks for records it filtered out, too. */
  mayResolve(partition: number, offset: number): boolean
  /** The fetch position is not in the log. Nothing is fetched from there meanwhile if the partition is paused. */
  outOfRange(partition: number): void
}

/** Ties a hook to the assigner of a consumer, which is the one public object that reaches its membership. */
export function withGroupHook<T extends object>(assigner: T, groupHook: GroupHook): T {
  return Object.assign(assigner, { [hook]: groupHook })
}

/**
 * Gives our consumers two things that kafkajs 2.2.4 keeps for itself. Consumers without a hook are not changed. Idempotent.
 *
 * - The offset manager of a generation: commits through it carry the generation they belong to, so that the broker itself
 *   refuses stale ones. `consumer.commitOffsets` retries with whatever generation is current then, and so can rewind
 *   another member's offset.
 * - The decision when a position is out of range: kafkajs commits -2 or -1 to the group, which loses where it was.
 */
export function patchConsumerGroup(prototype: ConsumerGroupInternals = ConsumerGroup.prototype): void {
  if (patched in prototype) return
  const { joinAndSync } = prototype
  for (const method of [joinAndSync, prototype.resolveOffset, prototype.recoverFromOffsetOutOfRange])
    if (typeof method !== 'function') throw new Error('kafkajs has another consumer group than 2.2.4')
  prototype.joinAndSync = function (this: ConsumerGroupInternals): Promise<void> {
    for (const assigner of this.assigners) {
      const groupHook = (assigner as { [hook]?: GroupHook })[hook]
      if (groupHook && !Object.hasOwn(this, hook)) attach(this, groupHook)
    }
    return joinAndSync.call(this)
  }
  Object.defineProperty(prototype, patched, { value: true })
}

function attach(group: ConsumerGroupInternals, groupHook: GroupHook): void {
  Object.defineProperty(group, hook, { value: groupHook })
  const { resolveOffset } = group
  group.resolveOffset = position => {
    // For a topic that has left the assignment the original throws a TypeError, which ends the consumer for good.
    if (groupHook.mayResolve(position.partition, Number(position.offset))) resolveOffset.call(group, position)
  }
  group.recoverFromOffsetOutOfRange = ({ partition }) => {
    groupHook.outOfRange(partition)
    return Promise.resolve()
  }
  groupHook.began(group)
}
